"""A recipe tried on the first rows of a split, and on those of the splits that its steps compare them with."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from studio.data import expressions, reading, shapes
from studio.data.chains import Chain, Link, links, streams
from studio.data.mending import Entry, Mending
from studio.data.records import Column, Dataset
from studio.data.steps.base import Against, Parts, Places, Rows, Tools

HEAD = 1_000  # rows of the source that are tried
BESIDE = 20_000  # rows of another split, which those are compared with
BYTES = 64_000_000  # of the rows of a split, in memory
CARRIED = "row number before\N{ZERO WIDTH SPACE}"  # goes along unseen


@dataclass(frozen=True)
class StepCount:
    """Rows before and after a step, of those that were tried; a costly step is tried on the rows shown only."""

    number: int
    title: str
    before: int
    after: int


@dataclass(frozen=True)
class Tried:
    """Rows of one split, as far as they are.

    Attributes:
        whole: whether they are all that the split has.
        told: whether the result is about them; they are there to be compared with otherwise.
    """

    table: pa.Table
    columns: tuple[Column, ...]
    whole: bool
    told: bool


@dataclass
class Trial:
    """The steps of a recipe, one after the other, over the first rows.

    Attributes:
        head: the rows of the split, as they were.
        rows: how many of them are shown.
        notes: what could not be tried whole.
    """

    head: pa.Table
    splits: dict[str, Tried]
    rows: int
    tools: Tools
    counts: list[StepCount] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, dataset: Dataset, split: str, mending: Mending, rows: int, tools: Tools) -> "Trial":
        """All steps done. Raises what `shapes.shapes` raises, and `TimedOut` for SQL that takes longer than 20 s."""
        columns = shapes.shapes(dataset, mending)[0]
        splits = {}
        for name in _needed(dataset, split, mending):
            table = _head(dataset, name, HEAD if name == split else BESIDE)
            whole = dataset.basis(name, len(table)).whole
            numbered = table.append_column(CARRIED, pa.array(np.arange(len(table), dtype=np.int64)))
            splits[name] = Tried(numbered, columns[name], whole, name == split)
        trial = cls(splits[split].table.drop_columns([CARRIED]), splits, rows, tools)
        for number, entry in enumerate(mending.steps, 1):
            trial.step(number, entry)
        return trial

    @property
    def result(self) -> dict[str, Tried]:
        """The splits that the rows are in now."""
        return {name: one for name, one in self.splits.items() if one.told}

    def step(self, number: int, entry: Entry) -> None:
        """One step over all splits that it is about."""
        mine = [name for name in shapes.touched(entry, list(self.splits)) if name in self.splits]
        told = any(self.splits[name].told for name in mine)
        before = self._count()
        if told:
            self._note(number, entry)
        for name in mine:
            self._apply(name, (number, entry))
        if told:
            self.counts.append(StepCount(number, entry.title(), before, self._count()))

    def _count(self) -> int:
        return sum(len(one.table) for one in self.result.values())

    def _note(self, number: int, entry: Entry) -> None:
        work = entry.step.work
        if isinstance(work, Against) and not (one := self.splits[other := work.other(entry.params)]).whole:
            self.notes.append(
                f"Step {number} is tried against {len(one.table):,} rows of {other}; the job compares with all of them."
            )

    def _apply(self, split: str, numbered: tuple[int, Entry]) -> None:
        _, entry = numbered
        work, one = entry.step.work, self.splits[split]
        with expressions.hurried() as connection:
            if streams(entry):
                self.splits[split] = self._streamed(one, Chain(connection, self._links(one, numbered), []), entry)
                return
            connection.register("rows", one.table)

            def ask(query: str) -> Iterator[pa.RecordBatch]:
                yield from connection.sql(query).to_arrow_reader()

            count = len(one.table)
            if isinstance(work, Parts):
                del self.splits[split]
                for name, places in work.function(entry.params, one.columns)(ask, count).items():
                    self.splits[name] = replace(one, table=one.table.take(pa.array(places)))
            elif isinstance(work, Against):
                others = self.splits[work.other(entry.params)]
                connection.register("others", others.table)
                places = work.function(entry.params, one.columns, others.columns)(ask, count)
                self.splits[split] = replace(one, table=one.table.take(pa.array(places)))
            elif isinstance(work, Places):
                places = work.function(entry.params, one.columns)(ask, count)
                self.splits[split] = replace(one, table=one.table.take(pa.array(places)))

    def _links(self, one: Tried, numbered: tuple[int, Entry]) -> list[Link]:
        return links([numbered], one.columns, self.tools, CARRIED)

    def _streamed(self, one: Tried, chain: Chain, entry: Entry) -> Tried:
        work, table, whole = entry.step.work, one.table, one.whole
        if isinstance(work, Rows) and work.costly:
            whole = whole and len(table) <= self.rows
            table = table.slice(0, self.rows)
        sent, end = chain.send(table), chain.end(table.schema)
        table = sent if end is None else pa.concat_tables([sent, end])
        return replace(one, table=table, columns=shapes.after(entry, one.columns), whole=whole)


def _needed(dataset: Dataset, split: str, mending: Mending) -> list[str]:
    """The split and those of the source that its rows are compared with, whatever they are called by then."""
    works = [(entry.step.work, entry.params) for entry in mending.steps]
    wanted = {split} | {work.other(params) for work, params in works if isinstance(work, Against)}
    for work, params in reversed(works):
        if isinstance(work, Parts) and wanted.intersection(work.names(params)):
            wanted.add(work.of(params))
    return [name for name in dataset.files if name in wanted]


def _head(dataset: Dataset, split: str, rows: int) -> pa.Table:
    with reading.opened(dataset, split) as opened:
        query = f"SELECT * FROM {opened.source} LIMIT {rows:d}"  # noqa: S608
        relation = opened.connection.sql(query, params=[opened.parameter])
        batches, size = [], 0
        schema = relation.limit(0).to_arrow_table().schema
        for batch in relation.to_arrow_reader(100):
            batches.append(batch)
            size += batch.nbytes
            if size > BYTES:
                break
    return pa.Table.from_batches(batches, schema)
