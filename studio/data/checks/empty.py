"""empty: columns and rows that hold nothing, and columns that always hold the same."""

from collections.abc import Iterator, Mapping, Sequence

from studio.data import reading
from studio.data.checks.base import (
    Check,
    CheckParams,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    Stop,
    columns_of,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.sampling import present
from studio.data.parquet import literal, quote
from studio.data.records import Basis, Column, Dataset
from studio.data.rows import WHITESPACE

AT_ONCE = 50  # columns of one pass
LISTED = 20  # rows that are listed of a column
MANY = 0.5  # of a column's rows
INK = r"[^\s\x0b\x1c-\x1f\x{85}\pZ]"  # RE2 for a character that is no white space, as `WHITESPACE` has it
NAMED = 4  # columns, in words
ROOM = 4_000  # characters of a condition


Figures = tuple[int, int, int, bool]  # rows, nulls, cells of white space, whether all are the same


class EmptyParams(CheckParams):
    """The same as for every check."""


def run(dataset: Dataset, params: EmptyParams, progress: Progress, stop: Stop) -> Finding:
    """Nulls and white space per column, rows without anything, constant columns; all of each split is read."""
    splits, columns = splits_of(dataset, params), columns_of(dataset, params)
    evidence: list[Evidence] = []
    figures_of: dict[Column, list[Figures]] = {}
    empty_cells = bare = constant = cells = 0
    for place, split in enumerate(splits):
        stop()
        progress(place, len(splits), f"{split}: empty cells are counted")
        here = present(dataset, split, columns)
        rows = dataset.info.splits[split]
        cells += rows * len(here)
        with reading.opened(dataset, split) as opened:
            for start in range(0, len(here), AT_ONCE):
                stop()
                part = here[start : start + AT_ONCE]
                for column, figures in zip(part, _figures(opened, part), strict=True):
                    nulls, blank, same = figures
                    empty_cells += nulls + blank
                    constant += same
                    figures_of.setdefault(column, []).append((rows, nulls, blank, same))
                    evidence += _of_column(opened, split, column, (rows, nulls, blank, same))
            bare_here = _bare(opened, here)
        bare += bare_here[0]
        if bare_here[0]:
            numbers = tuple(RowNumber(split, row) for row in bare_here[1])
            evidence.append(Evidence(numbers, f"rows of {split} without anything in these columns", bare_here[0], 1.0))
    evidence.sort(key=lambda one: -(one.score or 0))
    worst = max((one.score or 0 for one in evidence), default=0.0)
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not evidence else "warning" if worst > MANY or bare else "note",
        summary=(
            f"{plural(empty_cells, 'cell is', 'cells are')} empty ({percent(empty_cells, cells)}), "
            f"{plural(bare, 'row has', 'rows have')} nothing at all, and "
            f"{plural(constant, 'column holds', 'columns hold')} one value only."
            if evidence
            else "No cell is empty, and no column is constant."
        ),
        figures={
            "empty_cells": empty_cells,
            "empty_share": share(empty_cells, cells),
            "empty_rows": bare,
            "constant_columns": constant,
        },
        basis={split: Basis(dataset.info.splits[split], dataset.info.splits[split]) for split in splits},
        found=len(evidence),
        evidence=tuple(evidence[: params.shown]),
        method=CHECK.source,
        remedy="Drop columns that say nothing, and rows that lack what you need." if evidence else "",
        mends=tuple(_mends(figures_of, bare)),
    )


def _blank(column: Column) -> str:
    """SQL that holds for text of white space only; nothing else is blank."""
    return f"trim({quote(column.name)}, {literal(WHITESPACE)}) = ''" if column.type == "VARCHAR" else "false"


