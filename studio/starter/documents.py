"""Answers questions on a page that `reading` has read: by a model that finds answers in a text, and by meaning.

The page's rows and sentences are told apart; what the model finds counts the more, the nearer its row or sentence is
to the question.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter.reading import Line, Reading, in_rows, load_reading
from studio.starter.sentences import encode

SETTINGS = "documents.json"
WINDOW, OVERLAP, LONGEST = 256, 96, 15  # pieces that are looked at together, of two windows, of an answer
ENDS = 0.7  # of the page's width: a line that ends before it ends what it belongs to
SPANS, CANDIDATES = 200, 30  # spans of a window that are compared; answers that share the score


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


@dataclass(frozen=True)
class Answer:
    """Words of a page that answer a question.

    Attributes:
        score: how sure it is that they do, from 0 to 1.
        start: number of the first word, counted over the page from 0.
        end: number of the last one.
    """

    answer: str
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

    def _nearness(self, question: str, page: Page) -> list[float]:
        """How near the question each part of the page is in meaning, from -1 to 1."""
        texts: list[list[str]] = [[] for _ in range(page.parts[-1] + 1)]
        for word, part in zip(page.words, page.parts, strict=True):
            texts[part].append(word)
        vectors = encode(self.encoder, self.tokenizer, [question, *(" ".join(words) for words in texts)])
        near: list[float] = (vectors[1:] @ vectors[0]).tolist()
        return near

    def _spans(self, question: str, page: Page, longest: int) -> Iterator[tuple[tuple[int, int], float]]:
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


def places(folder: Path) -> tuple[Path, Path]:
    """Where in the kit the adapter lies that answers, and its base."""
    from studio.starter import kit

    answers = kit.entry(json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["answers"])
    return answers.path, kit.entry(answers.base).path


def load(folder: Path, answers: Path, base: Path) -> Documents:
    """The readers from the folder, and what answers from `places`; about three seconds."""
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoModelForQuestionAnswering, AutoTokenizer, logging

    nearness = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["nearness"]
    told = logging.get_verbosity()
    logging.set_verbosity_error()  # the head that the base lacks comes with the adapter
    model = AutoModelForQuestionAnswering.from_pretrained(base, dtype=torch.float32)
    logging.set_verbosity(told)
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 under a name that is on its way out
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        model = PeftModel.from_pretrained(model, answers).merge_and_unload().eval()
    encoder = AutoModel.from_pretrained(base, dtype=torch.float32).eval()
    return Documents(load_reading(folder), model, encoder, AutoTokenizer.from_pretrained(base), nearness)
