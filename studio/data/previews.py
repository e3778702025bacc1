"""What a recipe does to the first rows, shown before anything is written: before, after, what changed, what went."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from studio.core.errors import InvalidInput, UnknownName
from studio.data import expressions, media, parquet, reading, shapes
from studio.data.cells import plain
from studio.data.chains import Chain, links, streams
from studio.data.mending import Entry, Mending
from studio.data.records import Basis, Column, Dataset
from studio.data.steps.base import NO_TOOLS, Parts, Places, Rows, Tools

HEAD = 1_000  # rows of the source that are tried
HEAD_BYTES = 64_000_000  # of those rows, in memory
MOST = 100
CARRIED = "row number before\N{ZERO WIDTH SPACE}"  # goes along unseen


@dataclass(frozen=True)
class StepCount:
    """Rows before and after a step, of those that were tried; a costly step is tried on the rows shown only."""

    number: int
    title: str
    before: int
    after: int


@dataclass(frozen=True)
class AfterRow:
    """A row of the result.

    Attributes:
        row: its number before, None for a row that was added.
        cells: JSON values, in the order of `Preview.columns`.
        changed: places of the cells that are new or another value than before.
    """

    row: int | None
    cells: list[Any]
    changed: list[int]


@dataclass(frozen=True)
class Preview:
    """The first rows before and after.

    Attributes:
        split: of the result: after a step that divides one, the part that is shown.
        before: the first rows of the source, as JSON.
        removed: numbers of those among `before` that are not in what was tried of the result.
        counts: per step.
        parts: rows of every split of the result, of those that were tried.
        basis: how many rows of the source were tried; of the whole, the result is exact to its last row.
        notes: in what the data set differs from the one that the recipe was written for.
    """

    split: str
    columns_before: tuple[Column, ...]
    before: list[list[Any]]
    columns: tuple[Column, ...]
    after: list[AfterRow]
    removed: list[int]
    counts: list[StepCount]
    parts: dict[str, int]
    basis: Basis
    notes: list[str]


@dataclass
class _Tried:
    """Rows of one split while they are tried."""

    table: pa.Table
    columns: tuple[Column, ...]


def preview(dataset: Dataset, split: str, mending: Mending, rows: int = 20, tools: Tools = NO_TOOLS) -> Preview:
    """Try the recipe on the first rows of a split.

    Args:
        dataset: what is to be mended.
        split: which part is shown.
        mending: the recipe.
        rows: how many are shown, at most 100.
        tools: what steps may ask for.

    Raises:
        UnknownName: no such split.
        InvalidInput: at "steps.NUMBER.FIELD": what is wrong with a step.
        TimedOut: SQL that takes longer than 20 s.
    """
    if not 1 <= rows <= MOST:
        raise InvalidInput("rows", rows, f"Between 1 and {MOST} rows can be shown.")
    if split not in dataset.files:
        raise UnknownName("split", split, sorted(dataset.files, key=parquet.split_rank))
    shape = shapes.shapes(dataset, mending)
    head = _head(dataset, split)
    numbered = head.append_column(CARRIED, pa.array(np.arange(len(head), dtype=np.int64)))
    tried = {split: _Tried(numbered, shape[0][split])}
    counts = []
    for number, entry in enumerate(mending.steps, 1):
        mine = [name for name in shapes.touched(entry, list(tried)) if name in tried]
        before = sum(len(one.table) for one in tried.values())
        for name in mine:
            _step(tried, name, (number, entry), rows, tools)
        if mine:
            counts.append(StepCount(number, entry.title(), before, sum(len(one.table) for one in tried.values())))
    shown = split if split in tried else next(iter(tried))
    found = tried[shown]
    return Preview(
        split=shown,
        columns_before=shape[0][split],
        before=[list(row) for row in _cells(head.slice(0, rows), shape[0][split])],
        columns=found.columns,
        after=_compared(found, head, rows),
        removed=_removed(tried, min(rows, len(head))),
        counts=counts,
        parts={name: len(one.table) for name, one in tried.items()},
        basis=Basis(len(head), dataset.info.splits[split]),
        notes=mending.notes(dataset),
    )


def _head(dataset: Dataset, split: str) -> pa.Table:
    with reading.opened(dataset, split) as opened:
        query = f"SELECT * FROM {opened.source} LIMIT {HEAD}"  # noqa: S608
        relation = opened.connection.sql(query, params=[opened.parameter])
        batches, size = [], 0
        schema = relation.limit(0).to_arrow_table().schema
        for batch in relation.to_arrow_reader(100):
            batches.append(batch)
            size += batch.nbytes
            if size > HEAD_BYTES:
                break
    return pa.Table.from_batches(batches, schema)


def _step(tried: dict[str, _Tried], split: str, numbered: tuple[int, Entry], rows: int, tools: Tools) -> None:
    _, entry = numbered
    work, one = entry.step.work, tried[split]
    with expressions.hurried() as connection:
        if streams(entry):
            if isinstance(work, Rows) and work.costly:
                one.table = one.table.slice(0, rows)
            chain = Chain(connection, links([numbered], one.columns, tools, CARRIED), [])
            schema = one.table.schema
            one.table = chain.send(one.table)
            end = chain.end(schema)
            one.table = one.table if end is None else pa.concat_tables([one.table, end])
            one.columns = shapes.after(entry, one.columns)
            return
        connection.register("rows", one.table)

        def ask(query: str) -> Iterator[pa.RecordBatch]:
            yield from connection.sql(query).to_arrow_reader()

        count = len(one.table)
        if isinstance(work, Parts):
            del tried[split]
            for name, places in work.function(entry.params, one.columns)(ask, count).items():
                tried[name] = _Tried(one.table.take(pa.array(places)), one.columns)
        elif isinstance(work, Places):
            one.table = one.table.take(pa.array(work.function(entry.params, one.columns)(ask, count)))


def _cells(table: pa.Table, columns: tuple[Column, ...]) -> Iterator[list[Any]]:
    """Rows as JSON; of pictures and sounds what they are."""
    shown = [
        [_medium(cell) for cell in table.column(column.name).to_pylist()]
        if column.type == media.COLUMN
        else [plain(cell) for cell in table.column(column.name).to_pylist()]
        for column in columns
    ]
    return (list(row) for row in zip(*shown, strict=True))


def _medium(cell: dict[str, Any] | None) -> str | None:
    content = cell["bytes"] if cell else None
    path = cell["path"] if cell else None
    return media.describe(content[: media.HEAD] if content else None, len(content) if content else None, path)


def _compared(found: _Tried, head: pa.Table, rows: int) -> list[AfterRow]:
    shown = found.table.slice(0, rows)
    numbers = shown.column(CARRIED).to_pylist()
    values = {column.name: shown.column(column.name).to_pylist() for column in found.columns}
    result = []
    old: dict[str, dict[int, Any]] = {}
    known = [number for number in numbers if number is not None]
    picked = head.take(pa.array(known, pa.int64()))
    for column in found.columns:
        if column.name in head.column_names:
            old[column.name] = dict(zip(known, picked.column(column.name).to_pylist(), strict=True))
    for place, (number, cells) in enumerate(zip(numbers, _cells(shown, found.columns), strict=True)):
        changed = [
            at
            for at, column in enumerate(found.columns)
            if number is None
            or column.name not in old
            or not _same(old[column.name][number], values[column.name][place])
        ]
        result.append(AfterRow(number, cells, changed))
    return result


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and (old == new or (old != old and new != new))


def _removed(tried: dict[str, _Tried], rows: int) -> list[int]:
    left = {number for one in tried.values() for number in one.table.column(CARRIED).to_pylist()}
    return [number for number in range(rows) if number not in left]
