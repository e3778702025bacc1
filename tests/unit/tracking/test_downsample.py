import random

import pytest

from studio.tracking.downsample import min_max


@pytest.mark.parametrize("seed", range(30))
def test_no_spike_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    count, points = chance.randint(5, 3000), chance.randint(4, 200)
    steps = sorted(chance.sample(range(10 * count), count))
    values = [chance.gauss(0, 1) for _ in range(count)]
    values[chance.randrange(count)], values[chance.randrange(count)] = 50.0, -50.0
    kept_steps, kept = min_max(steps, values, points)
    assert len(kept) <= points
    assert kept_steps == sorted(set(kept_steps))
    assert (kept[0], kept[-1]) == (values[0], values[-1])
    assert (max(kept), min(kept)) == (max(values), min(values))
    by_step = dict(zip(steps, values, strict=True))
    assert all(by_step[int(step)] == value for step, value in zip(kept_steps, kept, strict=True))


@pytest.mark.parametrize("seed", range(10))
def test_every_bucket_keeps_its_extremes(seed: int) -> None:
    chance = random.Random(seed)
    values = [chance.random() for _ in range(1002)]
    _, kept = min_max(range(1002), values, 102)
    for start in range(1, 1001, 20):
        bucket = values[start : start + 20]
        assert min(bucket) in kept
        assert max(bucket) in kept


def test_few_points_stay_as_they_are() -> None:
    assert min_max([1, 2, 3], [3.0, 1.0, 2.0], 600) == ([1, 2, 3], [3.0, 1.0, 2.0])
    assert min_max([], [], 600) == ([], [])


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 steps and 1 values"):
        min_max([1, 2], [1.0], 10)
