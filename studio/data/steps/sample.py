"""sample: some rows at random, in their order."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from studio.data.draws import draws
from studio.data.steps.base import MAX_SEED, Columns, Numbers, Params, Places, Step


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
    seed: int = Field(42, ge=0, le=MAX_SEED, title="Seed", description="The same seed keeps the same rows.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.rows) == bool(self.share):
            raise ValueError("Give either a number of rows or a share.")
        return self


def sampled(
    ask: Callable[[str], Iterator[pa.RecordBatch]],  # noqa: ARG001
    count: int,
    rows: int,
    share: float,
    seed: int,
) -> Numbers:
    """The rows for which the smallest numbers are drawn, in their order."""
    wanted = min(count, rows or round(share * count))
    order = np.argsort(draws(np.arange(count), seed), kind="stable")
    return np.sort(order[:wanted]).astype(np.int64)


def function(params: SampleParams, columns: Columns) -> "partial[Numbers]":  # noqa: ARG001
    """What chooses them."""
    return partial(sampled, rows=params.rows, share=params.share, seed=params.seed)


def describe(params: SampleParams) -> str:
    """How many, and the seed."""
    return f"keep {f'{params.rows:,} rows' if params.rows else f'{params.share:.4g} of the rows'} at random"


STEP = Step(
    name="sample",
    title="Sample",
    description="Keeps some rows at random, in their order.",
    params=SampleParams,
    work=Places[SampleParams](function),
    describe=describe,
    example={"share": 0.5},
)
