"""What a recipe does to the first rows, shown before anything is written: before, after, what changed, what went."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from studio.core.errors import InvalidInput, UnknownName
from studio.data import media, parquet, reading, thumbnails
from studio.data.cells import plain
from studio.data.mending import Mending
from studio.data.records import Basis, Column, Dataset
from studio.data.steps.base import NO_TOOLS, Rows, Tools
from studio.data.trials import CARRIED, StepCount, Trial, Tried

MOST = 100
BEFORE = 2  # rows that are shown before the first to which something happens
MEDIA_BYTES = 3_000_000  # of the pictures and sounds before, and after


@dataclass(frozen=True)
class AfterRow:
    """A row of the result.

    Attributes:
        row: its number before, None for a row that was added.
        cells: JSON values, in the order of `Preview.columns`.
        changed: places of the cells that are new or another value than before.
        media: place → a small picture or sound as a data URL, where they are asked for.
    """

    row: int | None
    cells: list[Any]
    changed: list[int]
    media: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """The first rows before and after.

    Attributes:
        split: of the result: after a step that divides one, the part that is shown.
        before: the first rows of the source, as JSON; `media_before` as `AfterRow.media` of each.
        removed: numbers of those among `before` that are not in what was tried of the result.
        counts: per step.
        parts: rows of every split of the result, of those that were tried.
        basis: how many rows of the source were tried; of the whole, the result is exact to its last row.
        notes: in what the data set differs from the one that the recipe was written for; what could not be tried whole.
        start: the number of the first row that is shown: where nothing happens to the first ones, it is one that
            comes shortly before a row to which something does.
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
    media_before: list[dict[int, str]] = field(default_factory=list)
    start: int = 0


def preview(
    dataset: Dataset, split: str, mending: Mending, rows: int = 20, tools: Tools = NO_TOOLS, *, with_media: bool = False
) -> Preview:
    """Try the recipe on the first rows of a split.

    Args:
        dataset: what is to be mended.
        split: which part is shown.
        mending: the recipe.
        rows: how many are shown, at most 100.
        tools: what steps may ask for.
        with_media: whether pictures and sounds are shown as such; 3 MB of them at most.

    Raises:
        UnknownName: no such split.
        InvalidInput: at "steps.NUMBER.FIELD": what is wrong with a step.
        TimedOut: SQL that takes longer than 20 s.
    """
    if not 1 <= rows <= MOST:
        raise InvalidInput("rows", rows, f"Between 1 and {MOST} rows can be shown.")
    if split not in dataset.files:
        raise UnknownName("split", split, sorted(dataset.files, key=parquet.split_rank))
    with reading.opened(dataset, split) as opened:
        columns = opened.columns
    trial = Trial.of(dataset, split, mending, rows, tools)
    result = trial.result
    shown = split if split in result else next(iter(result))
    start = _start(result[shown], trial.head, rows) if _whole(mending) else 0
    first = trial.head.slice(start, rows)
    return Preview(
        split=shown,
        columns_before=columns,
        before=[list(row) for row in _cells(first, columns)],
        columns=result[shown].columns,
        after=_compared(_from(result[shown], start), trial.head, rows, with_media=with_media),
        removed=_removed(result, range(start, start + len(first))),
        counts=trial.counts,
        parts={name: len(one.table) for name, one in result.items()},
        basis=dataset.basis(split, len(trial.head)),
        notes=[*mending.notes(dataset), *trial.notes],
        media_before=_media(first, columns) if with_media else [],
        start=start,
    )


def _whole(mending: Mending) -> bool:
    """Whether all rows of the head are tried: no step is so costly that it is for those that are shown only."""
    works = [entry.step.work for entry in mending.steps]
    return not any(isinstance(work, Rows) and work.costly for work in works)


def _start(found: Tried, head: pa.Table, rows: int) -> int:
    """Shortly before the first row that is changed or gone; 0 where that is among the first, or order is new."""
    known = [number for number in found.table.column(CARRIED).to_pylist() if number is not None]
    if known != sorted(known) or any(column.name not in head.column_names for column in found.columns):
        return 0
    first = min(set(range(len(head))) - set(known), default=len(head))
    kept = head.take(pa.array(known, pa.int64()))
    for column in found.columns:
        if column.type != media.COLUMN:
            cells = (one.column(column.name).to_pylist() for one in (kept, found.table))
            pairs = zip(known, *cells, strict=False)  # rows that were added come last, and have no number
            first = min(first, next((number for number, old, new in pairs if not _same(old, new)), first))
    return max(0, first - BEFORE) if rows <= first < len(head) else 0


def _from(found: Tried, start: int) -> Tried:
    """The result from a row of the source on."""
    if not start:
        return found
    numbers = found.table.column(CARRIED).to_pylist()
    place = next((place for place, number in enumerate(numbers) if number is None or number >= start), len(numbers))
    return replace(found, table=found.table.slice(place))


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


def _media(table: pa.Table, columns: tuple[Column, ...]) -> list[dict[int, str]]:
    """For each row: place → data URL, of as many cells as a page may hold."""
    found: list[dict[int, str]] = [{} for _ in range(len(table))]
    size = 0
    for place, column in enumerate(columns):
        for row, cell in enumerate(table.column(column.name).to_pylist() if column.type == media.COLUMN else ()):
            if cell and cell["bytes"] and size < MEDIA_BYTES and (url := thumbnails.data_url(cell["bytes"])):
                found[row][place] = url
                size += len(url)
    return found


def _compared(found: Tried, head: pa.Table, rows: int, *, with_media: bool) -> list[AfterRow]:
    shown = found.table.slice(0, rows)
    pictures = _media(shown, found.columns) if with_media else [{}] * len(shown)
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
        result.append(AfterRow(number, cells, changed, pictures[place]))
    return result


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and (old == new or (old != old and new != new))


def _removed(tried: Mapping[str, Tried], rows: range) -> list[int]:
    left = {number for one in tried.values() for number in one.table.column(CARRIED).to_pylist()}
    return [number for number in rows if number not in left]
