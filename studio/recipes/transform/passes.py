"""A recipe run over a whole data set: pass after pass, each a stream of rows from Parquet to Parquet.

Steps that need no other rows are done together in one pass; a step that chooses or orders rows ends it. In memory are
a few batches, and eight bytes for each row that is chosen. What is finished stays in the folder, so that a run that was
killed goes on after its last part.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.errors import InvalidInput
from studio.data import features, parquet, shapes
from studio.data.chains import Chain, Link, Numbered, blamed, links, streams
from studio.data.features import Feature, Features
from studio.data.mending import Mending
from studio.data.records import DataFile, Dataset, state_of
from studio.data.steps.base import Against, Ask, Columns, Numbers, Parts, Places, Rows, Tools
from studio.recipes.transform import stored
from studio.recipes.transform.stored import Store

BATCH_BYTES = 2_000_000  # of a batch as Parquet, roughly
MOST_ROWS = 10_000  # of a batch
COSTLY_ROWS = 64  # of one for steps that take long: so often it is told how far they are, and asked whether to stop
BUCKET_BYTES = 8_000_000  # of the rows that are put in order at once, in memory
MEMORY = "250MB"  # of DuckDB where it only passes rows on
MOST_BUCKETS = 256

Progress = Callable[[float, float, str], None]
Stop = Callable[[], object]


@dataclass(frozen=True)
class Held:
    """A split between two passes: rows of Parquet files, in the files' order or as `places` names them."""

    files: tuple[DataFile, ...]
    rows: int
    columns: Columns
    places: Numbers | None = None
    pending: tuple[Numbered, ...] = ()

    @cached_property
    def row_bytes(self) -> float:
        """Of one row in the files, on average."""
        return sum(state_of(file)[1] for file in self.files) / max(1, self.rows)


