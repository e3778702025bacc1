"""A stream of Arrow batches → one Parquet file, in row groups that are bounded in rows and in bytes.

What stays here is written to be read fast: with LZ4, at one and a half of Zstandard's size, and with the texts that
hardly repeat end to end behind their lengths; a search takes half the time. What leaves is written for size, elsewhere.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data.watching import UNWATCHED, Watch

GROUP_ROWS = 122_880  # as DuckDB makes them
# small pages: a row that is looked up by its number costs a few of them per column, and scans gain too
PAGES = {"data_page_size": 64 << 10, "dictionary_pagesize_limit": 64 << 10}
GROUP_BYTES = 32 << 20  # in memory; a page of pictures must not bring a gigabyte along
LOOKED_AT = 4096  # rows, to see whether a column's texts repeat
END_TO_END = "DELTA_LENGTH_BYTE_ARRAY"


class Writer:
    """A Parquet file that is written row group by row group, as a context; it is whole once that has ended.

    The first rows decide how the columns are laid down, so the file begins with them.
    """

    def __init__(self, target: Path, schema: pa.Schema) -> None:
        self._target, self._schema = target, schema
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, group: pa.Table) -> None:
        """Rows of the schema: one row group, or several of `GROUP_ROWS`."""
        self._opened(group).write_table(group, row_group_size=GROUP_ROWS)

    def close(self) -> None:
        """Write the footer; without any rows, a file of no rows."""
        self._opened(self._schema.empty_table()).close()

    def _opened(self, first: pa.Table) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._target, self._schema, compression="lz4", **PAGES, **_layout(self._schema, first)
            )
        return self._writer


def write(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, target: Path, expected: int = 0, watch: Watch = UNWATCHED
) -> int:
    """Write every batch, in order, and return the number of rows.

    Args:
        batches: of `schema`; a single one is held in memory as a whole.
        schema: of the file.
        target: where to.
        expected: rows that there will be, as far as known; for `watch`.
        watch: is told how far it is.

    Raises:
        JobCancelled: `watch` said so; the file is not whole then.
    """
    rows = 0
    with Writer(target, schema) as writer:
        for group in groups(batches, schema):
            rows += group.num_rows
            writer.add(group)
            watch.at(rows / expected if expected else 0.0, f"Writing rows: {rows:,} so far")
    return rows


def groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The batches as row groups, bounded in rows and in bytes."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema)


def _layout(schema: pa.Schema, first: pa.Table) -> dict[str, Any]:
    """Which columns get a dictionary, and which texts and bytes lie end to end: those that hardly repeat."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    leaves = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    paths = [leaves.column(number).path for number in range(len(leaves))]
    plain = {path for path in _distinct(first) if paths.count(path) == 1}
    if not plain:
        return {}
    dictionary = [path for path in paths if path not in plain]
    # an empty list would stand for all columns
    return {"use_dictionary": dictionary or False, "column_encoding": dict.fromkeys(plain, END_TO_END)}


def _distinct(first: pa.Table) -> Iterator[str]:
    """Paths of columns whose texts or bytes hardly repeat, and of the bytes of media."""
    for field in first.schema:
        if _is_bytes(field.type):
            seen = first.column(field.name).slice(0, LOOKED_AT).drop_null()
            if 2 * int(pc.count_distinct(seen).as_py()) > len(seen):
                yield field.name
        elif pa.types.is_struct(field.type):
            yield from (f"{field.name}.{part.name}" for part in field.type if pa.types.is_binary(part.type))


def _is_bytes(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
