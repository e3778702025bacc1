"""The parts of a result: whole Parquet files in the job's folder, so that a killed run goes on after the last one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from studio.data import writing
from studio.jobs.files import read_json, write_json

PLAN = "plan.json"


class Parts:
    """What is finished of a run that follows `plan`; parts of another plan are thrown away.

    Args:
        folder: of the job; the same for every attempt.
        plan: what must be the same for parts to fit together: parameters, data, model.
    """

    def __init__(self, folder: Path, plan: dict[str, str]) -> None:
        self._folder = folder
        if folder.is_dir() and read_json(folder / PLAN) != plan:
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / PLAN, plan)
        self._files, self.rows = self._whole()

    def add(self, table: pa.Table) -> None:
        """Keep the next rows: on disk as a whole, or not at all."""
        target = self._folder / f"part-{self.rows:09d}.parquet"
        partial = target.with_suffix(".partial")
        pq.write_table(table, partial, compression="lz4")
        partial.replace(target)
        self._files.append(target)
        self.rows += len(table)

    def write(self, target: Path, schema: pa.Schema) -> None:
        """All parts as one Parquet file, in order."""
        with writing.Writer(target, schema) as writer:
            for table in self._tables():
                writer.add(table.cast(schema))

    def write_csv(self, target: Path, schema: pa.Schema) -> None:
        """All parts as CSV; what is no text, number or truth value is left out."""
        plain = [field.name for field in schema if not pa.types.is_nested(field.type)]
        small = pa.schema([schema.field(name) for name in plain])
        with csv.CSVWriter(target, small) as writer:
            for table in self._tables():
                writer.write_table(table.select(plain).cast(small))

    def failed(self, column: str) -> int:
        """Rows that have something in this column."""
        return sum(len(table) - table.column(column).null_count for table in self._tables())

    def _tables(self) -> Iterator[pa.Table]:
        return (pq.read_table(file) for file in self._files)

    def _whole(self) -> tuple[list[Path], int]:
        """Parts from the first row on without a gap; what a crash of the machine has torn is removed."""
        files: list[Path] = []
        rows = 0
        for file in sorted(self._folder.glob("part-*.parquet")):
            count = _rows(file)
            if count and file.stem == f"part-{rows:09d}":
                files.append(file)
                rows += count
            else:
                file.unlink()
        return files, rows


def _rows(file: Path) -> int:
    try:
        return int(pq.ParquetFile(file).metadata.num_rows)
    except (pa.ArrowException, OSError):
        return 0
