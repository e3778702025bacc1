"""A recipe while it is written: rows that are edited by hand are gathered in one step for each split.

That step stands before all others but its like, where rows still have the numbers that the data set gives them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from studio.data import mending
from studio.data.mending import Entry, Mending
from studio.data.steps.base import Columns, Rows
from studio.data.steps.edit import EditParams, Value

STEP = "edit"
NOTHING = Mending(())


@dataclass(frozen=True)
class Edits:
    """How much is edited by hand."""

    cells: int = 0
    deleted: int = 0
    added: int = 0

    def __bool__(self) -> bool:
        return bool(self.cells or self.deleted or self.added)


@dataclass(frozen=True)
class Draft:
    """A recipe that may have no steps yet."""

    recipe: Mending = NOTHING

    @classmethod
    def read(cls, text: str) -> "Draft":
        """From YAML, or from nothing; raises what `mending.read` raises."""
        return cls(mending.read(text)) if text.strip() else cls()

    @property
    def text(self) -> str:
        """As YAML; nothing where there is no step."""
        return mending.dumped(self.recipe) if self.recipe.steps else ""

    @property
    def edits(self) -> Edits:
        """Of rows as the data set has them, in all splits."""
        found = list(self._edits())
        lists = ([one.cells for one in found], [one.delete for one in found], [one.add for one in found])
        return Edits(*(sum(map(len, kind)) for kind in lists))

    @property
    def others(self) -> int:
        """Steps that are none of those."""
        return len(self.recipe.steps) - len(list(self._edits()))

    def cells(self, split: str, row: int) -> dict[str, Value]:
        """Column → what is set in a row."""
        found = self._of(split)
        return {cell.column: cell.value for cell in found.cells if cell.row == row}

    def deletes(self, split: str, row: int) -> bool:
        """Whether it takes a row away."""
        return row in self._of(split).delete

    def with_row(self, split: str, row: int, cells: Mapping[str, Value], columns: Columns) -> "Draft":
        """These cells set in a row, and no others of it; raises `InvalidInput` for what does not fit its column."""
        new = [{"row": row, "column": name, "value": value} for name, value in cells.items()]
        return self._changed(split, lambda known: {"cells": [*_apart(known, row), *new]}, columns)

    def with_deleted(self, split: str, row: int, columns: Columns) -> "Draft":
        """Without a row, and without what was set in it."""
        return self._changed(
            split,
            lambda known: {"cells": _apart(known, row), "delete": sorted({*known.delete, row})},
            columns,
        )

    def with_added(self, split: str, values: Mapping[str, Value], columns: Columns) -> "Draft":
        """One row more, after the last one."""
        return self._changed(split, lambda known: {"add": [*known.add, dict(values)]}, columns)

    def without(self, split: str, row: int, columns: Columns) -> "Draft":
        """As the row was: nothing set in it, and not deleted."""
        return self._changed(
            split,
            lambda known: {"cells": _apart(known, row), "delete": [one for one in known.delete if one != row]},
            columns,
        )

    def _edits(self) -> Iterator[EditParams]:
        for entry in takewhile(lambda entry: entry.name == STEP, self.recipe.steps):
            if isinstance(entry.params, EditParams):
                yield entry.params

    def _of(self, split: str) -> EditParams:
        """The first step that edits the split: of a later one, rows have other numbers."""
        return next((one for one in self._edits() if one.split == split), EditParams(split=split))

    def _changed(self, split: str, change: Callable[[EditParams], dict[str, Any]], columns: Columns) -> "Draft":
        known = self._of(split)
        plain = known.model_dump() | change(known)
        edits = list(self._edits())
        place = next((at for at, one in enumerate(edits) if one is known), len(edits))
        before, after = self.recipe.steps[:place], self.recipe.steps[place + (place < len(edits)) :]
        new: tuple[Entry, ...] = ()
        if plain["cells"] or plain["delete"] or plain["add"]:
            new = mending.read([{"step": STEP, **plain}]).steps
            work = new[0].step.work
            if isinstance(work, Rows):
                work.columns(new[0].params, columns)
        return Draft(Mending((*before, *new, *after), self.recipe.source))


def _apart(params: EditParams, row: int) -> list[dict[str, Any]]:
    return [cell.model_dump() for cell in params.cells if cell.row != row]
