"""A stream of Arrow batches → one Parquet file, in row groups that are bounded in rows and in bytes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from studio.data.watching import UNWATCHED, Watch

GROUP_ROWS = 122_880  # as DuckDB makes them
# small pages: a row that is looked up by its number costs a few of them per column, and scans gain too
PAGES = {"data_page_size": 64 << 10, "dictionary_pagesize_limit": 64 << 10}
GROUP_BYTES = 32 << 20  # in memory; a page of pictures must not bring a gigabyte along


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
    with pq.ParquetWriter(target, schema, compression="zstd", **PAGES) as writer:
        for group in groups(batches, schema):
            rows += group.num_rows
            writer.write_table(group, row_group_size=GROUP_ROWS)
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
