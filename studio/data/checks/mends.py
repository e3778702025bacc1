"""Rows and cells that a check has found, as the fields of the step `edit`: what is to go, and what is to be set.

The fields stand in a link, so that they hold some rows of each split; `does` says of how many.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from studio.data.checks.base import Mend, RowNumber, plural
from studio.data.records import INTEGERS, Column
from studio.data.steps import edit
from studio.data.steps.edit import Value

STEP = "edit"
ROOM = 4_000  # characters of the fields of a split
WHOLE = INTEGERS | {f"U{one}" for one in INTEGERS}


@dataclass(frozen=True)
class Change:
    """A row that is to go; where a column is named, its cell that is to be set."""

    place: RowNumber
    column: str = ""
    value: Value = None


@dataclass
class _Edits:
    """Those of one split, as far as there is room for them."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    delete: list[int] = field(default_factory=list)
    room: int = ROOM
    total: int = 0

    def add(self, change: Change) -> None:
        self.total += 1
        row = change.place.row
        cell = {"row": row, "column": change.column, "value": change.value}
        self.room -= len(json.dumps(cell)) if change.column else len(str(row)) + 1
        if self.room < 0:
            return
        if change.column:
            self.cells.append(cell)
        else:
            self.delete.append(row)

    def mend(self, split: str) -> Mend:
        taken = len(self.cells) + len(self.delete)
        rows = plural(taken, "row") if taken == self.total else f"the first {taken:,} of {self.total:,} rows"
        filled = {name: value for name, value in (("cells", self.cells), ("delete", sorted(self.delete))) if value}
        return Mend(STEP, {"split": split, **filled}, does=f"{rows} of {split}")


def edits(changes: Iterable[Change]) -> tuple[Mend, ...]:
    """A step for each split, of the first changes that it has room for; a row comes once."""
    found: dict[str, _Edits] = {}
    for change in changes:
        found.setdefault(change.place.split, _Edits()).add(change)
    return tuple(one.mend(split) for split, one in found.items() if one.cells or one.delete)


def value(column: Column, text: str) -> Value:
    """What stands for a cell that was read as text, as `edit` takes it; None where cells cannot be set."""
    if column.kind == "text" or edit.written(column):
        return text
    if column.kind == "boolean":
        return text.casefold() == "true"
    if column.kind == "number":
        return int(text) if column.type in WHOLE else float(text)
    return None
