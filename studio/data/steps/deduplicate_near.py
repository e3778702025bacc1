"""deduplicate-near: the first of all rows whose texts are nearly the same."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pydantic import Field

from studio.data.near import groups
from studio.data.parquet import quote
from studio.data.steps.base import Columns, Numbers, Params, Places, Step, text_column


class DeduplicateNearParams(Params):
    """What makes two texts nearly the same."""

    column: str = Field(
        min_length=1,
        max_length=300,
        title="Column",
        description="The texts that are compared.",
        json_schema_extra={"widget": "column"},
    )
    threshold: float = Field(
        0.8,
        ge=0.3,
        le=1,
        title="Likeness",
        description="Jaccard index of the character n-grams from which on two texts count as the same.",
    )
    shingle: int = Field(5, ge=1, le=64, title="n-grams", description="Characters of an n-gram.")


def without_near(
    ask: Callable[[str], Iterator[pa.RecordBatch]], count: int, query: str, threshold: float, shingle: int
) -> Numbers:
    """All rows but the later ones of each group of texts that are alike. Empty texts stay."""

    def texts() -> Iterator[tuple[int, str]]:
        number = 0
        for batch in ask(query):
            for text in batch.column(0).to_pylist():
                if text:
                    yield number, text
                number += 1

    stay = np.ones(count, dtype=bool)
    for group in groups(texts(), threshold, shingle):
        stay[group[1:]] = False
    return np.flatnonzero(stay).astype(np.int64)


def function(params: DeduplicateNearParams, columns: Columns) -> "partial[Numbers]":  # noqa: ARG001
    """What chooses them."""
    query = f"SELECT {quote(params.column)} FROM rows"  # noqa: S608
    return partial(without_near, query=query, threshold=params.threshold, shingle=params.shingle)


def columns(params: DeduplicateNearParams, before: Columns) -> Columns:
    """The same, once the column is one of texts."""
    text_column(before, params.column)
    return before


STEP = Step(
    name="deduplicate-near",
    title="Deduplicate nearly",
    description="Keeps the first of all rows whose texts are nearly the same (MinHash, then compared exactly).",
    params=DeduplicateNearParams,
    work=Places[DeduplicateNearParams](function, columns),
    describe=lambda params: f"keep the first of texts in {params.column} that are alike by {params.threshold:.2g}",
    example={"column": "text"},
)
