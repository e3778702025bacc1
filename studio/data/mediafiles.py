"""Folders of pictures or sounds → Parquet, a row per file, as `datasets`' ImageFolder and AudioFolder read them.

With metadata.csv, .jsonl or .parquet there is a row per row of it, and its column `file_name` becomes the file. Without
one the folder that a file lies in is its label, where there are several and all are equally deep.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.errors import InvalidInput, shorten
from studio.data import conversion, writing
from studio.data.content import MEDIA, METADATA
from studio.data.watching import UNWATCHED, Watch

Kind = Literal["image", "audio"]
FILE_NAME = "file_name"
CELL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
MAX_FILE = 500_000_000  # bytes of one picture or sound
BATCH_BYTES = 16 << 20
BATCH_ROWS = 1_000
SHOWN = 5  # names of broken files that are told

# First bytes of each kind; at most 12 are looked at.
IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
SOUNDS = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa", b"\xff\xe3")
CALLED = {"image": "pictures", "audio": "sounds"}


@dataclass(frozen=True)
class Media:
    """What a folder gave: its splits, and the files that were left out because they are no pictures or sounds."""

    splits: tuple[str, ...]
    broken: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """The broken files as a sentence; "" when there are none."""
        if not self.broken:
            return ""
        shown = ", ".join(shorten(name) for name in self.broken[:SHOWN])
        more = f" and {len(self.broken) - SHOWN:,} more" if len(self.broken) > SHOWN else ""
        return f"Left out, because damaged or of another type: {shown}{more}."


def is_metadata(file: str) -> bool:
    """Whether this is the table that goes with a folder of pictures or sounds."""
    return PurePosixPath(file).name in METADATA


def kind_of(file: str) -> Kind | None:
    """What a file is by its name."""
    suffix = PurePosixPath(file).suffix.lower()
    return "image" if suffix in MEDIA["image"] else "audio" if suffix in MEDIA["audio"] else None


def to_parquet(
    folder: Path, found: Mapping[str, Sequence[str]], name: str, target: Path, watch: Watch = UNWATCHED
) -> Media:
    """Write `target`/SPLIT.parquet for each split.

    Args:
        folder: where the files lie; nothing outside of it is read.
        found: split → files below `folder`, pictures or sounds of one kind, and their metadata.
        name: what messages call it.
        target: an existing folder.
        watch: is told how far it is.

    Raises:
        InvalidInput: at "file": metadata that do not fit, or not one usable file.
        JobCancelled: `watch` said so.
    """
    broken: list[str] = []
    for place, (split, files) in enumerate(found.items()):
        part = watch.part(place / len(found), (place + 1) / len(found))
        tables = [file for file in files if is_metadata(file)]
        media = [file for file in files if not is_metadata(file)]
        kind: Kind | None = next((found for found in map(kind_of, media) if found), None)
        if kind is None:
            raise InvalidInput("file", name, f"Its split {split!r} has metadata and neither pictures nor sounds.")
        done = target / f"{split}.parquet"
        reader = _Reader(folder.resolve(), kind, name, broken)
        if not (_by_metadata(reader, tables, done, part) if tables else _by_folder(reader, media, done, part)):
            raise InvalidInput("file", name, f"Not one of its files is usable. {Media((), tuple(broken)).remark}")
    return Media(tuple(found), tuple(broken))


@dataclass(frozen=True)
class _Reader:
    """Reads single files of one kind, and notes those that are broken."""

    folder: Path
    kind: Kind
    name: str
    broken: list[str]

    def cell(self, file: str) -> dict[str, object] | None:
        """The bytes and the file's name; None for what is no picture or sound."""
        path = self.folder / file
        with path.open("rb") as opened:
            head = opened.read(12)
            if not fits(head, self.kind) or path.stat().st_size > MAX_FILE:
                self.broken.append(file)
                return None
            return {"bytes": head + opened.read(), "path": path.name}

    def beside(self, table: str, wanted: object) -> str | None:
        """The file that a row of metadata names, relative to the metadata."""
        if wanted is None:
            return None
        parent = PurePosixPath(table).parent
        named = PurePosixPath(str(wanted).replace("\\", "/"))
        inside = not named.is_absolute() and ".." not in named.parts and "://" not in str(wanted)
        path = self.folder / parent / named
        if not inside or not path.resolve().is_relative_to(self.folder) or not path.is_file():
            expected = f"{table} names {shorten(str(wanted))}, and there is no such file beside it."
            raise InvalidInput("file", self.name, expected)
        return (parent / named).as_posix()


