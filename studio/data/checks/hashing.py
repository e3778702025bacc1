"""Rows that are the same in some columns, in one split or several: by hash, and where hashes agree by a second one.

The first is DuckDB's 64-bit hash of the values. Rows that share it are the same when the MD5 of their values as text is
the same too. A NULL is the same as a NULL.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from studio.data import parquet, reading
from studio.data.checks.base import Progress, Stop
from studio.data.near import normalised
from studio.data.parquet import literal, quote
from studio.data.records import Column, Dataset
from studio.data.rows import WHITESPACE


@dataclass(frozen=True)
class Hashed:
    """A table `same(split, r, h, m, extra)` of the rows that are not alone: equal (h, m) means equal values."""

    connection: duckdb.DuckDBPyConnection
    splits: tuple[str, ...]

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        return self.connection.execute(query, list(values)).fetchall()

    def number(self, query: str, *values: object) -> int:
        """The first figure of the answer; 0 for NULL."""
        value = self.select(query, *values)[0][0]
        return value if isinstance(value, int) else 0


@dataclass(frozen=True)
class Compared:
    """What makes two rows the same.

    Attributes:
        columns: they must agree in all of these.
        normal: whether case, compatibility forms and runs of white space count as no difference.
        extra: a column that is carried along as text.
        filled: whether rows without any text in these columns are left out.
    """

    columns: Sequence[str]
    normal: bool = False
    extra: str = ""
    filled: bool = False


@contextmanager
def hashed(
    dataset: Dataset, splits: Sequence[str], compared: Compared, progress: Progress, stop: Stop
) -> Iterator[Hashed]:
    """The rows of these splits that agree with at least one other; raises `InvalidInput` for files that are not whole.

    A column that a split lacks is NULL there; one whose type differs between splits is compared as number, if it is
    one everywhere, else as text.
    """
    files = [path for split in splits for path in dataset.files[split]]
    with parquet.connect(files) as connection:
        connection.create_function(
            "normalised",
            _normal,
            ["VARCHAR"],
            "VARCHAR",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )
        connection.execute("CREATE TEMP TABLE hashes (split INTEGER, r BIGINT, h UBIGINT)")
        connection.execute("CREATE TEMP TABLE same (split INTEGER, r BIGINT, h UBIGINT, m VARCHAR, extra VARCHAR)")
        reads = [_Read(dataset, split, connection) for split in splits]
        casts = {name: cast for name in compared.columns if (cast := _common(reads, name))}
        values = ", ".join(f"c{place}" for place in range(len(compared.columns)))
        for place, read in enumerate(reads):
            stop()
            progress(place, 2 * len(reads), f"{splits[place]}: rows are hashed")
            rows = read.rows(compared, casts)
            read.run(f"INSERT INTO hashes SELECT {place}, r, hash({values}) FROM ({rows}) WHERE filled")  # noqa: S608
        connection.execute("CREATE TEMP TABLE shared AS SELECT h FROM hashes GROUP BY h HAVING count(*) > 1")
        for place, read in enumerate(reads):
            stop()
            progress(len(reads) + place, 2 * len(reads), f"{splits[place]}: rows with the same hash are compared")
            rows = f"SELECT *, hash({values}) AS h FROM ({read.rows(compared, casts)}) WHERE filled"  # noqa: S608
            read.run(
                f"INSERT INTO same SELECT {place}, r, h, md5(CAST(row({values}) AS VARCHAR)), extra"  # noqa: S608
                f" FROM ({rows}) WHERE h IN (SELECT h FROM shared)"
            )
        yield Hashed(connection, tuple(splits))


class _Read:
    """One split as it is read: its columns, and queries over its numbered rows."""

    def __init__(self, dataset: Dataset, split: str, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection, self._ref, self._split = connection, dataset.info.ref, split
        self._source, self._parameter = parquet.scan(dataset.files[split])
        try:
            found = parquet.columns_of(connection, dataset.files[split])
        except duckdb.Error as error:
            raise parquet.damaged(self._ref, split, error) from None
        self.columns: dict[str, Column] = {column.name: column for column in found}

    def rows(self, compared: Compared, casts: Mapping[str, str]) -> str:
        """The rows in the order of the files as SQL: values `c0` …, `extra`, their number `r`, whether `filled`."""
        outputs = [
            f"{self._value(name, compared.normal, casts.get(name, ''))} AS c{place}"
            for place, name in enumerate(compared.columns)
        ]
        extra = reading.as_text(self.columns[compared.extra]) if compared.extra in self.columns else "NULL"
        texts = [reading.as_text(self.columns[name]) for name in compared.columns if name in self.columns]
        filled = (
            f"trim(concat('', {', '.join(texts)}), {literal(WHITESPACE)}) <> ''" if compared.filled and texts else ""
        )
        outputs += [f"{extra} AS extra", f"{filled or 'true'} AS filled", "row_number() OVER () - 1 AS r"]
        return f"SELECT {', '.join(outputs)} FROM {self._source}"  # noqa: S608

    def run(self, query: str) -> None:
        """Execute it over this split's files."""
        try:
            self._connection.execute(query, [self._parameter])
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise parquet.damaged(self._ref, self._split, error) from None

    def _value(self, name: str, normal: bool, cast: str) -> str:
        if name not in self.columns:
            return "NULL"
        column = self.columns[name]
        if normal and column.type == "VARCHAR":
            return f"normalised({quote(name)})"
        if cast == "VARCHAR":
            return reading.as_text(column)
        return f"CAST({quote(name)} AS {cast})" if cast else quote(name)


def _common(reads: Sequence[_Read], name: str) -> str:
    """The type that a column is compared in where its own differs between splits; "" where it does not."""
    found = [read.columns[name] for read in reads if name in read.columns]
    if len({column.type for column in found}) < 2:
        return ""
    return "DOUBLE" if all(column.kind == "number" for column in found) else "VARCHAR"


def _normal(values: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if text is None else normalised(text) for text in values.to_pylist()], pa.string())
