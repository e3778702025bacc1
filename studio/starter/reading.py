"""Reads a page and answers questions on it, by PP-OCR's two ONNX models and the kit's answers from a text.

What PaddleOCR does with OpenCV is done here with numpy and scipy, for pages that stand upright: lines are found as
boxes, each line is read, and words get their places from where the reader saw their signs.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter import kit
from studio.starter.sentences import encode

FINDER, READER, SIGNS, SETTINGS = "finder.onnx", "reader.onnx", "signs.txt", "documents.json"
LEAST, MOST = 736, 2000  # pixels of a page's shorter and longer side, as the finder sees it
GRID = 32  # pixels that the finder's sides are multiples of
TEXT, LINE = 0.3, 0.5  # PP-OCR's least values: of a pixel that shows text, of a line's mean
GROWTH = 1.6  # how much a line's box is larger than the finder's core of it (PP-OCR's "unclip ratio")
SMALLEST = 3  # pixels of a core's side
HEIGHT, NARROWEST = 48, 320  # pixels of a line as the reader sees it; shorter ones are filled up
AT_ONCE = 6  # lines that are read together
SURE = 0.5  # least mean probability of a line's signs
WINDOW, OVERLAP, LONGEST = 256, 96, 24  # pieces that are looked at together, of two windows, of an answer
ENDS = 0.7  # of the page's width: a line that ends before it ends what it belongs to
SPANS, CANDIDATES = 200, 30  # spans of a window that are compared; answers that share the score

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
            spelled(one, self.signs, box, share * (box[3] - box[1])) for one, box in zip(likely, boxes, strict=True)
        ]


@dataclass(frozen=True)
class Answer:
    """Words of a page, and how sure it is that they answer the question, from 0 to 1.

    Attributes:
        start: number of the first word, counted over the page.
        end: number of the last one.
    """

    text: str
    score: float
    start: int
    end: int


@dataclass(frozen=True)
class Documents:
    """What reads pages, and what answers questions on their words.

    Attributes:
        model: finds an answer in a text.
        encoder: of sentences; says which row of the page a question is about.
        nearness: how much that counts beside what `model` finds.
    """

    reading: Reading
    model: Any
    encoder: Any
    tokenizer: Any
    nearness: float

    def answer(self, lines: Sequence[Line], question: str, count: int = 1, longest: int = LONGEST) -> list[Answer]:
        """The best answers that the lines of a page hold, best first; none where the page has no words.

        `longest` counts pieces of words. The scores of all that were looked at add up to 1.
        """
        page = laid_out(lines)
        if not page.words:
            return []
        near = self._nearness(question, page)
        found: dict[tuple[int, int], float] = {}
        for (start, end), value in self._spans(question, page, longest):
            words = page.whole_cells(page.owners[start], page.owners[end - 1])
            worth = value + self.nearness * near[page.parts[words[0]]]
            found[words] = max(found.get(words, -np.inf), worth)
        best = sorted(found, key=lambda words: -found[words])[:CANDIDATES]
        shares = np.exp([found[words] - found[best[0]] for words in best])
        return [
            Answer(" ".join(page.words[start : end + 1]).strip(",.;:"), float(share), start, end)
            for (start, end), share in zip(best[:count], shares / shares.sum(), strict=False)
        ]

    def _nearness(self, question: str, page: "Page") -> list[float]:
        """How near the question each part of the page is in meaning, from -1 to 1."""
        texts: list[list[str]] = [[] for _ in range(page.parts[-1] + 1)]
        for word, part in zip(page.words, page.parts, strict=True):
            texts[part].append(word)
        vectors = encode(self.encoder, self.tokenizer, [question, *(" ".join(words) for words in texts)])
        near: list[float] = (vectors[1:] @ vectors[0]).tolist()
        return near

    def _spans(self, question: str, page: "Page", longest: int) -> Iterator[tuple[tuple[int, int], float]]:
        """Spans of characters that stay within a part of the page, and what `model` makes of each."""
        import torch

        inputs = self.tokenizer(
            question,
            page.text,
            truncation="only_second",
            max_length=WINDOW,
            stride=OVERLAP,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
            return_tensors="pt",
        )
        inputs.pop("overflow_to_sample_mapping")
        offsets = inputs.pop("offset_mapping").tolist()
        with torch.inference_mode():
            out = self.model(**inputs)
        for window, places in enumerate(offsets):
            of_page = [one == 1 for one in inputs.sequence_ids(window)]
            owners = [page.owners[start] if yes else -1 for yes, (start, _) in zip(of_page, places, strict=True)]
            parts = torch.tensor([page.parts[owner] if owner >= 0 else -1 - n for n, owner in enumerate(owners)])
            inside = parts >= 0
            start, end = (
                one[window].masked_fill(~inside, -1e4).log_softmax(0) for one in (out.start_logits, out.end_logits)
            )
            allowed = torch.ones(len(places), len(places)).triu().tril(longest - 1).bool()
            allowed &= inside[:, None] & (parts[:, None] == parts[None, :])
            both = (start[:, None] + end[None, :]).masked_fill(~allowed, -np.inf)
            for place in both.flatten().topk(min(SPANS, int(allowed.sum()))).indices.tolist():
                first, last = divmod(place, len(places))
                yield (places[first][0], places[last][1]), float(both[first, last])


@dataclass(frozen=True)
class Page:
    """The words of a page as a text that a model of sentences can read.

    Attributes:
        words: in reading order.
        text: the words; a label and its value are joined by a colon, and what belongs together ends with a full stop.
        owners: for each character the word that it belongs to, -1 for what was put in between.
        parts: for each word what it belongs together with: a row of cells, or a sentence.
        cells: for each word its cell; in running text each word is its own.
    """

    words: tuple[str, ...]
    text: str
    owners: tuple[int, ...]
    parts: tuple[int, ...]
    cells: tuple[int, ...]

    def whole_cells(self, first: int, last: int) -> tuple[int, int]:
        """The words from the beginning of the first one's cell to the end of the last one's."""
        start, end = self.cells.index(self.cells[first]), last
        while end + 1 < len(self.cells) and self.cells[end + 1] == self.cells[last]:
            end += 1
        return start, end


def laid_out(lines: Sequence[Line]) -> Page:
    """Rows of cells as sentences of their own, "Due date: 3 May 2026."; the other lines as running text of sentences.

    A line that ends well before the others ends a part.
    """
    rows = in_rows(lines)
    farthest = max((row[-1].words[-1].box[2] for row in rows), default=0)
    words: list[str] = []
    parts: list[int] = []
    cells: list[int] = []
    pieces: list[tuple[str, int]] = []
    part = 0
    for row in rows:
        for number, line in enumerate(row):
            cell = len(words)
            for word in line.words:
                parts.append(part)
                cells.append(cell if len(row) > 1 else len(words))
                pieces += [(word.text, len(words)), (" ", -1)]
                words.append(word.text)
                part += len(row) == 1 and word.text.endswith(tuple(".!?"))
            if number == 0 and len(row) > 1:
                pieces[-1] = (": ", -1)
        if len(row) > 1 or row[-1].words[-1].box[2] < ENDS * farthest:
            pieces[-1] = (". ", -1)
            part += 1
    text = "".join(piece for piece, _ in pieces)
    owners = tuple(owner for piece, owner in pieces for _ in piece)
    return Page(tuple(words), text, owners, tuple(parts), tuple(cells))


def load(folder: Path) -> Documents:
    """All of it: the readers from the folder, what answers from the kit; about three seconds."""
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoModelForQuestionAnswering, AutoTokenizer

    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    answers = kit.entry(settings["answers"])
    base = kit.entry(answers.base).path
    model = AutoModelForQuestionAnswering.from_pretrained(base, dtype=torch.float32)
    return Documents(
        reading=load_reading(folder),
        model=PeftModel.from_pretrained(model, answers.path).merge_and_unload().eval(),
        encoder=AutoModel.from_pretrained(base, dtype=torch.float32).eval(),
        tokenizer=AutoTokenizer.from_pretrained(base),
        nearness=settings["nearness"],
    )


def load_reading(folder: Path) -> Reading:
    """What reads pages; answers nothing."""
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


def spelled(likely: NDArray[np.float32], signs: Sequence[str], box: Box, step: float) -> Line:
    """What the reader saw in a line: steps × signs; `step` is the width of a step in pixels.

    Of equal signs that follow each other without a gap, one counts (connectionist temporal classification).
    """
    numbers, sure = likely.argmax(1), likely.max(1)
    kept = (numbers != 0) & np.concatenate([[True], numbers[1:] != numbers[:-1]])
    places = np.flatnonzero(kept)
    words: list[Word] = []
    run: list[int] = []
    for place in [*places.tolist(), -1]:
        if place >= 0 and not signs[numbers[place]].isspace():
            run.append(place)
        elif run:
            text = "".join(signs[numbers[one]] for one in run)
            left, right = box[0] + run[0] * step, box[0] + (run[-1] + 1) * step
            words.append(Word(text, (round(left), box[1], min(round(right), box[2]), box[3])))
            run = []
    return Line(tuple(words), float(sure[kept].mean()) if kept.any() else 0.0)


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
