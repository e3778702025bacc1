"""Reads the printed words of a page with their places, by PP-OCR's two ONNX models.

What PaddleOCR does with OpenCV is done here with numpy and scipy, for pages that stand upright: lines are found as
boxes, each line is read, and words get their places from where the reader saw their signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINDER, READER, SIGNS = "finder.onnx", "reader.onnx", "signs.txt"
LEAST, MOST = 736, 2000  # pixels of a page's shorter and longer side, as the finder sees it
GRID = 32  # pixels that the finder's sides are multiples of
TEXT, LINE = 0.3, 0.5  # PP-OCR's least values: of a pixel that shows text, of a line's mean
GROWTH = 1.6  # how much a line's box is larger than the finder's core of it (PP-OCR's "unclip ratio")
SMALLEST = 3  # pixels of a core's side
HEIGHT, NARROWEST = 48, 320  # pixels of a line as the reader sees it; shorter ones are filled up
AT_ONCE = 6  # lines that are read together
INK, WIDE = 0.35, 0.28  # of a line's contrast: what is no ground; of its height: the least blank between words
SURE = 0.5  # least mean probability of a line's signs

Box = tuple[int, int, int, int]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Word:
    """A word and its place in the picture: left, top, right, bottom, in pixels."""

    text: str
    box: Box


@dataclass(frozen=True)
class Line:
    """Words that stand on one height, from the left to the right, and how sure the reader is of them."""

    words: tuple[Word, ...]
    score: float

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Reading:
    """The two models and the signs that the second one knows, in its order; 0 is none."""

    finder: Any
    reader: Any
    signs: Sequence[str]

    def read(self, picture: Any) -> list[Line]:
        """The lines of a PIL image, from the top to the bottom; lines beside each other from the left to the right."""
        pixels = np.asarray(picture.convert("RGB"))
        boxes = in_order(self.find(pixels))
        found: list[Line | None] = [None] * len(boxes)
        widths = [(right - left) / (bottom - top) for left, top, right, bottom in boxes]
        order = sorted(range(len(boxes)), key=widths.__getitem__)
        for start in range(0, len(order), AT_ONCE):
            numbers = order[start : start + AT_ONCE]
            for number, line in zip(numbers, self._read_lines(pixels, [boxes[one] for one in numbers]), strict=True):
                found[number] = line
        return [line for line in found if line is not None and line.words and line.score >= SURE]

    def find(self, pixels: Pixels) -> list[Box]:
        """Where lines stand, in no order."""
        height, width = pixels.shape[:2]
        scale = max(LEAST / min(height, width), 1.0)
        scale = min(scale, MOST / max(height, width))
        rows, columns = (max(GRID, round(side * scale / GRID) * GRID) for side in (height, width))
        (name,) = (one.name for one in self.finder.get_inputs())
        given = _scaled(pixels, columns, rows)[::-1]  # PP-OCR was taught with blue first
        likely = self.finder.run(None, {name: np.ascontiguousarray(given)[None]})[0][0, 0]
        stretched = (width / columns, height / rows)
        return [_stretched(box, stretched, (width, height)) for box in cores(likely)]

    def _read_lines(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Line]:
        """Lines of about the same shape, which are read together."""
        widths = [max(1, round(HEIGHT * (right - left) / (bottom - top))) for left, top, right, bottom in boxes]
        batch = np.zeros((len(boxes), 3, HEIGHT, max(NARROWEST, *widths)), np.float32)
        for row, ((left, top, right, bottom), width) in enumerate(zip(boxes, widths, strict=True)):
            batch[row, :, :, :width] = _scaled(pixels[top:bottom, left:right], width, HEIGHT)[::-1]
        (name,) = (one.name for one in self.reader.get_inputs())
        likely = self.reader.run(None, {name: batch})[0]
        share = batch.shape[-1] / likely.shape[1] / HEIGHT  # of a line's height, per step of the reader
        return [
            spelled(one, self.signs, box, share * (box[3] - box[1]), gaps(pixels[box[1] : box[3], box[0] : box[2]]))
            for one, box in zip(likely, boxes, strict=True)
        ]


def load_reading(folder: Path) -> Reading:
    """The two models from their folder; half a second."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    finder, reader = (
        onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        for name in (FINDER, READER)
    )
    signs = ["", *(folder / SIGNS).read_text(encoding="utf-8").split("\n"), " "]
    return Reading(finder, reader, signs)


