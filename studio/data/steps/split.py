"""split: train, validation and test from one split, with every class in proportion."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from studio.core.errors import InvalidInput
from studio.data.draws import draws
from studio.data.parquet import quote
from studio.data.steps.base import MAX_SEED, Columns, Numbers, Params, Parts, Step, column_of

NAMES = ("train", "validation", "test")


class SplitParams(Params):
    """What is divided, and how."""

    split: str = Field(
        "train",
        min_length=1,
        max_length=100,
        title="Split",
        description="Which part of the data set is divided.",
        json_schema_extra={"widget": "split"},
    )
    train: float = Field(0.8, ge=0, le=1, title="Train", description="Share of the rows that go into train.")
    validation: float = Field(0.1, ge=0, le=1, title="Validation", description="Share for validation.")
    test: float = Field(0.1, ge=0, le=1, title="Test", description="Share for test. The shares make 1 together.")
    stratify_by: str = Field(
        "",
        max_length=300,
        title="Stratify by",
        description="A column whose values shall be in proportion in each part, the label for example; empty for none.",
        json_schema_extra={"widget": "column"},
    )
    seed: int = Field(42, ge=0, le=MAX_SEED, title="Seed", description="The same seed gives the same parts.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"The shares must make 1 together; they make {total:.6g}.")
        return self

    def shares(self) -> dict[str, float]:
        """Part → share, of those that get anything."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: share for name, share in found.items() if share > 0}


def sizes(count: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers in these proportions that make `count` together, by largest remainder."""
    exact = [count * share for share in shares]
    found = [int(one + 1e-9) for one in exact]
    order = sorted(range(len(shares)), key=lambda place: (found[place] - exact[place], place))
    for place in order[: count - sum(found)]:
        found[place] += 1
    return found


def divided(
    ask: Callable[[str], Iterator[pa.RecordBatch]], count: int, shares: dict[str, float], query: str, seed: int
) -> dict[str, Numbers]:
    """Part → its rows, in their order.

    Where the query tells the rows' classes, each class is spread evenly over the cuts: it is in every part in
    proportion, give or take one row.
    """
    random = draws(np.arange(count), seed)
    order = np.argsort(random, kind="stable")
    if query and count:
        found = np.concatenate([batch.column(0).to_numpy(zero_copy_only=False) for batch in ask(query)])
        _, classes, members = np.unique(found, return_inverse=True, return_counts=True)
        grouped = order[np.argsort(classes[order], kind="stable")]  # by class, in each at random
        ranks = np.arange(count) - np.repeat(np.cumsum(members) - members, members)
        places = (ranks + 0.5) / np.repeat(members, members)
        order = grouped[np.lexsort((random[grouped], places))]
    parts: dict[str, Numbers] = {}
    start = 0
    for name, size in zip(shares, sizes(count, list(shares.values())), strict=True):
        parts[name] = np.sort(order[start : start + size]).astype(np.int64)
        start += size
    return parts


def function(params: SplitParams, columns: Columns) -> "partial[dict[str, Numbers]]":  # noqa: ARG001
    """What divides them."""
    query = ""
    if params.stratify_by:
        text = f"coalesce(CAST({quote(params.stratify_by)} AS VARCHAR), '')"
        query = f"SELECT CASE WHEN {quote(params.stratify_by)} IS NULL THEN 0::UBIGINT ELSE hash({text}) END FROM rows"  # noqa: S608
    return partial(divided, shares=params.shares(), query=query, seed=params.seed)


def columns(params: SplitParams, before: Columns) -> Columns:
    """The same, once the column to stratify by is one of classes."""
    if params.stratify_by:
        column = column_of(before, params.stratify_by, "stratify_by")
        if column.kind == "other":
            raise InvalidInput("stratify_by", column.name, f"{column.type} is no type of labels; cast it before.")
    return before


def describe(params: SplitParams) -> str:
    """The shares, and by what."""
    shares = ", ".join(f"{name} {share:.4g}" for name, share in params.shares().items())
    return f"divide {params.split} into {shares}" + (f", by {params.stratify_by}" if params.stratify_by else "")


STEP = Step(
    name="split",
    title="Split",
    description="Divides a split into train, validation and test; with the classes in proportion, if asked.",
    params=SplitParams,
    work=Parts[SplitParams](function, lambda params: params.split, lambda params: tuple(params.shares()), columns),
    describe=describe,
    example={"train": 0.5, "validation": 0.25, "test": 0.25, "stratify_by": "label"},
)
