"""Random numbers that depend on a seed and a row's number alone: the same whatever the batches, here and in scripts.

splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") of the row's number, keyed.
"""

from collections.abc import Sequence
from random import Random

import numpy as np
import numpy.typing as npt


def mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each number spread over all 64 bits."""
    with np.errstate(over="ignore"):
        numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(numbers ^ (numbers >> np.uint64(31)), dtype=np.uint64)


def draws(numbers: Sequence[int] | npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """64 random bits for each row's number."""
    rows = np.asarray(numbers, dtype=np.int64).astype(np.uint64)
    key = mixed(np.array([seed], dtype=np.uint64))
    return mixed(mixed(rows) ^ key)


def generators(numbers: Sequence[int], seed: int) -> list[Random]:
    """A generator for each row's number."""
    return [Random(int(draw)) for draw in draws(numbers, seed)]  # noqa: S311  noise, not a secret
