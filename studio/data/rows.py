"""Figures of one split: a column's summary, label counts; and an Arrow table for a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from studio.core.errors import InvalidInput
from studio.data import reading
from studio.data.parquet import quote
from studio.data.records import Dataset

MAX_LABELS = 100_000
TOP = 10
# What str.isspace() holds for; DuckDB's trim() alone strips the space only.
WHITESPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True)
class ColumnSummary:
    """One column's figures; values that are not text are counted as their text.

    Attributes:
        nulls: rows without a value.
        empty: rows whose text is empty or white space only.
        distinct: different values, nulls aside.
        top: the most frequent values and their counts, at most ten.
        longest: characters (Unicode code points) of the longest value.
        partial: where a beginning only was counted, of how much it is.
    """

    rows: int
    nulls: int
    empty: int
    distinct: int
    top: list[tuple[str, int]]
    longest: int
    partial: str = ""


def summary(dataset: Dataset, split: str, column: str) -> ColumnSummary:
    """Count one column; raises `UnknownName` for the split or the column."""
    with reading.opened(dataset, split) as opened:
        text = reading.as_text(opened.column(column))
        counts = (
            f"SELECT count(*), count(v), count(*) FILTER (trim(v, s) = ''), coalesce(max(length(v)), 0)"  # noqa: S608
            f" FROM (SELECT {text} AS v FROM {opened.source}), (SELECT ? AS s)"
        )
        rows, present, empty, longest = opened.select(counts, WHITESPACE)[0]
        top = opened.counted(text, TOP)
    return ColumnSummary(
        rows=rows,
        nulls=rows - present,
        empty=empty,
        distinct=top[0][2] if top else 0,
        top=[(value, number) for value, number, _ in top],
        longest=longest,
        partial=dataset.info.partial_of(split),
    )


@dataclass(frozen=True)
class ColumnOutline:
    """A column at a glance: rows with a value, roughly how many different ones (HyperLogLog), longest in characters."""

    present: int
    distinct: int
    longest: int


def outlines(dataset: Dataset, split: str, columns: Sequence[str]) -> dict[str, ColumnOutline]:
    """Glance at several columns in one pass; raises `UnknownName` for the split or a column."""
    if not columns:
        return {}
    with reading.opened(dataset, split) as opened:
        texts = [reading.as_text(opened.column(name)) for name in columns]
        wanted = ", ".join(f"count({t}), approx_count_distinct({t}), coalesce(max(length({t})), 0)" for t in texts)
        figures = opened.select(f"SELECT {wanted} FROM {opened.source}")[0]  # noqa: S608
    return {name: ColumnOutline(*figures[place * 3 : place * 3 + 3]) for place, name in enumerate(columns)}


def label_counts(dataset: Dataset, split: str, column: str) -> dict[str, int]:
    """Value as text → rows, the most frequent first; nulls are left out.

    Raises:
        UnknownName: no such split or column.
        InvalidInput: at "column", more than 100,000 different values: no column of labels.
    """
    with reading.opened(dataset, split) as opened:
        groups = opened.counted(reading.as_text(opened.column(column)), MAX_LABELS)
    if groups and groups[0][2] > MAX_LABELS:
        expected = f"It has {groups[0][2]:,} different values; choose a column with few, the labels."
        raise InvalidInput("column", column, expected)
    return {value: number for value, number, _ in groups}


def table(
    dataset: Dataset,
    split: str,
    columns: Sequence[str] = (),
    limit: int = 0,
    where_not_empty: Sequence[str] = (),
    as_text: Sequence[str] = (),
) -> pa.Table:
    """Columns as an Arrow table, in the order of the files.

    Args:
        dataset: where from.
        split: which part.
        columns: which columns and in which order; all when none is named.
        limit: at most so many rows, 0 for all.
        where_not_empty: keep only rows in which these columns are neither null nor white space only.
        as_text: columns that come as the same text that `label_counts` counts.

    Raises:
        UnknownName: no such split or column.
        InvalidInput: negative limit.
    """
    if limit < 0:
        raise InvalidInput("limit", limit, "Use 0 for all rows, or a number of rows.")
    with reading.opened(dataset, split) as opened:
        wanted = [opened.column(name) for name in columns] or list(opened.columns)
        texts = {opened.column(name).name for name in as_text}
        outputs = ", ".join(
            f"{reading.as_text(column)} AS {quote(column.name)}" if column.name in texts else quote(column.name)
            for column in wanted
        )
        query, values = f"SELECT {outputs} FROM {opened.source}", list[object]()  # noqa: S608
        if where_not_empty:
            query += " WHERE " + " AND ".join(
                f"trim({reading.as_text(opened.column(n))}, ?) <> ''" for n in where_not_empty
            )
            values += [WHITESPACE] * len(where_not_empty)
        if limit:
            query, values = query + " LIMIT ?", [*values, limit]
        return opened.connection.sql(query, params=[opened.parameter, *values]).to_arrow_table()


def part(dataset: Dataset, split: str, columns: Sequence[str], offset: int, limit: int) -> pa.Table:
    """`limit` rows from `offset` on as an Arrow table, whole cells; raises `UnknownName` for split or column."""
    with reading.opened(dataset, split) as opened:
        wanted = ", ".join(quote(opened.column(name).name) for name in columns)
        query = f"SELECT {wanted} FROM {opened.source} LIMIT ? OFFSET ?"  # noqa: S608
        return opened.connection.sql(query, params=[opened.parameter, limit, offset]).to_arrow_table()