def _figures(opened: reading.Split, columns: Sequence[Column]) -> list[tuple[int, int, bool]]:
    """Nulls, blank cells, and whether all cells are the same, per column."""
    wanted = ", ".join(
        f"count(*) - count({quote(column.name)}), count(*) FILTER ({_blank(column)}),"
        f" count(*) > 1 AND count({quote(column.name)}) = count(*)"
        f" AND min(hash({quote(column.name)})) = max(hash({quote(column.name)}))"
        for column in columns
    )
    figures = opened.select(f"SELECT {wanted} FROM {opened.source}")[0]  # noqa: S608
    return [(figures[place], figures[place + 1], bool(figures[place + 2])) for place in range(0, 3 * len(columns), 3)]


def _of_column(opened: reading.Split, split: str, column: Column, figures: Figures) -> list[Evidence]:
    rows, nulls, blank, same = figures
    found = []
    if nulls + blank:
        where = f"{quote(column.name)} IS NULL OR {_blank(column)}"
        numbers = tuple(RowNumber(split, row) for row in _numbers(opened, [column], where))
        what = f"{plural(nulls, 'null')}, {blank:,} of white space only" if blank else plural(nulls, "null")
        text = f"column {column.name!r} of {split} is empty in {percent(nulls + blank, rows)} of the rows ({what})"
        found.append(Evidence(numbers, text, nulls + blank, round(share(nulls + blank, rows), 4)))
    if same:
        found.append(Evidence((), f"column {column.name!r} of {split} holds the same value in all rows", rows, 0.5))
    return found


def _mends(figures: Mapping[Column, Sequence[Figures]], bare: int) -> Iterator[Mend]:
    """Without the columns that say nothing in any split; rows then that have an empty cell in one of the others."""
    idle, lacking = [], []
    for column, splits in figures.items():
        rows, empty = sum(one[0] for one in splits), sum(one[1] + one[2] for one in splits)
        if share(empty, rows) > MANY or all(same or nulls + blank == count for count, nulls, blank, same in splits):
            idle.append(column)
        elif empty:
            lacking.append(column)
    if len(idle) == len(figures):
        idle = []
    if idle:
        yield Mend("drop", {"columns": [column.name for column in idle]}, does=plural(len(idle), "column"))
    full = " AND ".join(map(_filled, lacking)) or (" OR ".join(map(_filled, figures)) if bare else "")
    if full and len(full) <= ROOM:
        named = ", ".join(column.name for column in lacking) if len(lacking) <= NAMED else f"{len(lacking)} columns"
        yield Mend(CHECK.step, {"condition": full}, does=f"rows without {named or 'anything'}")


def _filled(column: Column) -> str:
    """SQL that is true where there is something; written so that people can read it and forms do not change it."""
    name = quote(column.name)
    return f"regexp_matches({name}, {literal(INK)})" if column.type == "VARCHAR" else f"{name} IS NOT NULL"


def _bare(opened: reading.Split, columns: Sequence[Column]) -> tuple[int, list[int]]:
    """Rows in which every column is empty: how many, and the first of them."""
    if not columns:
        return 0, []
    where = " AND ".join(f"coalesce({quote(c.name)} IS NULL OR {_blank(c)}, true)" for c in columns)
    count = opened.select(f"SELECT count(*) FROM {opened.source} WHERE {where}")[0][0]  # noqa: S608
    return count, _numbers(opened, columns, where) if count else []


def _numbers(opened: reading.Split, columns: Sequence[Column], where: str) -> list[int]:
    """The first rows for which it holds."""
    names = ", ".join(quote(column.name) for column in columns)
    number = quote(max((column.name for column in columns), key=len) + "_")  # a name that none of them has
    rows = f"SELECT {names}, row_number() OVER () - 1 AS {number} FROM {opened.source}"  # noqa: S608
    found = opened.select(f"SELECT {number} FROM ({rows}) WHERE {where} LIMIT {LISTED}")  # noqa: S608
    return [row for (row,) in found]


CHECK = Check(
    id="empty",
    title="Empty and constant",
    description="Columns and rows that hold nothing or white space only, and columns that always hold the same.",
    needs="any column",
    params=EmptyParams,
    run=run,
    source="Counted over all rows; a column is constant when the hashes of all its values are the same.",
    step="filter",
)