def fits(head: bytes, kind: Kind) -> bool:
    """Whether a file that begins so is a picture, or a sound."""
    riff = head[8:12] if head[:4] in (b"RIFF", b"FORM") else b""
    if kind == "image":
        return head.startswith(IMAGES) or riff == b"WEBP"
    return head.startswith(SOUNDS) or riff in (b"WAVE", b"AIFF", b"AIFC") or head[4:8] == b"ftyp"


def _by_folder(reader: _Reader, media: Sequence[str], done: Path, watch: Watch) -> int:
    labels = {PurePosixPath(file).parent.name for file in media}
    depths = {file.count("/") for file in media}
    labelled = len(labels) > 1 and len(depths) == 1
    fields = [(reader.kind, CELL), *([("label", pa.string())] if labelled else [])]
    schema = pa.schema(fields)

    def records() -> Iterator[dict[str, object]]:
        for place, file in enumerate(media):
            watch.at(place / len(media), f"Reading {CALLED[reader.kind]}")
            if (cell := reader.cell(file)) is not None:
                yield {reader.kind: cell} | ({"label": PurePosixPath(file).parent.name} if labelled else {})

    return writing.write(_batches(records(), schema), schema, done)


def _by_metadata(reader: _Reader, tables: Sequence[str], done: Path, watch: Watch) -> int:
    """A row per row of the metadata; a row whose file is broken is left out."""
    with tempfile.TemporaryDirectory(prefix=".metadata-", dir=done.parent) as work:
        staged = []
        for number, table in enumerate(tables):
            staged.append(Path(work) / f"{number}.parquet")
            conversion.to_parquet(reader.folder / table, PurePosixPath(table).name, staged[-1], 0, watch.part(0, 0.1))
        schema, files = _schema(reader, staged, tables)

        def records() -> Iterator[dict[str, object]]:
            total = max(1, sum(pq.read_metadata(path).num_rows for path in staged))
            row = 0
            for path, table in zip(staged, tables, strict=True):
                with pq.ParquetFile(path) as opened:
                    for batch in opened.iter_batches(BATCH_ROWS):
                        for record in batch.to_pylist():
                            watch.at(0.1 + 0.9 * row / total, f"Reading {CALLED[reader.kind]}")
                            row += 1
                            if _fill(reader, record, table, files):
                                yield record

        return writing.write(_batches(records(), schema), schema, done)


def _schema(reader: _Reader, staged: Sequence[Path], tables: Sequence[str]) -> tuple[pa.Schema, dict[str, str]]:
    """The columns of the result, and which columns of the metadata name files: name there → name here."""
    schemas = [pq.read_schema(path).remove_metadata() for path in staged]
    for schema, table in zip(schemas, tables, strict=True):
        if schema != schemas[0]:
            expected = f"{tables[0]} and {table} have different columns. Give all metadata files the same ones."
            raise InvalidInput("file", reader.name, expected)
    files = {
        field.name: field.name.removesuffix(FILE_NAME).removesuffix("_") or reader.kind
        for field in schemas[0]
        if (field.name == FILE_NAME or field.name.endswith(f"_{FILE_NAME}")) and pa.types.is_string(field.type)
    }
    if not files:
        expected = f"{tables[0]} has no column {FILE_NAME!r}, which says which file a row is about."
        raise InvalidInput("file", reader.name, expected)
    names = [files.get(field.name, field.name) for field in schemas[0]]
    if doubled := next((one for one in names if names.count(one) > 1), ""):
        raise InvalidInput(
            "file", reader.name, f"{tables[0]} has a column {doubled!r}, which is what the files become."
        )
    fields = [
        pa.field(files[field.name], CELL) if field.name in files else pa.field(field.name, field.type)
        for field in schemas[0]
    ]
    first = sorted(fields, key=lambda field: field.type != CELL)
    return pa.schema(first), files


def _fill(reader: _Reader, record: dict[str, object], table: str, files: Mapping[str, str]) -> bool:
    """Replace the names of files by their contents; False where one is broken."""
    whole = True
    for column, shown in files.items():
        file = reader.beside(table, record.pop(column))
        cell = reader.cell(file) if file is not None else None
        whole = whole and (file is None or cell is not None)
        record[shown] = cell
    return whole


def _batches(records: Iterator[dict[str, object]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    held: list[dict[str, object]] = []
    size = 0
    for record in records:
        held.append(record)
        size += sum(len(value["bytes"]) for value in record.values() if isinstance(value, dict) and "bytes" in value)
        if size >= BATCH_BYTES or len(held) >= BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(held, schema)
            held, size = [], 0
    if held:
        yield pa.RecordBatch.from_pylist(held, schema)
