"""What a pass has finished: whole Parquet files and how far they reach, so that a killed run goes on after the last."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from studio.data import writing
from studio.data.steps.base import Numbers
from studio.jobs.files import read_json, write_json

STATE = "state.json"
PART_SECONDS = 10.0
GROUP_BYTES = 8_000_000  # of a row group, in memory
GROUP_ROWS = 100_000


class Store:
    """The rows of one pass, in its folder. Rows are added in order; a part that is closed survives everything."""

    def __init__(self, folder: Path, part_seconds: float = PART_SECONDS) -> None:
        self.folder, self._seconds = folder, part_seconds
        folder.mkdir(parents=True, exist_ok=True)
        state = read_json(folder / STATE) or {}
        self.done = bool(state.get("done"))
        self.read = int(state.get("read", 0))
        self.positions = [int(one) for one in state.get("positions", ())]
        self._parts: list[tuple[str, int]] = [(str(name), int(rows)) for name, rows in state.get("parts", ())]
        if not all(_whole(folder / name, rows) for name, rows in self._parts):  # torn by a crash, or moved on
            self.restart()
        self._waiting: list[pa.Table] = []
        self._writer: writing.Writer | None = None
        self._schema: pa.Schema | None = None
        self._rows, self._opened = 0, 0.0
        self._reached: tuple[int, list[int]] = self.read, self.positions

    @property
    def files(self) -> tuple[Path, ...]:
        """The finished parts, in order."""
        return tuple(self.folder / name for name, _ in self._parts)

    @property
    def rows(self) -> int:
        """In the finished parts."""
        return sum(rows for _, rows in self._parts)

    def restart(self) -> None:
        """Forget the parts."""
        self.done, self._parts, self.read, self.positions = False, [], 0, []

    def open(self, schema: pa.Schema) -> None:
        """Say how the rows look that come; further calls change nothing."""
        self._schema = self._schema or schema

    def add(self, table: pa.Table, read: int, positions: Sequence[int]) -> None:
        """The next rows; with them `read` rows of the source are done."""
        self._waiting.append(table)
        self._reached = read, list(positions)
        if not self._opened:
            self._opened = time.monotonic()
        if sum(one.nbytes for one in self._waiting) > GROUP_BYTES or sum(map(len, self._waiting)) >= GROUP_ROWS:
            self._group()
        if time.monotonic() > self._opened + self._seconds:
            self._close()

    def finish(self, last: pa.Table | None) -> None:
        """No more rows but these."""
        if last is not None:
            self._waiting.append(last)
        if self._waiting or not self._parts:
            self._group()
            self._close()
        self.done = True
        self._save()

    def _group(self) -> None:
        """Write what waits as a row group."""
        schema = self._schema
        if schema is None:
            raise TypeError("open() comes first")
        if self._writer is None:
            self._writer = writing.Writer(self.folder / "part.partial", schema)
        waiting = [one.cast(schema) for one in self._waiting if len(one)]
        if waiting:
            table = pa.concat_tables(waiting).combine_chunks()
            self._writer.add(table)
            self._rows += len(table)
        self._waiting = []

    def _close(self) -> None:
        if self._waiting or self._writer is None:
            self._group()
        if self._writer is not None:
            self._writer.close()
        name = f"part-{len(self._parts):05d}.parquet"
        (self.folder / "part.partial").replace(self.folder / name)
        self._parts.append((name, self._rows))
        self.read, self.positions = self._reached
        self._writer, self._rows, self._opened = None, 0, 0.0
        self._save()

    def _save(self) -> None:
        state: dict[str, Any] = {"done": self.done, "read": self.read, "positions": self.positions}
        write_json(self.folder / STATE, state | {"parts": self._parts})


@dataclass
class Buckets:
    """Rows on their way to new places: files of neighbours, each small enough to be sorted in memory.

    Attributes:
        order: the number of the row that shall stand at each place.
        size: rows of a file.
    """

    folder: Path
    order: Numbers
    size: int

    def __post_init__(self) -> None:
        self._places = np.full(int(self.order.max()) + 1 if len(self.order) else 0, -1, dtype=np.int64)
        self._places[self.order] = np.arange(len(self.order))
        self._writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
        self._seen = 0
        self._temporary = self.folder / "buckets"
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)

    def add(self, table: pa.Table) -> None:
        """The next rows, in the order of the files."""
        places = self._places[self._seen : self._seen + len(table)]
        places = np.pad(places, (0, len(table) - len(places)), constant_values=-1)
        self._seen += len(table)
        buckets = np.where(places < 0, -1, places // self.size)
        for bucket in np.unique(buckets[buckets >= 0]):
            rows = np.flatnonzero(buckets == bucket)
            part = table.take(pa.array(rows)).append_column("place", pa.array(places[rows]))
            writer = self._writers.get(int(bucket))
            if writer is None:
                file = self._temporary / f"{int(bucket):05d}.arrow"
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                writer = self._writers[int(bucket)] = pa.ipc.new_file(file, part.schema, options=options)
            writer.write_table(part)

    def sorted(self) -> Iterator[pa.Table]:
        """All rows in their new order, one file at a time; the files are gone afterwards."""
        for bucket in sorted(self._writers):
            self._writers[bucket].close()
            file = self._temporary / f"{bucket:05d}.arrow"
            with pa.ipc.open_file(file) as reader:
                table = reader.read_all()
            last = table.num_columns - 1
            order = np.argsort(table.column(last).to_numpy(), kind="stable")
            yield table.remove_column(last).take(pa.array(order))
            file.unlink()
        shutil.rmtree(self._temporary, ignore_errors=True)


def _whole(file: Path, rows: int) -> bool:
    try:
        return int(pq.read_metadata(file).num_rows) == rows
    except (pa.ArrowException, OSError):
        return False


def joined(files: Sequence[Path], target: Path, schema: pa.Schema) -> None:
    """The files as one of this schema, group by group."""
    with writing.Writer(target, schema) as writer:
        for file in files:
            with pq.ParquetFile(file, pre_buffer=False) as opened:
                for group in range(opened.num_row_groups):
                    writer.add(opened.read_row_group(group, use_threads=False).replace_schema_metadata(schema.metadata))
