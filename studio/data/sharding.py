"""A split as the Hub keeps it: Parquet files of at most 500 MB, in row groups that can be read as a stream.

The same rows give the same bytes, so that what was sent before is not sent again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from studio.data import exporting, writing
from studio.data.records import Dataset
from studio.data.views import View
from studio.data.watching import UNWATCHED, Watch

MOST_BYTES = 500 * 10**6
# chunks that depend on the rows only: after an edit most of a file is as it was, and the Hub stores it once
OPTIONS = {"compression": "zstd", "write_page_index": True, "use_content_defined_chunking": True}


@dataclass(frozen=True)
class Shards:
    """The files of a split, its rows, and its bytes in memory."""

    files: tuple[Path, ...]
    rows: int
    bytes: int


def write(dataset: Dataset, split: str, folder: Path, watch: Watch = UNWATCHED, most_bytes: int = MOST_BYTES) -> Shards:
    """Write `folder`/SPLIT-00000-of-0000N.parquet and so on; a split without rows is one file.

    Raises:
        InvalidInput: at "dataset", a column of a type that the Hub's data sets do not know.
        JobCancelled: `watch` said so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    total, rows, size = dataset.info.splits[split], 0, 0
    shard = _Shard(folder, split)
    files: list[Path] = []
    with exporting.arrow(dataset, View(split=split)) as (schema, batches):
        for group in _groups(batches, schema):
            if shard.open and shard.bytes + writing.GROUP_BYTES > most_bytes:
                files.append(shard.close())
            shard.add(group)
            rows, size = rows + group.num_rows, size + group.nbytes
            watch.at(rows / total if total else 1.0, f"Writing {split}: {rows:,} of {total:,} rows")
        files.append(shard.close())
    named = [folder / f"{split}-{place:05d}-of-{len(files):05d}.parquet" for place in range(len(files))]
    for file, name in zip(files, named, strict=True):
        file.rename(name)
    return Shards(tuple(named), rows, size)


def _groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Row groups; an empty one where there are no rows."""
    none = True
    for group in writing.groups(batches, schema):
        none = False
        yield group
    if none:
        yield schema.empty_table()


class _Shard:
    """The file that is being written, and how large it is by now."""

    def __init__(self, folder: Path, split: str) -> None:
        self._folder, self._split, self._number = folder, split, 0
        self._writer: pq.ParquetWriter | None = None
        self._stream: pa.NativeFile | None = None

    @property
    def open(self) -> bool:
        """Whether one is begun."""
        return self._writer is not None

    @property
    def bytes(self) -> int:
        """On the disk so far."""
        return int(self._stream.tell()) if self._stream is not None else 0

    @property
    def _path(self) -> Path:
        return self._folder / f".{self._split}-{self._number:05d}.partial"

    def add(self, group: pa.Table) -> None:
        """One row group more."""
        if self._writer is None:
            self._stream = pa.OSFile(str(self._path), "wb")
            self._writer = pq.ParquetWriter(self._stream, group.schema, **OPTIONS)
        self._writer.write_table(group, row_group_size=max(1, group.num_rows))

    def close(self) -> Path:
        """Finish it; the next group begins another."""
        if self._writer is not None and self._stream is not None:
            self._writer.close()
            self._stream.close()
        self._writer = self._stream = None
        done = self._path
        self._number += 1
        return done
