"""A view of a split: which rows and columns, in which order; and rows by their numbers.

A row's number is its place in the split, from 0. A view finds the numbers first, by the columns that matter for it
alone; the rows are then fetched by number, which reads a few row groups however long the split is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, UnknownName
from studio.data import cells, filters, labels, numbering, reading
from studio.data.cells import Cell
from studio.data.filters import Clause, Condition
from studio.data.parquet import quote
from studio.data.reading import Split
from studio.data.records import Column, Dataset

MOST = 100
FARTHEST = 2**53  # larger numbers do not survive JavaScript, nor do files reach so far
WIDEST = 10_000  # characters of a cell on a page; `row` has the rest
ROOM = 4_000_000  # characters of a page: where there are many cells, less is shown of each
LEAST = 40  # of a cell, however many there are


class View(BaseModel):
    """Which rows of a split are looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field("train", description="Which part of the data set.")
    columns: tuple[str, ...] = Field((), description="Which columns and in which order; all when none is named.")
    conditions: tuple[Condition, ...] = Field((), description="What must hold of each row; all of them.")
    where: str = Field("", description="Or, and beside them: a condition in SQL.")
    sort: str = Field("", description="Column to sort by; the order of the files when empty.")
    descending: bool = Field(False, description="Largest first; rows without a value come last either way.")
    offset: int = Field(0, ge=0, le=FARTHEST, description="Rows to skip.")
    limit: int = Field(MOST, ge=0, le=MOST, description="Rows to show.")


@dataclass(frozen=True)
class Cut:
    """A cell that is not shown as a whole: its place on the page, and its true length in characters."""

    row: int
    column: str
    length: int


@dataclass(frozen=True)
class Page:
    """Rows as JSON values.

    Attributes:
        columns: their names.
        rows: one list of cells per row.
        numbers: the place in the split of each row.
        total: rows of the split.
        matching: rows that the view has on all its pages; None where they were not counted.
        cut: the cells that are not shown as a whole.
        labels: column → names of its classes, where its numbers stand for some.
        partial: where these are rows of a beginning only, of how much; `total` and `matching` are of it.
    """

    columns: tuple[str, ...]
    rows: list[list[Any]]
    numbers: list[int]
    total: int
    matching: int | None
    cut: list[Cut]
    labels: Mapping[str, tuple[str, ...]]
    partial: str = ""


class Found(NamedTuple):
    """Numbers of the rows on a page, and how many there are on all pages; None where they were not counted."""

    numbers: list[int]
    matching: int | None


Find = Callable[[Dataset, View, Clause], Found]


def page(dataset: Dataset, view: View | None = None, find: Find | None = None, *, counting: bool = True) -> Page:
    """The rows of a view; past its end there are none.

    Args:
        dataset: where from.
        view: which rows; the first of train when there is none.
        find: finds the rows of a view that has a condition in SQL, which is not for this process to run.
        counting: whether to say how many rows there are on all pages, where that takes a look at all rows.

    Raises:
        UnknownName: no such split or column.
        InvalidInputs: a condition does not fit its column.
        InvalidInput: at "where", there is a condition in SQL and no `find`, or `find` refuses it.
    """
    view = view or View()
    with reading.opened(dataset, view.split) as source:
        names = labels.names(dataset, view.split)
        columns = _chosen(source, view.columns)
        clause = filters.compiled(source.columns, view.conditions, names)
        if view.where.strip():
            if find is None:
                raise InvalidInput("where", view.where, "SQL is not run here; use conditions.")
            found = find(dataset, view, clause)
        else:
            found = _found(source, dataset, view, clause, counting=counting)
        return _page(source, dataset, view.split, found, columns)


def count(dataset: Dataset, view: View) -> int:
    """How many rows a view without a condition in SQL has on all its pages; raises as `page` does."""
    with reading.opened(dataset, view.split) as source:
        clause = filters.compiled(source.columns, view.conditions, labels.names(dataset, view.split))
        return _count(source, clause) if clause.sql else dataset.info.splits[view.split]


def by_numbers(
    dataset: Dataset, split: str, numbers: Sequence[int], columns: Sequence[str] = (), widest: int = WIDEST
) -> Page:
    """Rows by their numbers, in the order asked.

    Args:
        dataset: where from.
        split: which part.
        numbers: of the rows, from 0.
        columns: which columns and in which order; all when none is named.
        widest: characters after which a cell is cut; fewer where there are very many cells.

    Raises:
        UnknownName: no such split or column.
        InvalidInput: at "numbers", there is no such row.
    """
    with reading.opened(dataset, split) as source:
        check_number(numbers, dataset.info.splits[split], "numbers")
        found = Found(list(numbers), len(numbers))
        return _page(source, dataset, split, found, _chosen(source, columns), widest)


