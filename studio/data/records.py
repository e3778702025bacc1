"""The records of the data layer: a data set, its columns, and the fingerprint of its files."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

SCHEME = "studio"  # of files that are read where they lie
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
        config: which of the source's configurations (subsets) this is, "" where there are none.
        configs: all of them, the default one first.
        labels: column → the names of its classes, in the order of their numbers, where the source states them.
        languages: their codes, for example en, where the owner has stated them.
        partial: where this is the beginning of a data set only, a sentence that says of how much; "" for a whole one.
        cut: the splits then that have more rows than are here.
        share: how much of the source's bytes that is, between 0 and 1, where it is known.
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
    config: str = ""
    configs: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    partial: str = ""
    cut: tuple[str, ...] = ()
    share: float = 1.0

    def partial_of(self, split: str) -> str:
        """The same for one split; "" for one that is here as a whole."""
        return self.partial if split in self.cut else ""


@dataclass(frozen=True)
class RemoteFile:
    """A Parquet file that is read where it lies, part by part.

    Attributes:
        name: as its source calls it.
        size: in bytes.
        digest: sha256 of its contents in hexadecimal, as its source states it.
        read: the bytes from one offset to another; whoever holds it may read them.
    """

    name: str
    size: int
    digest: str
    read: Callable[[int, int], bytes] = field(compare=False, repr=False)

    @property
    def address(self) -> str:
        """What DuckDB calls it."""
        return f"{SCHEME}://{self.digest}.parquet"


DataFile = Path | RemoteFile


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to be read: split → Parquet files, here or elsewhere."""

    info: DatasetInfo
    files: Mapping[str, tuple[DataFile, ...]]

    def fingerprint(self) -> str:
        """sha256 over the names of the splits and the contents of their files; the same on every machine."""
        digest = hashlib.sha256()
        for split in sorted(self.files):
            digest.update(f"{split}\0".encode())
            for file in self.files[split]:
                if isinstance(file, RemoteFile):
                    digest.update(bytes.fromhex(file.digest))
                else:
                    stat = file.stat()
                    digest.update(_file_digest(file, stat.st_size, stat.st_mtime_ns))
        return digest.hexdigest()

    def basis(self, split: str, seen: int) -> "Basis":
        """What a figure rests on that looked at so many rows of a split."""
        return Basis(seen, self.info.splits[split], split in self.info.cut)


def state_of(file: DataFile) -> tuple[str, int, int]:
    """Address, size and time of change: what may be remembered about a file is remembered under these."""
    if isinstance(file, RemoteFile):
        return file.address, file.size, 0
    stat = file.stat()
    return str(file), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=1024)
def _file_digest(path: Path, size: int, modified: int) -> bytes:
    """sha256 of one file; size and time of change are the cache's key, so that a changed file is read again."""
    del size, modified
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@dataclass(frozen=True)
class Basis:
    """What a figure rests on: so many rows of all there are; of the whole where the two are equal.

    Attributes:
        beginning: whether all there are here is a beginning: how many rows follow, nobody has counted.
    """

    rows_seen: int
    rows_total: int
    beginning: bool = False

    @property
    def whole(self) -> bool:
        """Whether every row was looked at."""
        return self.rows_seen == self.rows_total and not self.beginning


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
