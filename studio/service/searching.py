"""Finding rows and knowing columns: search in three ways, figures, columns against each other, the map of meanings."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import Conflict, InvalidInput, JobCancelled, NotFound
from studio.core.params import parse
from studio.core.types import Caller
from studio.data import crossing, fulltext, indexes, reading, semantic, statistics, substring, tokens, views
from studio.data.crossing import Cross
from studio.data.finding import Search
from studio.data.indexes import Index, Kind
from studio.data.parquet import quote
from studio.data.records import Basis, Dataset
from studio.data.statistics import Figures, Spread
from studio.data.views import Page
from studio.inference.models import resolve_model
from studio.jobs.job import Job
from studio.service.data import Data
from studio.service.jobs import Wishes
from studio.tasks import TASKS

AT_ONCE = 100_000  # rows up to which words are indexed while one waits, a second or two
AT_ONCE_BYTES = 100_000_000
WAIT = 20.0  # seconds after which it is given up, and left to a job
MOST_COLUMNS = 200  # whose figures are asked for in one question
FARTHEST = 10_000  # rows of a ranking that can be paged through
PLAIN = Wishes()
GLANCE = 1_000  # rows that tell which column has the longest texts
LABEL = 200  # characters of a text on the map
ENCODER, POOLED = "feature-extraction", {"pooling": "mean", "normalize": True}


@dataclass(frozen=True)
class Found:
    """Rows that were found.

    Attributes:
        page: the rows, the best first; with "text" in the order of the files.
        scores: BM25 or cosine of each; none with "text".
        total: rows in all that hold any of the words; those that are compared, with "meaning"; None where the search
            stopped at the last row of the page.
        columns: where it was looked.
    """

    page: Page
    scores: list[float]
    total: int | None
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Map:
    """Rows on a plane, close together where they mean the same; `colours` are values of the column asked for."""

    rows: list[int]
    x: list[float]
    y: list[float]
    texts: list[str]
    colours: list[str]
    basis: Basis


class Searching(Data):
    """What is found in data sets, and what is known of them."""

    def search(self, caller: Caller, ref: str, search: Search) -> Found:
        """Rows that hold the query: its characters ("text"), its words (BM25), or what says the same ("meaning").

        Raises:
            InvalidInput: no column of text, or one that holds neither text nor numbers.
            UnknownName: no such split or column.
            NotFound: there is no index for this yet; `build_index` makes it.
        """
        with self._attended(caller):
            return self._search(caller, self.dataset(caller, ref), search)

    def _search(self, caller: Caller, dataset: Dataset, search: Search) -> Found:
        split = search.split
        if dataset.info.partial and search.by != "text":
            raise _missing(search.by)  # over all rows, or not at all
        chosen, page = _texts(dataset, split, search.columns, search.by), (search.offset, search.limit)
        if search.by == "text":
            found = substring.search(dataset, search, chosen)
        elif search.by == "words":
            found = fulltext.search(self._words(dataset, split, chosen), search.query, *page)
        else:
            place = indexes.place(dataset, split, chosen, "meaning", self.settings)
            found = semantic.search(place, self._vector(caller, place, search.query), *page)
        shown = views.by_numbers(dataset, split, found.rows)
        return Found(shown, found.scores, found.total if found.total >= 0 else None, tuple(chosen))

    def search_index(
        self, caller: Caller, ref: str, split: str, kind: Kind, columns: Sequence[str] = ()
    ) -> Index | None:
        """The finished index over these columns, or those that `search` looks into, if there is one."""
        dataset = self.dataset(caller, ref)
        if dataset.info.partial:
            return None
        chosen = _texts(dataset, split, columns, kind)
        return indexes.load(indexes.place(dataset, split, chosen, kind, self.settings))

    def build_index(
        self, caller: Caller, ref: str, values: Mapping[str, Any] | None = None, wishes: Wishes = PLAIN
    ) -> Job:
        """Make an index, as a job. `values` are further fields of the recipe "index": split, columns, kind, model.

        When no column is named it is those that `search` looks into. Raises what `submit` raises.
        """
        given = {name: value for name, value in (values or {}).items() if value not in ("", [], ())}
        if "columns" not in given:
            split, kind = (str(given.get(name, usual)) for name, usual in (("split", "train"), ("kind", "words")))
            given["columns"] = _texts(self.dataset(caller, ref), split, (), kind)
        return self.submit(caller, "index", given | {"dataset": ref}, wishes)

    def statistics(self, caller: Caller, ref: str, split: str, columns: Sequence[str] = ()) -> list[Figures]:
        """Figures of columns, of all when none is named; raises `UnknownName` for the split or a column."""
        with self._attended(caller) as gone:
            dataset = self.dataset(caller, ref)
            names = list(columns) or views.page(dataset, views.View(split=split, limit=0)).columns
            if len(names) > MOST_COLUMNS:
                raise InvalidInput("columns", f"{len(names):,} columns", f"Name at most {MOST_COLUMNS} of them.")
            found = []
            for name in names:
                if gone():
                    raise JobCancelled
                found.append(statistics.figures(dataset, split, name))
            return found

    def token_lengths(self, caller: Caller, ref: str, split: str, column: str, tokenizer: str) -> Spread | None:
        """How many tokens the column's texts take with a model's tokenizer; raises `InvalidInput` at "tokenizer"."""
        with self._attended(caller):
            files = resolve_model(tokenizer, self._settings(caller), caller.owner)
            return tokens.lengths(self.dataset(caller, ref), split, column, files.base or files.path, tokenizer)

    def cross(self, caller: Caller, ref: str, split: str, x: str, y: str) -> Cross:
        """Two columns against each other; raises `InvalidInput` at "x" or "y"."""
        with self._attended(caller):
            return crossing.cross(self.dataset(caller, ref), split, x, y)

    def embedding_map(self, caller: Caller, ref: str, split: str, columns: Sequence[str] = (), colour: str = "") -> Map:
        """Where rows lie by their meaning; raises `NotFound` while there is no index by meaning."""
        dataset = self.dataset(caller, ref)
        if dataset.info.partial:
            raise _missing("meaning")
        chosen = _texts(dataset, split, columns, "meaning")
        place = indexes.place(dataset, split, chosen, "meaning", self.settings)
        if indexes.load(place) is None:
            raise _missing("meaning")
        rows, points = semantic.plane(place)
        wanted = [*chosen, *([colour] if colour else [])]
        with self._attended(caller):
            shown = views.by_numbers(dataset, split, rows, wanted, widest=LABEL)
        places = [shown.columns.index(name) for name in chosen]
        texts = [" · ".join(str(row[one]) for one in places if row[one] is not None) for row in shown.rows]
        colours = [str(row[shown.columns.index(colour)]) for row in shown.rows] if colour else []
        total = dataset.info.splits[split]
        return Map(rows, points[:, 0].tolist(), points[:, 1].tolist(), texts, colours, Basis(len(rows), total))

    def _words(self, dataset: Dataset, split: str, columns: Sequence[str]) -> Path:
        """The folder of the index by words; made now where that takes no longer than one waits for."""
        place = indexes.place(dataset, split, columns, "words", self.settings)
        if indexes.load(place) is not None:
            return place
        if dataset.info.splits[split] > AT_ONCE or dataset.info.bytes > AT_ONCE_BYTES:
            raise _missing("words")
        end = time.monotonic() + WAIT

        def check() -> None:
            if time.monotonic() > end:
                raise _missing("words")

        with indexes.alone(place, check):
            if indexes.load(place) is None:
                made = indexes.building(place)
                rows = fulltext.build(dataset, split, columns, made, lambda *_: None, check)
                indexes.finish(place, Index("words", split, tuple(columns), rows), self.settings)
        return place

    def _vector(self, caller: Caller, place: Path, query: str) -> list[float]:
        """The query as the index's own encoder sees it, from the inference worker."""
        index = indexes.load(place)
        if index is None:
            raise _missing("meaning")
        files = resolve_model(index.model, self._settings(caller), caller.owner, ENCODER)
        if files.revision != index.model_revision:
            raise Conflict(f"{index.model} has changed since the index was made; build the index again.")
        params = parse(TASKS[ENCODER].params, POOLED)
        vector: Any = self.inference.predict(ENCODER, files, {"inputs": query}, params.model_dump()).output
        return [float(one) for one in vector]


def _texts(dataset: Dataset, split: str, columns: Sequence[str], by: str = "words") -> list[str]:
    """The columns that are searched. None named: all of text; for meaning the one with the longest texts."""
    with reading.opened(dataset, split) as source:
        for name in columns:
            if source.column(name).kind == "other":
                raise InvalidInput("columns", name, "Choose columns of text or numbers.")
        found = list(columns) or [column.name for column in source.columns if column.kind == "text"]
        if not found:
            raise InvalidInput("columns", "none", "It has no column of text to search in.")
        if columns or by != "meaning" or len(found) == 1:
            return found
        lengths = ", ".join(f"avg(length({quote(name)}))" for name in found)
        first = f"SELECT {lengths} FROM (SELECT * FROM {source.source} LIMIT {GLANCE})"  # noqa: S608
        means = [mean or 0 for mean in source.select(first)[0]]
    return [found[means.index(max(means))]]


def _missing(kind: Kind) -> NotFound:
    return NotFound(f"There is no index by {kind} over these columns yet. Build it: it runs as a job.")
