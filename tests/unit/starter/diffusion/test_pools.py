"""The pools keep digits and clothes apart."""

import numpy as np
import pytest
from PIL import Image

from studio.starter.build.diffusion import pools
from studio.starter.build.diffusion.data import SUBJECTS, Pool


@pytest.fixture
def sorted_pools(monkeypatch: pytest.MonkeyPatch) -> dict[str, Pool]:
    counts = {"emoji": 2, "digit": 3, "clothes": 2, "shape": 1}
    monkeypatch.setattr(pools, "COUNTS", dict.fromkeys(pools.PARTS, counts))
    emoji = {one.icon: Image.new("RGB", (160, 160), "red") for one in SUBJECTS if one.icon}
    inks = {
        one.name: [np.full((28, 28), 20 * number, np.uint8) for number in range(9)]
        for one in SUBJECTS
        if one.family in ("digit", "clothes")
    }
    return {part: pools._pool(part, emoji, inks, 1) for part in pools.PARTS}


@pytest.mark.parametrize(("family", "rows"), [("digit", 9), ("clothes", 6)])
def test_no_digit_or_piece_of_clothing_is_in_two_pools(sorted_pools: dict[str, Pool], family: str, rows: int) -> None:
    one = [subject.family for subject in SUBJECTS].index(family)
    tones = [pool.pixels[pool.subjects == one][:, 32, 32, 0].tolist() for pool in sorted_pools.values()]
    found = [tone for part in tones for tone in part]
    assert len(found) == len(set(found)) == rows


def test_every_subject_is_in_every_pool(sorted_pools: dict[str, Pool]) -> None:
    for pool in sorted_pools.values():
        assert set(pool.subjects.tolist()) == set(range(len(SUBJECTS)))
        assert pool.pixels.shape == (len(pool.subjects), 64, 64, 3)


def test_emoji_are_placed_anew_in_each_pool(sorted_pools: dict[str, Pool]) -> None:
    emoji = [number for number, one in enumerate(SUBJECTS) if one.icon]
    train, judge = (sorted_pools[part] for part in ("train", "judge"))
    assert np.isin(train.subjects, emoji).any()
    assert not np.array_equal(
        train.pixels[np.isin(train.subjects, emoji)], judge.pixels[np.isin(judge.subjects, emoji)]
    )
