"""What the steps that add noise share: fields, texts changed row by row, changed rows beside the others."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from studio.data.draws import generators
from studio.data.steps.base import MAX_SEED, Columns, Params, text_column
from studio.data.steps.tables import with_column


class NoiseParams(Params):
    """Where the noise goes."""

    column: str = Field(
        min_length=1,
        max_length=300,
        title="Column",
        description="What is changed.",
        json_schema_extra={"widget": "column"},
    )
    keep: bool = Field(
        False,
        title="Keep the originals",
        description="Whether each row stays as it is, with the changed one after it: the data set doubles.",
    )
    seed: int = Field(
        42,
        ge=0,
        le=MAX_SEED,
        title="Seed",
        description="The same seed changes the same rows in the same way.",
    )


def texts_only(params: Any, before: Columns) -> Columns:
    """The same, once the column is one of texts."""
    text_column(before, params.column)
    return before


def beside(table: pa.Table, column: str, values: pa.Array, keep: bool) -> pa.Table:
    """The rows with new values in a column; where `keep`, each after its original."""
    changed = with_column(table, column, values)
    if not keep:
        return changed
    count = table.num_rows
    order = np.arange(2 * count).reshape(2, count).T.reshape(-1)
    return pa.concat_tables([table, changed]).take(pa.array(order))


def each_text(
    table: pa.Table, numbers: Sequence[int], column: str, change: Callable[[str, Random], str], seed: int, keep: bool
) -> pa.Table:
    """The rows with every text changed by its own generator; what is null stays so."""
    texts = table.column(column).to_pylist()
    drawn = generators(numbers, seed)
    found = [None if text is None else change(text, random) for text, random in zip(texts, drawn, strict=True)]
    return beside(table, column, pa.array(found, pa.string()), keep)
