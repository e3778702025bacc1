"""Which columns each split has after each step of a recipe, found before anything runs; and a step's SQL.

Raises what is wrong with a step by its number and field: a column that is missing in a new revision, for example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from studio.core.errors import InvalidInput
from studio.data import expressions, parquet, reading
from studio.data.mending import Entry, Mending
from studio.data.parquet import quote
from studio.data.records import Dataset
from studio.data.splits import SPLIT_NAME
from studio.data.steps.base import Against, Columns, Outputs, Parts, Rows, Where

Shape = dict[str, Columns]


@dataclass(frozen=True)
class Origin:
    """Where a split of the result is from.

    Attributes:
        split: of the source.
        columns: name → name in the source, of those whose cells mean what they meant there.
    """

    split: str
    columns: Mapping[str, str]


def shapes(dataset: Dataset, mending: Mending) -> list[Shape]:
    """Split → columns, before the first step and after each.

    Raises:
        InvalidInput: at "steps.NUMBER.FIELD", the first thing that is wrong; the first step is 1.
    """
    shape: Shape = {}
    for split in dataset.files:
        if not SPLIT_NAME.fullmatch(split):
            raise InvalidInput("dataset", split, "The name of this split cannot be the name of a file.")
        with reading.opened(dataset, split) as opened:
            shape[split] = opened.columns
    found = [shape]
    for number, entry in enumerate(mending.steps, 1):
        shape = _after(entry, f"steps.{number}", shape)
        if number == 1 and isinstance(entry.step.work, Rows):
            _check_last(entry, dataset)
        found.append(shape)
    return found


def origins(dataset: Dataset, mending: Mending) -> dict[str, Origin]:
    """Split of the result → where it is from; raises as `shapes`."""
    known = shapes(dataset, mending)
    found = {split: Origin(split, {column.name: column.name for column in known[0][split]}) for split in known[0]}
    for entry, old, new in zip(mending.steps, known, known[1:], strict=False):
        for split in touched(entry, list(old)):
            origin = found.pop(split)
            parts = entry.step.work.names(entry.params) if isinstance(entry.step.work, Parts) else (split,)
            through = _through(entry, old[split], new[parts[0]])
            columns = {name: origin.columns[was] for name, was in through.items() if was in origin.columns}
            found |= dict.fromkeys(parts, Origin(origin.split, columns))
    return found


def _through(entry: Entry, old: Columns, new: Columns) -> dict[str, str]:
    """Columns after a step → what they were before it, of those that it does not make anew."""
    work = entry.step.work
    if isinstance(work, Outputs):
        written = {quote(column.name): column.name for column in old}
        return {name: written[sql] for name, sql in work.expressions(entry.params, old).items() if sql in written}
    return {column.name: column.name for column in new if column in old}


def touched(entry: Entry, splits: Sequence[str]) -> list[str]:
    """The splits that a step is about."""
    work = entry.step.work
    if isinstance(work, Parts) or (isinstance(work, Rows) and work.of(entry.params)):
        return [work.of(entry.params)]
    if isinstance(work, Against) and not entry.splits:
        return [split for split in splits if split != work.other(entry.params)]
    return list(entry.splits or splits)


def query(entry: Entry, columns: Columns, source: str = "rows", carried: str = "") -> str:
    """A step that is SQL as a query over `source`; `carried` is a column that goes along unseen."""
    work = entry.step.work
    condition = ""
    if isinstance(work, Outputs):
        outputs = work.expressions(entry.params, columns)
    elif isinstance(work, Where):
        outputs = {column.name: quote(column.name) for column in columns}
        condition = f" WHERE (\n{work.condition(entry.params)}\n)"
    else:
        raise TypeError(f"{entry.name} is no SQL")
    listed = [f"{sql} AS {quote(name)}" for name, sql in outputs.items()] + ([quote(carried)] if carried else [])
    return f"SELECT {', '.join(listed)} FROM {source}{condition}"  # noqa: S608


def after(entry: Entry, columns: Columns) -> Columns:
    """The columns of a split after one step; raises `InvalidInput` with the step's field."""
    work, params = entry.step.work, entry.params
    if isinstance(work, Where):
        expressions.check(work.condition(params), work.blame, columns)
        _bound(columns, "*", work.condition(params), (work.blame, work.condition(params)))
        return columns
    if isinstance(work, Outputs):
        if given := work.given(params):
            expressions.check(given, work.blame, columns)
        outputs = work.expressions(params, columns)
        listed = ", ".join(f"{sql} AS {quote(name)}" for name, sql in outputs.items())
        return _bound(columns, listed, "", (work.blame, work.given(params) or getattr(params, work.blame)))
    return work.columns(params, columns)


def _bound(columns: Columns, outputs: str, condition: str, blame: tuple[str, Any]) -> Columns:
    try:
        return expressions.described(columns, outputs, condition)
    except duckdb.Error as error:
        raise InvalidInput(*blame, f"{parquet.reason(error)}.") from None


def _after(entry: Entry, place: str, before: Shape) -> Shape:
    work = entry.step.work
    splits = touched(entry, list(before))
    _check_splits(entry, place, splits, before)
    new = {split: _of(entry, place, split, before) if split in splits else before[split] for split in before}
    if not isinstance(work, Parts):
        return new
    columns = new.pop(splits[0])
    for name in work.names(entry.params):
        if name in new:
            expected = f"There is a split {name!r} already; give it no share, or take the steps for it apart."
            raise InvalidInput(f"{place}.{name}", getattr(entry.params, name), expected)
    parts = dict.fromkeys(work.names(entry.params), columns)
    ordered = parts | new
    return {split: ordered[split] for split in sorted(ordered, key=parquet.split_rank)}


def _check_splits(entry: Entry, place: str, splits: Sequence[str], before: Shape) -> None:
    """Whether those that the step is about are there, and the one that it compares them with is another."""
    work, field = entry.step.work, "splits" if entry.splits else "split"
    known = ", ".join(before)
    for split in splits:
        if split not in before:
            raise InvalidInput(f"{place}.{field}", split, f"There is no such split here. There are: {known}.")
    if not isinstance(work, Against):
        return
    other = work.other(entry.params)
    if other not in before:
        raise InvalidInput(f"{place}.against", other, f"There is no such split here. There are: {known}.")
    if other in splits:
        raise InvalidInput(f"{place}.splits", other, "A split is compared with another one.")
    if not splits:
        raise InvalidInput(f"{place}.against", other, "There is no other split here that could be compared with it.")
    _of(entry, place, other, before)


def _of(entry: Entry, place: str, split: str, before: Shape) -> Columns:
    try:
        return after(entry, before[split])
    except InvalidInput as error:
        where = f" (In the split {split!r}.)" if len(before) > 1 else ""
        raise InvalidInput(f"{place}.{error.field}", error.value, error.expected + where) from None


def _check_last(entry: Entry, dataset: Dataset) -> None:
    """Rows that are named must be there; of later steps that shows as they run."""
    work = entry.step.work
    for split in touched(entry, list(dataset.files)) if isinstance(work, Rows) else ():
        check_last(entry, "steps.1", dataset.info.splits[split])


def check_last(entry: Entry, place: str, count: int) -> None:
    """Raise `InvalidInput` when the step names a row that a split of `count` rows has not."""
    work = entry.step.work
    last = work.last(entry.params) if isinstance(work, Rows) else -1
    if last >= count:
        raise InvalidInput(f"{place}.row", last, f"There are {count:,} rows here, and the first is row 0.")
