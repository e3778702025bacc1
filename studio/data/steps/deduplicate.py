"""deduplicate: the first of all rows that are the same."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pydantic import Field

from studio.data.parquet import quote
from studio.data.steps.base import Columns, Numbers, Params, Places, Step, column_of
from studio.data.steps.naming import Names, check_once


class DeduplicateParams(Params):
    """What makes two rows the same."""

    columns: Names = Field(
        default_factory=list,
        title="Columns",
        description="Rows are the same when they agree in these columns; empty for all. Empty cells agree.",
        json_schema_extra={"widget": "column"},
    )


def firsts(ask: Callable[[str], Iterator[pa.RecordBatch]], count: int, query: str) -> Numbers:  # noqa: ARG001
    """The numbers that the query gives."""
    found = [batch.column(0).to_numpy(zero_copy_only=False) for batch in ask(query)]
    return np.concatenate([np.empty(0, np.int64), *found]).astype(np.int64)


def function(params: DeduplicateParams, columns: Columns) -> "partial[Numbers]":
    """What chooses them."""
    names = params.columns or [column.name for column in columns]
    number = "n"
    while any(name.casefold() == number for name in names):
        number += "_"
    listed = ", ".join(map(quote, names))
    numbered = f"SELECT {listed}, row_number() OVER () - 1 AS {number} FROM rows"  # noqa: S608
    return partial(firsts, query=f"SELECT min({number}) FROM ({numbered}) GROUP BY {listed} ORDER BY 1")  # noqa: S608


def columns(params: DeduplicateParams, before: Columns) -> Columns:
    """The same, once those that are compared exist."""
    check_once(params.columns, "columns")
    for name in params.columns:
        column_of(before, name, "columns")
    return before


STEP = Step(
    name="deduplicate",
    title="Deduplicate",
    description="Keeps the first of all rows that are the same in some columns, or in all.",
    params=DeduplicateParams,
    work=Places[DeduplicateParams](function, columns),
    describe=lambda params: f"keep the first of each {', '.join(params.columns) or 'row'}",
    example={"columns": ["text"]},
)
