"""Rows that are the same in some columns, in one split or several: by hash, and where hashes agree by a second one.

The first is DuckDB's 64-bit hash of the values. Rows that share it are the same when the MD5 of their values as text is
the same too. A NULL is the same as a NULL.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from studio.data.watching import Watch

MEMORY = "320MB"  # of the database; more spills to disk


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
    with parquet.connect(files, MEMORY) as connection:
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
        watch = Watch(progress, lambda: bool(stop()))
        step = 0.5 / len(reads)
        for place, read in enumerate(reads):
            values, rows = read.values(compared, casts), read.rows(compared)
            query = f"INSERT INTO hashes SELECT {place}, r, hash({values}) FROM ({rows}) WHERE filled"  # noqa: S608
            read.run(query, f"{splits[place]}: rows are hashed", watch.part(step * place, step * (place + 1)))
        connection.execute("CREATE TEMP TABLE shared AS SELECT h FROM hashes GROUP BY h HAVING count(*) > 1")
        for place, read in enumerate(reads):
            values, rows = read.values(compared, casts), read.rows(compared)
            # by number first, so that only these rows are normalised and hashed again
            chosen = f"SELECT r FROM hashes WHERE split = {place} AND h IN (SELECT h FROM shared)"  # noqa: S608
            query = (
                f"INSERT INTO same SELECT {place}, r, hash({values}), md5(CAST(row({values}) AS VARCHAR)), extra"  # noqa: S608
                f" FROM ({rows}) WHERE r IN ({chosen})"
            )
            part = watch.part(0.5 + step * place, 0.5 + step * (place + 1))
            read.run(query, f"{splits[place]}: rows with the same hash are compared", part)
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

    def rows(self, compared: Compared) -> str:
        """The rows in the order of the files as SQL: cells `c0` …, `extra`, their number `r`, whether `filled`."""
        cells = [quote(name) if name in self.columns else "NULL" for name in compared.columns]
        extra = reading.as_text(self.columns[compared.extra]) if compared.extra in self.columns else "NULL"
        texts = [reading.as_text(self.columns[name]) for name in compared.columns if name in self.columns]
        filled = "true"
        if compared.filled and texts:
            filled = f"trim(concat('', {', '.join(texts)}), {literal(WHITESPACE)}) <> ''"
        outputs = [f"{cell} AS c{place}" for place, cell in enumerate(cells)]
        outputs += [f"{extra} AS extra", f"{filled} AS filled", "row_number() OVER () - 1 AS r"]
        return f"SELECT {', '.join(outputs)} FROM {self._source}"  # noqa: S608

    def values(self, compared: Compared, casts: Mapping[str, str]) -> str:
        """What is compared of the cells, as SQL."""
        found = []
        for place, name in enumerate(compared.columns):
            column, cell = self.columns.get(name), f"c{place}"
            if column is not None and compared.normal and column.type == "VARCHAR":
                cell = f"normalised({cell})"
            elif column is not None and (cast := casts.get(name)):
                cell = reading.as_text(replace(column, name=cell)) if cast == "VARCHAR" else f"CAST({cell} AS {cast})"
            found.append(cell)
        return ", ".join(found)

    def run(self, query: str, message: str, watch: Watch) -> None:
        """Execute it over this split's files."""
        watch.at(0.0, message)
        try:
            parquet.run(self._connection, query, [self._parameter], message, watch)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise parquet.damaged(self._ref, self._split, error) from None


def _common(reads: Sequence[_Read], name: str) -> str:
    """The type that a column is compared in where its own differs between splits; "" where it does not."""
    found = [read.columns[name] for read in reads if name in read.columns]
    if len({column.type for column in found}) < 2:
        return ""
    return "DOUBLE" if all(column.kind == "number" for column in found) else "VARCHAR"


def _normal(values: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if text is None else normalised(text) for text in values.to_pylist()], pa.string())