@dataclass
class Run:
    """One run of a recipe in a folder; the same recipe, data and folder go on where they stopped.

    Attributes:
        part_seconds: about the most work that a kill can cost.
        batch_rows: the most rows of a batch; 0 for as many as their size allows.
        counts: rows of each split of the result, once it is there.
    """

    dataset: Dataset
    mending: Mending
    folder: Path
    tools: Tools = field(default_factory=Tools)
    progress: Progress = lambda *_: None
    stop: Stop = lambda: None
    part_seconds: float = stored.PART_SECONDS
    batch_rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    _pass: int = 0
    _passes: int = 0

    def __call__(self) -> dict[str, tuple[Path, ...]]:
        """Do all steps; returns the files of each split, in its order, in the folder.

        Raises:
            InvalidInput: at "steps.NUMBER.FIELD": a step does not fit the data.
        """
        before = shapes.shapes(self.dataset, self.mending)
        rows = self.dataset.info.splits
        held = {split: Held(tuple(self.dataset.files[split]), rows[split], before[0][split]) for split in before[0]}
        self._pass, self._passes = 0, _passes(self.mending, list(held))
        for number, entry in enumerate(self.mending.steps, 1):
            for split in shapes.touched(entry, list(held)):
                if streams(entry):
                    held[split] = replace(held[split], pending=(*held[split].pending, (number, entry)))
                else:
                    held = self._chosen(held, split, (number, entry))
        found = {}
        for split in sorted(held, key=parquet.split_rank):
            settled, found[split] = self._settled(held[split], split)
            self.counts[split] = settled.rows
        return found

    def write(self, found: Mapping[str, Sequence[Path]], target: Path) -> None:
        """One Parquet file per split in `target`, called as it.

        Names of classes and what else the source declares of columns go along, where the steps have left it true.
        """
        for split, origin in shapes.origins(self.dataset, self.mending).items():
            self.stop()
            said = features.declared(self.dataset, origin.split)
            known = {name: said[was] for name, was in origin.columns.items() if was in said}
            stored.joined(found[split], target / f"{split}.parquet", self._described(split, found[split], known))

    def _described(self, split: str, files: Sequence[Path], known: Features) -> pa.Schema:
        schema = pq.read_schema(files[0])
        fitting = {name: feature for name, feature in known.items() if _in_range(files, name, feature)}
        try:
            found = features.of(Dataset(self.dataset.info, {split: tuple(files)}), split, schema, fitting)
        except InvalidInput:  # a type that only Parquet knows
            return schema
        return features.with_features(schema, found)

    def clean(self) -> None:
        """Remove what the passes have left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _chosen(self, held: dict[str, Held], split: str, numbered: Numbered) -> dict[str, Held]:
        """After a step that chooses rows: nothing is written yet, but known which rows stand where."""
        number, entry = numbered
        work = entry.step.work
        named = {"rows": split} | ({"others": work.other(entry.params)} if isinstance(work, Against) else {})
        held = held | {name: self._at_rest(held[name], name) for name in named.values()}
        settled = held[split]
        self.progress(self._pass, self._passes, f"step {number}: {entry.step.title.lower()}, {split}")
        self.stop()
        with self._asked({name: held[of] for name, of in named.items()}) as ask, blamed([numbered]):
            if isinstance(work, Against):
                others = held[named["others"]].columns
                places = work.function(entry.params, settled.columns, others)(ask, settled.rows)
                return held | {split: replace(settled, places=places)}
            if isinstance(work, Parts):
                found = work.function(entry.params, settled.columns)(ask, settled.rows)
                rest = {name: one for name, one in held.items() if name != split}
                return rest | {name: replace(settled, places=places) for name, places in found.items()}
            if not isinstance(work, Places):
                raise TypeError(f"{entry.name} chooses no rows")
            places = work.function(entry.params, settled.columns)(ask, settled.rows)
            return held | {split: replace(settled, places=places)}

    def _at_rest(self, held: Held, split: str) -> Held:
        """The split as its files hold it, so that it can be asked about."""
        return self._settled(held, split)[0] if held.pending or held.places is not None else held

    @contextmanager
    def _asked(self, named: Mapping[str, Held]) -> Iterator[Ask]:
        """Answers SQL about the rows of these splits, each by its name."""
        with parquet.connect([file for held in named.values() for file in held.files]) as connection:
            for name, held in named.items():
                source, addresses = parquet.scan(held.files)
                listed = ", ".join(map(parquet.literal, addresses))
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source.replace('?', f'[{listed}]', 1)}")  # noqa: S608

            def ask(query: str) -> Iterator[pa.RecordBatch]:
                for batch in connection.sql(query).to_arrow_reader(MOST_ROWS):
                    self.stop()
                    yield batch

            yield ask

    def _settled(self, held: Held, split: str) -> tuple[Held, tuple[Path, ...]]:
        """The split as files of its own, with all that was pending done; and those files."""
        self._pass += 1
        if held.places is not None and not _ascending(held.places):
            held = self._ordered(held, split)
        store = Store(self.folder / f"{self._pass:03d}-{split}", self.part_seconds)
        chained = links(held.pending, held.columns, self.tools)
        columns = held.columns
        for _, entry in held.pending:
            columns = shapes.after(entry, columns)
        if not store.done:
            self._stream(held, chained, store, split)
        return Held(store.files, store.rows, columns), store.files

    def _stream(self, held: Held, chained: list[Link], store: Store, split: str) -> None:
        fused = chained[0] if chained and chained[0].is_query and held.places is None else None
        rest = chained[1:] if fused else chained
        with parquet.connect([]) if any(link.is_query for link in rest) else nullcontext() as connection:
            chain = Chain(connection, rest, store.positions)
            schema: pa.Schema | None = None
            for table, read in _tables(held, fused, store.read, self._size(held)):
                if schema is None:
                    schema = table.schema
                    store.open(Chain(connection, rest, []).send(schema.empty_table()).schema)
                store.add(chain.send(table), read, chain.positions)
                self._tell(read, held, fused, split)
                self.stop()
            schema = schema or _schema(held, fused)
            store.open(Chain(connection, rest, []).send(schema.empty_table()).schema)
            store.finish(chain.end(schema))

    def _tell(self, read: int, held: Held, fused: Link | None, split: str) -> None:
        total = max(1, held.rows)
        share = 0.5 if fused and read < total / 2 and self._filters(held) else min(1.0, read / total)
        self.progress(self._pass - 1 + share, self._passes, f"{split}: {read:,} of {held.rows:,} rows read")

    @staticmethod
    def _filters(held: Held) -> bool:
        return any(entry.name == "filter" for _, entry in held.pending)

    def _size(self, held: Held) -> int:
        fitting = int(BATCH_BYTES / max(1.0, held.row_bytes))
        works = [entry.step.work for _, entry in held.pending]
        most = COSTLY_ROWS if any(isinstance(work, Rows) and work.costly for work in works) else MOST_ROWS
        return max(1, min(most, fitting, self.batch_rows or most))

    def _ordered(self, held: Held, split: str) -> Held:
        """The rows in the order of their places: scattered into files of neighbours first, then each file sorted."""
        store = Store(self.folder / f"{self._pass:03d}-{split}-order", self.part_seconds)
        if not store.done:
            order = held.places if held.places is not None else np.arange(held.rows)
            buckets: stored.Buckets | None = None
            for table, read in _tables(replace(held, places=None), None, 0, self._size(held)):
                if buckets is None:
                    fitting = int(BUCKET_BYTES * len(table) / max(1, table.nbytes))
                    size = max(1, fitting, -(-len(order) // MOST_BUCKETS))
                    buckets = stored.Buckets(store.folder, order, size)
                buckets.add(table)
                self.progress(self._pass - 1, self._passes, f"{split}: {read:,} of {held.rows:,} rows dealt out")
                self.stop()
            store.restart()
            store.open(_schema(held, None))
            for table in buckets.sorted() if buckets else ():
                store.add(table, 0, [])
                self.stop()
            store.finish(None)
        return replace(held, files=store.files, rows=store.rows, places=None)


def _tables(held: Held, fused: Link | None, skip: int, size: int) -> Iterator[tuple[pa.Table, int]]:
    """The rows from `skip` on, some at a time, and how many were read with them."""
    query, parameter = _query(held, fused)
    with parquet.connect(held.files, MEMORY) as connection, blamed(fused.steps) if fused else nullcontext():
        reader = connection.sql(f"{query} OFFSET {skip:d}", params=[parameter]).to_arrow_reader(size)
        for batch in reader:
            table = pa.Table.from_batches([batch])
            if held.places is not None:
                low, high = np.searchsorted(held.places, [skip, skip + table.num_rows])
                picked = pa.array(held.places[low:high] - skip)
                skip += table.num_rows
                table = table.take(picked)
            else:
                skip += table.num_rows
            yield table, skip


def _schema(held: Held, fused: Link | None) -> pa.Schema:
    query, parameter = _query(held, fused)
    with parquet.connect(held.files, MEMORY) as connection:
        return connection.sql(f"{query} LIMIT 0", params=[parameter]).to_arrow_table().schema


def _query(held: Held, fused: Link | None) -> tuple[str, list[str]]:
    function, parameter = parquet.scan(held.files)
    source = f"{function} AS rows"
    return (fused.query(source) if fused else f"SELECT * FROM {source}"), parameter  # noqa: S608


def _in_range(files: Sequence[Path], column: str, feature: Feature) -> bool:
    """Whether the numbers in a column are those of the classes that it is said to hold, or -1 for none."""
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return True
    function, parameter = parquet.scan(files)
    held = parquet.quote(column)
    with parquet.connect(files) as connection:
        query = f"SELECT min({held}) >= -1 AND max({held}) < ? FROM {function}"  # noqa: S608
        row = connection.execute(query, [len(feature["names"]), parameter]).fetchone()
    return row is not None and row[0] is not False


def _ascending(places: Numbers) -> bool:
    return bool(np.all(np.diff(places) > 0))


def _passes(mending: Mending, splits: list[str]) -> int:
    """How often rows are read and written, for the progress."""
    loose = dict.fromkeys(splits, False)
    total = 0
    for entry in mending.steps:
        work = entry.step.work
        splits = shapes.touched(entry, list(loose))
        if isinstance(work, Against):
            total += loose[work.other(entry.params)]
            loose[work.other(entry.params)] = False
        for split in splits:
            if streams(entry):
                loose[split] = True
                continue
            total += loose[split]
            if isinstance(work, Parts):
                del loose[split]
                loose |= dict.fromkeys(work.names(entry.params), True)
            else:
                loose[split] = True
    return total + len(loose)
