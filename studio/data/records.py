"""The records of the data layer: a data set, its columns, and the fingerprint of its files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

ColumnKind = Literal["text", "number", "boolean", "other"]
SourceKind = Literal["kit", "upload", "artifact", "hub", "file"]
INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})
NUMBERS = INTEGERS | {f"U{integer}" for integer in INTEGERS} | {"FLOAT", "DOUBLE", "DECIMAL"}


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type as text, and what a form may do with it."""

    name: str
    type: str
    kind: ColumnKind


@dataclass(frozen=True)
class DatasetInfo:
    """What a page shows of a data set.

    Attributes:
        ref: how it is named everywhere: `kit:ID`, `upload:ID`, `artifact:ID`, `owner/name` or a local path.
        splits: split → rows; train, validation and test first.
        columns: the columns of all splits, in the order of the first that has them.
        license: as the source states it, "" when it states none.
        revision: the Hub's commit, "" elsewhere.
        bytes: size of the Parquet files.
    """

    ref: str
    title: str
    source: SourceKind
    splits: dict[str, int]
    columns: tuple[Column, ...]
    license: str = ""
    revision: str = ""
    description: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to be read: split → Parquet files."""

    info: DatasetInfo
    files: Mapping[str, tuple[Path, ...]]

    def fingerprint(self) -> str:
        """sha256 over the names of the splits and the contents of their files; the same on every machine."""
        digest = hashlib.sha256()
        for split in sorted(self.files):
            digest.update(f"{split}\0".encode())
            for path in self.files[split]:
                stat = path.stat()
                digest.update(_file_digest(path, stat.st_size, stat.st_mtime_ns))
        return digest.hexdigest()


@lru_cache(maxsize=1024)
def _file_digest(path: Path, size: int, modified: int) -> bytes:
    """sha256 of one file; size and time of change are the cache's key, so that a changed file is read again."""
    del size, modified
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def column_kind(duckdb_type: str) -> ColumnKind:
    """What a column of this DuckDB type holds, seen from a form."""
    base = duckdb_type.split("(")[0]
    if duckdb_type.endswith("]"):
        return "other"
    if base in {"VARCHAR", "ENUM"}:
        return "text"
    if base == "BOOLEAN":
        return "boolean"
    return "number" if base in NUMBERS else "other"
