"""How things move in the clips."""

import numpy as np
import pytest

from studio.starter.build.vision.video import FRAMES, MOTIONS, path_of


@pytest.mark.parametrize(
    ("motion", "what", "sign"),
    [
        ("moves left", 0, -1),
        ("moves right", 0, 1),
        ("moves up", 1, -1),
        ("moves down", 1, 1),
        ("grows", 2, 1),
        ("shrinks", 2, -1),
        ("turns clockwise", 3, -1),  # Pillow counts angles against the clock
        ("turns anticlockwise", 3, 1),
    ],
)
def test_only_one_thing_changes_and_in_its_own_way(motion: str, what: int, sign: int) -> None:
    path = np.array(path_of(MOTIONS.index(motion), np.random.default_rng(0)))
    assert path.shape == (FRAMES, 4)
    steps = np.diff(path, axis=0)
    assert (np.sign(steps[:, what]) == sign).all()
    assert np.abs(np.delete(steps, what, axis=1)).max() < 1e-9
