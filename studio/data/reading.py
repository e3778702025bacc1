"""One split while it is read: a connection that reaches its files only, its columns, and its rows as a stream."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from studio.core.errors import UnknownName
from studio.data import parquet
from studio.data.parquet import quote
from studio.data.records import Column, Dataset

BATCH = 10_000
BATCH_BYTES = 8 << 20  # of a batch, as its rows lie in the files
MEMORY = "350MB"  # of the database; with Python's own and what it does not count, it stays below 500 MB


@dataclass(frozen=True)
class Split:
    """One split while it is read."""

    connection: duckdb.DuckDBPyConnection
    columns: tuple[Column, ...]
    source: str
    parameter: list[str]

    def column(self, name: str) -> Column:
        """The column of this name; raises `UnknownName`, which lists those there are."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownName("column", name, [column.name for column in self.columns])

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The answer to `query`, in which FROM stands as `self.source`, with bound values."""
        return self.connection.execute(query, [self.parameter, *values]).fetchall()

    def counted(self, text: str, limit: int) -> list[tuple[str, int, int]]:
        """The most frequent values of an expression: value, its rows, and how many different values there are."""
        groups = f"SELECT {text} AS v, count(*) AS n FROM {self.source} GROUP BY 1"  # noqa: S608
        query = f"SELECT v, n, count(*) OVER () FROM ({groups}) WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT ?"  # noqa: S608
        return [(value, rows, different) for value, rows, different in self.select(query, limit)]


@contextmanager
def opened(dataset: Dataset, split: str) -> Iterator[Split]:
    """The split, for one piece of work; raises `UnknownName`, and `InvalidInput` for files that are not whole."""
    if split not in dataset.files:
        raise UnknownName("split", split, sorted(dataset.files, key=parquet.split_rank))
    files = dataset.files[split]
    with parquet.connect(files, MEMORY) as connection:
        try:
            source, parameter = parquet.scan(files)
            yield Split(connection, parquet.columns_of(connection, files), source, parameter)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise parquet.damaged(dataset.info.ref, split, error) from None


def as_text(column: Column) -> str:
    """The column's value as text; of bytes their number only."""
    if column.type == "BLOB":
        return f"'<' || octet_length({quote(column.name)}) || ' bytes>'"
    return quote(column.name) if column.type == "VARCHAR" else f"CAST({quote(column.name)} AS VARCHAR)"


def fitting(dataset: Dataset, most: int = BATCH) -> int:
    """Rows of a batch: fewer than `most` where rows are large, pictures for example."""
    row = dataset.info.bytes / max(1, sum(dataset.info.splits.values()))
    return max(1, min(most, int(BATCH_BYTES / max(1.0, row))))


def batches(dataset: Dataset, split: str, columns: Sequence[str] = (), size: int = BATCH) -> Iterator[pa.RecordBatch]:
    """The rows in the order of the files, at most `size` at a time: only those are in memory.

    Args:
        dataset: where from.
        split: which part.
        columns: which columns and in which order; all when none is named.
        size: rows of a batch, at most; there are fewer where rows are large.

    Raises:
        UnknownName: no such split or column.
    """
    with opened(dataset, split) as source:
        wanted = ", ".join(quote(source.column(name).name) for name in columns) or "*"
        query = f"SELECT {wanted} FROM {source.source}"  # noqa: S608
        yield from source.connection.sql(query, params=[source.parameter]).to_arrow_reader(fitting(dataset, size))