def cores(likely: NDArray[np.float32]) -> list[Box]:
    """Boxes of lines in the finder's picture: parts that hang together, grown to where the signs end.

    A core is grown by the way of PP-OCR, its area times `GROWTH` by its circumference, on all sides.
    """
    from scipy.ndimage import binary_dilation, find_objects, label

    parts, _ = label(binary_dilation(likely > TEXT, np.ones((2, 2))), np.ones((3, 3)))
    found = []
    for number, (rows, columns) in enumerate(find_objects(parts), 1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if min(height, width) < SMALLEST or likely[rows, columns][parts[rows, columns] == number].mean() < LINE:
            continue
        growth = height * width * GROWTH / (2 * (height + width))
        found.append(
            (
                round(columns.start - growth),
                round(rows.start - growth),
                round(columns.stop + growth),
                round(rows.stop + growth),
            )
        )
    return found


def in_order(boxes: Sequence[Box]) -> list[Box]:
    """From the top to the bottom, and from the left to the right where the middle of one lies beside the other."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda one: one[1] + one[3]):
        middle = (box[1] + box[3]) / 2
        if rows and rows[-1][0][1] < middle < rows[-1][0][3]:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row)]


def in_rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines in reading order, those beside each other as one row."""
    rows: list[list[Line]] = []
    for line in lines:
        box = line.words[0].box
        if rows and rows[-1][0].words[0].box[1] < (box[1] + box[3]) / 2 < rows[-1][0].words[0].box[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def gaps(line: Pixels) -> list[float]:
    """Where a line shows nothing for so long that a new word begins: middles of these places, in pixels.

    The reader leaves blanks out where letters stand close. A gap is wide beside the line's height and beside most of
    the line's other gaps.
    """
    grey = line.mean(2)
    ink = np.flatnonzero(np.abs(grey - np.median(grey)).max(0) > INK * np.ptp(grey))
    widths = np.diff(ink) - 1
    wide = widths[widths > 0]
    least = max(WIDE * line.shape[0], 2 * float(np.median(wide))) if wide.size else 0
    return [float(ink[place] + ink[place + 1]) / 2 for place in np.flatnonzero((widths > 0) & (widths >= least))]


def spelled(
    likely: NDArray[np.float32], signs: Sequence[str], box: Box, step: float, blanks: Sequence[float] = ()
) -> Line:
    """What the reader saw in a line: steps × signs; `step` is the width of a step in pixels.

    Of equal signs that follow each other without a gap, one counts (connectionist temporal classification). Words
    end at blanks that were read, and at `blanks`, counted in pixels from the line's left side.
    """
    numbers, sure = likely.argmax(1), likely.max(1)
    kept = (numbers != 0) & np.concatenate([[True], numbers[1:] != numbers[:-1]])
    places = np.flatnonzero(kept)
    words: list[Word] = []
    run: list[int] = []
    for place in [*places.tolist(), -1]:
        letter = place >= 0 and not signs[numbers[place]].isspace()
        parted = run and letter and signs[numbers[place]].isalnum() and _parted(run[-1], place, step, blanks)
        if letter and not parted:
            run.append(place)
        elif run:
            text = "".join(signs[numbers[one]] for one in run)
            left, right = box[0] + run[0] * step, box[0] + (run[-1] + 1) * step
            words.append(Word(text, (round(left), box[1], min(round(right), box[2]), box[3])))
            run = [place] if letter else []
    return Line(tuple(words), float(sure[kept].mean()) if kept.any() else 0.0)


def _parted(place: int, following: int, step: float, blanks: Sequence[float]) -> bool:
    return any((place + 0.5) * step < blank < (following + 0.5) * step for blank in blanks)


def _scaled(pixels: Pixels, width: int, height: int) -> NDArray[np.float32]:
    """3 × height × width, from -1 to 1."""
    from PIL import Image

    picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32).transpose(2, 0, 1) / np.float32(127.5) - 1


def _stretched(box: Box, scale: tuple[float, float], size: tuple[int, int]) -> Box:
    """The box in the picture's own pixels, inside it."""
    left, right = (min(max(round(box[side] * scale[0]), 0), size[0]) for side in (0, 2))
    top, bottom = (min(max(round(box[side] * scale[1]), 0), size[1]) for side in (1, 3))
    return left, top, max(right, left + 1), max(bottom, top + 1)
