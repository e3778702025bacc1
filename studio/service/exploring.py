"""Looking into data sets: pages of rows, questions in SQL, one row, one cell."""

from collections.abc import Sequence
from functools import partial

from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import details, views
from studio.data.details import Content, Row
from studio.data.sandbox import ROWS, Answer, Sandbox
from studio.data.views import Page, View
from studio.service.data import Data


class Exploring(Data):
    """What is looked at, and by whom."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._sandbox = Sandbox()

    def close(self) -> None:
        """Stop what `start` and questions in SQL have started."""
        self._sandbox.close()
        super().close()

    def view(self, caller: Caller, ref: str, view: View | None = None, *, counting: bool = True) -> Page:
        """The rows of a view, the first of train when there is none; `counting` says whether to tell how many match.

        Raises:
            UnknownName: no such split or column.
            InvalidInputs: a condition does not fit its column.
            InvalidInput: at "where", the condition in SQL has a mistake, or takes too long.
        """
        with self._attended(caller) as gone:
            find = partial(self._sandbox.find, counting=counting, stop=gone)
            return views.page(self.dataset(caller, ref), view, find, counting=counting)

    def sql(self, caller: Caller, ref: str, split: str, query: str, limit: int = ROWS) -> Answer:
        """The answer to one SELECT, in which the split is called by its name, or `data`; raises `InvalidInput`."""
        with self._attended(caller) as gone:
            return self._sandbox.query(self.dataset(caller, ref), split, query, limit, gone)

    def row(self, caller: Caller, ref: str, split: str, number: int, columns: Sequence[str] = ()) -> Row:
        """One row with its whole values; raises `InvalidInput` at "number"."""
        with self._attended(caller):
            return details.row(self.dataset(caller, ref), split, number, columns)

    def cell(
        self, caller: Caller, ref: str, where: tuple[str, int], column: str, inside: Sequence[str] = ()
    ) -> Content:
        """The bytes of a cell of (split, row), and what they are; `inside` is the way to a part of a nested value."""
        return details.cell(self.dataset(caller, ref), *where, column, inside)
