"""How lines are found in what the finder sees, how a line is spelled, and a page read from end to end."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.starter import reading
from studio.starter.reading import Line, Reading, Word

SIGNS = ["", *"abc", " "]


def likely(text: str) -> Any:
    """Steps × signs as the reader gives them: "-" is no sign."""
    found = np.full((len(text), len(SIGNS)), 0.01, np.float32)
    for step, sign in enumerate(text):
        found[step, 0 if sign == "-" else SIGNS.index(sign)] = 0.9
    return found


@dataclass(frozen=True)
class Named:
    name: str = "x"


class Finder:
    """Takes what is dark for text."""

    def get_inputs(self) -> list[Named]:
        return [Named()]

    def run(self, outputs: None, given: dict[str, Any]) -> list[Any]:
        return [(given["x"].mean(1, keepdims=True) < 0).astype(np.float32)]


class Reader:
    """Reads "ab c" everywhere, over the whole width."""

    def get_inputs(self) -> list[Named]:
        return [Named()]

    def run(self, outputs: None, given: dict[str, Any]) -> list[Any]:
        assert given["x"].shape[1:3] == (3, reading.HEIGHT)
        return [np.stack([likely("aabb- -c")] * len(given["x"]))]


def test_equal_signs_in_a_row_count_once_and_blanks_part_words() -> None:
    line = reading.spelled(likely("-aa-ab- cc"), SIGNS, (10, 0, 110, 20), 10)
    assert [word.text for word in line.words] == ["aab", "c"]
    assert [word.box for word in line.words] == [(20, 0, 70, 20), (90, 0, 100, 20)]
    assert line.text == "aab c"
    assert line.score == pytest.approx(0.9)


def test_wide_gaps_part_words_where_the_reader_saw_no_blank() -> None:
    line = np.full((20, 100, 3), 255, np.uint8)
    for left in (10, 16, 22, 40, 46, 52):  # letters two pixels apart, and a gap of fourteen
        line[5:15, left : left + 4] = 0
    (gap,) = reading.gaps(line)
    assert gap == pytest.approx(33, abs=1)
    seen = likely("-aba--bc-")
    assert [word.text for word in reading.spelled(seen, SIGNS, (0, 0, 90, 20), 10, [50]).words] == ["aba", "bc"]
    assert [word.text for word in reading.spelled(seen, SIGNS, (0, 0, 90, 20), 10, [5]).words] == ["ababc"]
    assert reading.gaps(np.full((20, 100, 3), 255, np.uint8)) == []


def test_a_line_without_signs_has_no_words() -> None:
    line = reading.spelled(likely("----"), SIGNS, (0, 0, 10, 10), 1)
    assert line == Line((), 0.0)


def test_parts_that_hang_together_are_boxes_that_reach_beyond_them() -> None:
    seen = np.zeros((60, 100), np.float32)
    seen[10:20, 10:60] = 0.8
    seen[40:50, 20:30] = 0.8
    seen[55, 80] = 0.8  # too small for a line
    found = reading.cores(seen)
    assert len(found) == 2
    left, top, right, bottom = found[0]
    assert left < 10 < 60 < right
    assert top < 10 < 20 < bottom
    assert reading.cores(np.where(seen > 0, 0.4, 0).astype(np.float32)) == []  # not sure enough


def test_boxes_beside_each_other_are_read_from_the_left() -> None:
    boxes = [(60, 12, 90, 22), (5, 40, 50, 50), (5, 10, 50, 20)]
    assert reading.in_order(boxes) == [boxes[2], boxes[0], boxes[1]]


def test_lines_beside_each_other_are_a_row() -> None:
    lines = [Line((Word("x", box),), 1.0) for box in ((5, 10, 50, 20), (60, 12, 90, 22), (5, 40, 50, 50))]
    assert [len(row) for row in reading.in_rows(lines)] == [2, 1]


def test_a_page_is_read_in_its_own_pixels() -> None:
    page = np.full((300, 400, 3), 255, np.uint8)
    page[100:120, 50:250] = 0
    page[200:220, 50:350] = 0
    lines = Reading(Finder(), Reader(), SIGNS).read(Image.fromarray(page))
    assert [line.text for line in lines] == ["ab c", "ab c"]
    (first, *_), last = lines[0].words, lines[1].words[-1]
    assert first.box[1] <= 100 < 120 <= first.box[3]
    assert 30 <= first.box[0] <= 60
    assert 330 <= last.box[2] <= 400


@pytest.mark.parametrize("size", [(1, 1), (3000, 40), (10, 900)])
def test_pages_of_any_shape_are_looked_at(size: tuple[int, int]) -> None:
    assert Reading(Finder(), Reader(), SIGNS).read(Image.new("RGB", size, "white")) == []
