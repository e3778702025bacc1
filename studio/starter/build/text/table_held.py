"""What `kit:tables` is judged on: questions with their answers, and what a search for their words answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter.build import tables
from studio.starter.build.text import table_questions, table_words
from studio.starter.build.text.qa import STOP
from studio.starter.build.text.table_questions import Asked

SEED = 20
FILES = {
    kind: Path(__file__).with_name("written") / name
    for kind, name in (("later", "tables_later.txt"), ("earlier", "tables.txt"))
}
COUNT = 400  # questions that are made up
STEM = 5  # letters of a word that are compared
SUMMED = {"AVERAGE": r"\b(average|mean)\b", "SUM": r"\b(total|sum|together|altogether|add)\b"}

Answer = tuple[str, tuple[str, ...]]  # the operation, and the cells or how many are counted


@dataclass(frozen=True)
class Held:
    """A question that is kept for measuring; `answer` is the cells' texts, or how many are counted.

    `kind` is "later" or "earlier" (written after or before the training), or "made up".
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    question: str
    operation: str
    answer: tuple[str, ...]
    kind: str

    @property
    def truth(self) -> Answer:
        """The right answer, in the order that answers are compared in."""
        return self.operation, tuple(sorted(self.answer))


FIELDS = tuple(Held.__dataclass_fields__)


def written() -> list[Held]:
    """The questions that were written one by one."""
    return [asked for kind, file in FILES.items() for asked in _written(file.read_text(encoding="utf-8"), kind)]


def _written(text: str, kind: str) -> list[Held]:
    found: list[Held] = []
    for block in re.split(r"\n\n+", text):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        split = [tuple(part.strip() for part in line.partition(": ")[2].split(" | ")) for line in lines]
        rows = tuple(cells for line, cells in zip(lines, split, strict=True) if line.startswith("row: "))
        for line in lines[1 + len(rows) :]:
            question, operation, answer = line.split(" | ")
            parts = tuple(part.strip() for part in answer.split(";"))
            found.append(Held(split[0], rows, question, operation.upper(), parts, kind))
    return found


def made_up(out: Path) -> list[Held]:
    """Questions made of the words, names and forms that are kept for measuring."""
    words = table_words.load(out, unseen=True)
    return [held(asked) for asked in table_questions.generate(words, SEED, COUNT)]


def held(asked: Asked) -> Held:
    """A made-up question, with its answer as texts."""
    cells = tuple(asked.rows[row][column] for row, column in asked.cells)
    answer = (str(len(cells)),) if asked.operation == "COUNT" else cells
    return Held(asked.header, asked.rows, asked.question, asked.operation, answer, "made up")


def write(questions: Sequence[Held], folder: Path) -> None:
    """Lay the questions into the model's folder."""
    columns = {name: [getattr(asked, name) for asked in questions] for name in FIELDS}
    tables.write_split(columns, folder / "test.parquet")


def read(folder: Path) -> list[Held]:
    """The questions that lie in the model's folder."""
    columns = tables.read_split(folder, "test")
    return [
        Held(tuple(header), tuple(map(tuple, rows)), question, operation, tuple(answer), kind)
        for header, rows, question, operation, answer, kind in zip(*(columns[name] for name in FIELDS), strict=True)
    ]


def by_overlap(asked: Held) -> Answer:
    """The trivial answer, a search for the question's words.

    The row that shares most words with the question, and the column whose header does; sums, means and counts of
    whole columns by their usual words.
    """
    sought = _words(asked.question)
    row = max(asked.rows, key=lambda cells: sum(len(_words(cell) & sought) for cell in cells))
    found = [bool(_words(cell) & sought) for cell in row]
    column = max(
        range(len(row)), key=lambda place: (len(_words(asked.header[place]) & sought), not found[place], -place)
    )
    for operation, sign in SUMMED.items():
        if re.search(sign, asked.question.lower()):
            return operation, tuple(sorted(cells[column] for cells in asked.rows))
    if asked.question.lower().startswith("how many") and not any(found):
        return "COUNT", (str(len(asked.rows)),)
    return "NONE", (row[column],)


def _words(text: str) -> set[str]:
    return {word[:STEM] for word in re.findall(r"\w+", text.lower()) if word not in STOP}
