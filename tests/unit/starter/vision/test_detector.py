"""How found boxes are judged."""

import numpy as np
import pytest

from studio.starter.build.vision.detector import Found, average_precision, overlaps


def found(*boxes: tuple[float, float, float, float, int, float]) -> Found:
    table = np.array(boxes, np.float64).reshape(-1, 6)
    return Found(table[:, :4], table[:, 4].astype(np.int64), table[:, 5])


def test_overlap_is_intersection_over_union() -> None:
    one = np.array([[0.0, 0, 10, 10]])
    other = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert overlaps(one, other)[0] == pytest.approx([1, 1 / 3, 0])


@pytest.mark.parametrize(
    ("made", "figure"),
    [
        (found((0, 0, 10, 10, 1, 0.9), (20, 20, 30, 30, 1, 0.8)), 1.0),
        (found((0, 0, 10, 10, 1, 0.9)), 0.5),
        (found((0, 0, 10, 10, 1, 0.9), (1, 0, 10, 10, 1, 0.8)), 0.5),  # the second of one thing counts as wrong
        (found((50, 50, 60, 60, 1, 0.9), (0, 0, 10, 10, 1, 0.8), (20, 20, 30, 30, 1, 0.7)), 2 / 3),
        (found((0, 0, 10, 10, 2, 0.9), (20, 20, 30, 30, 2, 0.8)), 0.0),  # of another kind
        (found(), 0.0),
    ],
)
def test_average_precision(made: Found, figure: float) -> None:
    there = found((0, 0, 10, 10, 1, 1), (20, 20, 30, 30, 1, 1))
    assert average_precision([there], [made]) == pytest.approx(figure)


def test_only_kinds_that_are_there_count() -> None:
    there = found((0, 0, 10, 10, 1, 1))
    made = found((0, 0, 10, 10, 1, 0.9), (0, 0, 10, 10, 5, 0.95))
    assert average_precision([there, found()], [made, found()]) == 1
