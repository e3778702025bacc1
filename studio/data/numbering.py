"""Rows by number: which file of a split a row stands in, and how SQL says its place."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import duckdb

from studio.data import parquet
from studio.data.records import Column, DataFile

PLACES = frozenset({"file_row_number", "file_index"})  # what DuckDB calls them, unless a column is called so
OWN = "place of the row"


@dataclass(frozen=True)
class Numbered:
    """What stands behind FROM, the parameter of it, and the SQL of a row's number in the split."""

    source: str
    parameter: list[str]
    number: str

    @property
    def nothing(self) -> str:
        """SQL that tells the columns and reads no row."""
        return f"SELECT * FROM {self.source} LIMIT 0"  # noqa: S608


def numbered(connection: duckdb.DuckDBPyConnection, files: Sequence[DataFile], columns: Sequence[Column]) -> Numbered:
    """The rows of all files with their numbers."""
    source, parameter = parquet.scan(files)
    if hides_places(columns):
        own = _own(columns)
        return Numbered(f"(SELECT row_number() OVER () - 1 AS {own}, * FROM {source})", parameter, own)  # noqa: S608
    if len(files) == 1:
        return Numbered(source, parameter, "file_row_number")
    starts = list(accumulate(parquet.counts(connection, files), initial=0))
    return Numbered(source, parameter, f"(file_row_number + {starts}[CAST(file_index AS BIGINT) + 1])")


def by_file(
    connection: duckdb.DuckDBPyConnection, files: Sequence[DataFile], columns: Sequence[Column], numbers: Sequence[int]
) -> Iterator[tuple[Numbered, dict[int, int]]]:
    """The files that hold these rows, each with: number in that file → number in the split."""
    if not numbers:
        return
    if len(files) == 1 or hides_places(columns):
        yield numbered(connection, files, columns), {number: number for number in numbers}
        return
    starts = list(accumulate(parquet.counts(connection, files), initial=0))
    wanted: dict[int, dict[int, int]] = {}
    for number in numbers:
        place = bisect_right(starts, number) - 1
        wanted.setdefault(place, {})[number - starts[place]] = number
    for place, inside in sorted(wanted.items()):
        source, parameter = parquet.scan(files[place : place + 1])
        yield Numbered(source, parameter, "file_row_number"), inside


def bits(rows: int) -> int:
    """How many bits there are where each row has one: whole bytes, or they would be filled up."""
    return 8 * max(1, -(-rows // 8))


def hides_places(columns: Sequence[Column]) -> bool:
    """Whether a column is called as DuckDB calls a row's place, so that the rows must be counted instead."""
    return any(column.name.casefold() in PLACES for column in columns)


def _own(columns: Sequence[Column]) -> str:
    """A name that no column has."""
    name, taken = OWN, {column.name.casefold() for column in columns}
    while name in taken:
        name += "_"
    return parquet.quote(name)
