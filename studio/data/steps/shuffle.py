"""shuffle: the rows in random order."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pydantic import Field

from studio.data.draws import draws
from studio.data.steps.base import MAX_SEED, Columns, Numbers, Params, Places, Step


class ShuffleParams(Params):
    """Which order."""

    seed: int = Field(42, ge=0, le=MAX_SEED, title="Seed", description="The same seed gives the same order.")


def shuffled(ask: Callable[[str], Iterator[pa.RecordBatch]], count: int, seed: int) -> Numbers:  # noqa: ARG001
    """All rows, ordered by what is drawn for each."""
    return np.argsort(draws(np.arange(count), seed), kind="stable").astype(np.int64)


def function(params: ShuffleParams, columns: Columns) -> "partial[Numbers]":  # noqa: ARG001
    """What orders them."""
    return partial(shuffled, seed=params.seed)


STEP = Step(
    name="shuffle",
    title="Shuffle",
    description="Puts the rows in a random order.",
    params=ShuffleParams,
    work=Places[ShuffleParams](function),
    describe=lambda params: f"shuffle with seed {params.seed}",
)
