"""sample: some rows at random, in their order; of all rows, or of each value of a column."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from studio.data.draws import draws
from studio.data.parquet import quote
from studio.data.steps.base import MAX_SEED, Columns, Numbers, Params, Places, Step, column_of


class SampleParams(Params):
    """How many rows."""

    rows: int = Field(
        0,
        ge=0,
        le=10**12,
        title="Rows",
        description="How many rows are kept; 0 to give a share instead. Where there are fewer, all are kept.",
    )
    share: float = Field(0.0, ge=0, le=1, title="Share", description="Which part of the rows is kept: 0.1 for a tenth.")
    each: str = Field(
        "",
        max_length=300,
        title="Of each",
        description="A column: so many rows, or this share, are kept of each of its values. Empty: of all rows.",
        json_schema_extra={"widget": "column"},
    )
    seed: int = Field(42, ge=0, le=MAX_SEED, title="Seed", description="The same seed keeps the same rows.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.rows) == bool(self.share):
            raise ValueError("Give either a number of rows or a share.")
        return self


def sampled(
    ask: Callable[[str], Iterator[pa.RecordBatch]],
    count: int,
    rows: int,
    share: float,
    seed: int,
    groups: str = "",
) -> Numbers:
    """The rows for which the smallest numbers are drawn, in their order; of each group that the query numbers."""
    found = [batch.column(0).to_numpy(zero_copy_only=False) for batch in ask(groups)] if groups else []
    group = np.concatenate([np.empty(0, np.int64), *found]) if groups else np.zeros(count, dtype=np.int64)
    sizes = np.bincount(group.astype(np.int64))
    wanted = np.minimum(sizes, rows) if rows else np.rint(share * sizes).astype(np.int64)
    order = np.lexsort((draws(np.arange(count), seed), group))  # group after group, the smallest draw first
    rank = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[rank < np.repeat(wanted, sizes)]).astype(np.int64)


def function(params: SampleParams, columns: Columns) -> "partial[Numbers]":  # noqa: ARG001
    """What chooses them. Groups are numbered in the order of their values, so that one group is one number."""
    name = quote(params.each)
    place = "n" if params.each.casefold() != "n" else "n_"
    numbered = f"SELECT {name}, row_number() OVER () AS {place} FROM rows"  # noqa: S608
    groups = f"SELECT dense_rank() OVER (ORDER BY {name}) - 1 FROM ({numbered}) ORDER BY {place}"  # noqa: S608
    return partial(
        sampled, rows=params.rows, share=params.share, seed=params.seed, groups=groups if params.each else ""
    )


def columns(params: SampleParams, before: Columns) -> Columns:
    """The same, once the column exists."""
    if params.each:
        column_of(before, params.each, "each")
    return before


def describe(params: SampleParams) -> str:
    """How many, and of what."""
    what = f"{params.rows:,} rows" if params.rows else f"{params.share:.4g} of the rows"
    return f"keep {what}{f' of each {params.each}' if params.each else ''} at random"


STEP = Step(
    name="sample",
    title="Sample",
    description="Keeps some rows at random, in their order: of all rows, or of each value of a column.",
    params=SampleParams,
    work=Places[SampleParams](function, columns),
    describe=describe,
    example={"share": 0.5},
)