def check_number(numbers: Sequence[int], total: int, field: str) -> None:
    """Raise `InvalidInput` at `field` for the first number that no row has."""
    for number in numbers:
        if not 0 <= number < total:
            expected = f"Rows are numbered from 0 to {total - 1:,}." if total else "There are no rows."
            raise InvalidInput(field, number, expected)


def order(columns: Sequence[Column], view: View, number: str) -> str:
    """ORDER BY of a view, "" for the order of the files; equal rows stay in that order."""
    if not view.sort:
        return ""
    if view.sort not in [column.name for column in columns]:
        raise UnknownName("column", view.sort, [column.name for column in columns])
    return f" ORDER BY {quote(view.sort)} {'DESC' if view.descending else 'ASC'} NULLS LAST, {number}"


def _chosen(source: Split, names: Sequence[str]) -> list[Column]:
    return [source.column(name) for name in dict.fromkeys(names)] or list(source.columns)


def _found(source: Split, dataset: Dataset, view: View, clause: Clause, *, counting: bool) -> Found:
    total = dataset.info.splits[view.split]
    if not clause.sql and not view.sort:
        return Found(list(range(view.offset, min(view.offset + view.limit, total))), total)
    rows = numbering.numbered(source.connection, dataset.files[view.split], source.columns)
    where, ordered = f" WHERE {clause.sql}" if clause.sql else "", order(source.columns, view, rows.number)
    query = f"SELECT {rows.number} FROM {rows.source}{where}{ordered} LIMIT ? OFFSET ?"  # noqa: S608
    numbers = [row[0] for row in source.select(query, *clause.values, view.limit, view.offset)]
    if not clause.sql:
        return Found(numbers, total)
    if len(numbers) < view.limit and (numbers or not view.offset):  # the last page
        return Found(numbers, view.offset + len(numbers))
    return Found(numbers, _count(source, clause) if counting else None)


def _count(source: Split, clause: Clause) -> int:
    return int(source.select(f"SELECT count(*) FROM {source.source} WHERE {clause.sql}", *clause.values)[0][0])  # noqa: S608


def _page(
    source: Split, dataset: Dataset, split: str, asked: Found, columns: Sequence[Column], widest: int = WIDEST
) -> Page:
    """The rows of these numbers, in this order."""
    widest = min(widest, max(LEAST, ROOM // max(1, len(asked.numbers) * len(columns))))
    connection, found = source.connection, dict[int, list[Cell]]()
    for rows, wanted in numbering.by_file(connection, dataset.files[split], source.columns, asked.numbers):
        there = {entry[0]: str(entry[1]) for entry in connection.execute(rows.nothing, [rows.parameter]).description}
        outputs = [cells.light(column, _read(column, there), widest) for column in columns]
        query = f"SELECT {rows.number}, {', '.join(outputs)} FROM {rows.source} WHERE {rows.number} IN ?"  # noqa: S608
        for place, *values in connection.execute(query, [rows.parameter, list(wanted)]).fetchall():
            pairs = zip(columns, values, strict=True)
            found[wanted[place]] = [cells.cell(column, value, widest) for column, value in pairs]
    shown = [found[number] for number in asked.numbers]
    cut = [
        Cut(place, column.name, cell.length)
        for place, row in enumerate(shown)
        for column, cell in zip(columns, row, strict=True)
        if cell.length
    ]
    names, known = [column.name for column in columns], labels.names(dataset, split)
    return Page(
        columns=tuple(names),
        rows=[[cell.value for cell in row] for row in shown],
        numbers=asked.numbers,
        total=dataset.info.splits[split],
        matching=asked.matching,
        cut=cut,
        labels={name: known[name] for name in names if name in known},
        partial=dataset.info.partial_of(split),
    )


def _read(column: Column, there: dict[str, str]) -> str:
    """A column as the split has it, from a file that may have it in another type, or not at all."""
    if there.get(column.name) == column.type:
        return quote(column.name)
    return f"CAST({quote(column.name) if column.name in there else 'NULL'} AS {column.type})"
