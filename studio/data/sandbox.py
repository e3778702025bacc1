"""A visitor's SQL, in a process of its own that is killed at the deadline; this process never runs any of it."""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.errors import InvalidInput
from studio.data import numbering, reading, views
from studio.data.filters import Clause
from studio.data.parquet import scan
from studio.data.processes import Pool, Stop
from studio.data.records import Column, DataFile, Dataset, column_kind
from studio.data.views import Cut, Found, View

SECONDS = 10.0
AT_ONCE = 2  # questions; others wait for their turn
ROWS = 1_000  # of an answer


@dataclass(frozen=True)
class Answer:
    """What a query has answered.

    Attributes:
        columns: names and types.
        rows: cells as JSON values.
        cut: the cells that are not shown as a whole.
        more: whether there are more rows, or longer ones, than an answer may have.
        seconds: how long it took.
        partial: where a beginning only was asked, of how much it is.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    cut: list[Cut]
    more: bool
    seconds: float
    partial: str = ""


class Sandbox:
    """Where SQL of visitors runs. Thread-safe; one process is kept warm once there was a first question."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._pool = Pool("studio.data.sandboxed", AT_ONCE, seconds)

    def query(self, dataset: Dataset, split: str, query: str, limit: int = ROWS, stop: Stop = lambda: False) -> Answer:
        """The first rows of the answer to one SELECT, in which the split is called by its name, or `data`.

        Args:
            dataset: where from.
            split: which part.
            query: as the visitor has written it.
            limit: rows, at most.
            stop: says whether nobody waits any more.

        Raises:
            UnknownName: no such split.
            InvalidInput: at "query": it is not one SELECT, has a mistake, or takes too long or too much memory.
            QuotaExceeded: too many questions at once.
            JobCancelled: `stop` said so.
        """
        if not 0 <= limit <= ROWS:
            raise InvalidInput("limit", limit, f"Between 0 and {ROWS:,} rows can be asked for.")
        with reading.opened(dataset, split):
            files = dataset.files[split]
        begin = time.monotonic()
        asked = {"kind": "query", "split": split, "query": query, "limit": limit, "source": scan(files)[0]}
        found = self._ask(files, asked, ("query", query), stop)
        columns = tuple(Column(name, type_, column_kind(type_)) for name, type_ in found["columns"])
        cut = [Cut(*one) for one in found["cut"]]
        seconds = time.monotonic() - begin
        return Answer(columns, found["rows"], cut, found["more"], seconds, dataset.info.partial_of(split))

    def find(
        self, dataset: Dataset, view: View, clause: Clause, *, counting: bool = True, stop: Stop = lambda: False
    ) -> Found:
        """The rows of a view that has a condition in SQL, as `views.page` asks for them; raises as `query` does."""
        with reading.opened(dataset, view.split) as source:
            files = dataset.files[view.split]
            rows = numbering.numbered(source.connection, files, source.columns)
            order = views.order(source.columns, view, rows.number)
        asked = {
            "kind": "find",
            "where": view.where,
            "source": rows.source,
            "number": rows.number,
            "clause": clause.sql,
            "values": clause.values,
            "order": order,
            "limit": view.limit,
            "offset": view.offset,
            "counting": counting,
        }
        found = self._ask(files, asked, ("where", view.where), stop)
        return Found(found["numbers"], found["matching"])

    def among(self, dataset: Dataset, view: View, stop: Stop = lambda: False) -> bytes:
        """A bit for each row: whether a condition in SQL holds; b"" where none does. Raises as `query`."""
        with reading.opened(dataset, view.split) as source:
            files = dataset.files[view.split]
            rows = numbering.numbered(source.connection, files, source.columns)
        asked = {
            "kind": "among",
            "where": view.where,
            "source": rows.source,
            "number": rows.number,
            "last": numbering.bits(dataset.info.splits[view.split]) - 1,
        }
        return base64.b64decode(self._ask(files, asked, ("where", view.where), stop)["bits"])

    def close(self) -> None:
        """End the process that is kept warm."""
        self._pool.close()

    def _ask(self, files: Sequence[DataFile], asked: dict[str, Any], field: tuple[str, str], stop: Stop) -> Any:
        answer = self._pool.ask(files, asked, stop)
        if "refused" in answer:
            raise InvalidInput(*field, answer["refused"])
        return answer
