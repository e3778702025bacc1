"""One row with its whole values, and one cell as the bytes that a browser shows: a picture, a sound, or text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from studio.core.errors import InvalidInput, NotFound
from studio.data import cells, media, numbering, reading, views
from studio.data.parquet import quote
from studio.data.reading import Split
from studio.data.records import DataFile, Dataset

LONGEST = 1_000_000  # characters of a value in a row
LARGEST = 64_000_000  # bytes of a cell
TEXT = "text/plain; charset=utf-8"
UNKNOWN = "application/octet-stream"
# what browsers show, by its first bytes; nothing that can hold a script
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
CONTAINERS = {(b"RIFF", b"WAVE"): "audio/wav", (b"RIFF", b"WEBP"): "image/webp"}
BRANDS = {b"M4A ": "audio/mp4", b"avif": "image/avif"}


@dataclass(frozen=True)
class Value:
    """One value of a row.

    Attributes:
        value: as JSON.
        length: its true length in characters where it is cut, 0 where it is whole.
        label: the name of the class that it stands for, "" where there is none.
    """

    column: str
    type: str
    value: Any
    length: int
    label: str


@dataclass(frozen=True)
class Row:
    """A row by its number, and how many there are."""

    number: int
    total: int
    values: list[Value]


@dataclass(frozen=True)
class Content:
    """A cell as a file: its bytes and what they are, found by looking at them."""

    data: bytes
    media_type: str


def row(dataset: Dataset, split: str, number: int, columns: Sequence[str] = ()) -> Row:
    """One row; raises `UnknownName` for split or column, and `InvalidInput` at "number"."""
    with reading.opened(dataset, split) as source:
        types = {column.name: column.type for column in source.columns}
    views.check_number([number], dataset.info.splits[split], "number")
    page = views.by_numbers(dataset, split, [number], columns, LONGEST)
    cut = {one.column: one.length for one in page.cut}
    values = [
        Value(name, types[name], value, cut.get(name, 0), _label(page.labels.get(name, ()), value))
        for name, value in zip(page.columns, page.rows[0], strict=True)
    ]
    return Row(number, page.total, values)


def cell(dataset: Dataset, split: str, number: int, column: str, inside: Sequence[str] = ()) -> Content:
    """A cell, or a part of it.

    Args:
        dataset: where from.
        split: which part.
        number: of the row.
        column: its name.
        inside: the way to a part of a nested value: places in lists (from 0) and names of fields.

    Raises:
        UnknownName: no such split or column.
        InvalidInput: at "number": no such row; "inside": no such part; "column": it is larger than can be sent.
        NotFound: there is no value.
    """
    with reading.opened(dataset, split) as source:
        views.check_number([number], dataset.info.splits[split], "number")
        found = source.column(column)
        expression, kind = _part(quote(found.name), duckdb.sqltype(found.type), inside)
        if str(kind) == media.COLUMN:
            expression = f"{expression}.bytes"
        size = f"octet_length({expression})" if _holds_bytes(kind) else f"strlen(CAST({expression} AS VARCHAR))"
        length, value = _read(source, dataset.files[split], number, (size, expression))
    if length is None:
        raise NotFound(f"The cell {column!r} of row {number:,} is empty.")
    if length > LARGEST:
        raise InvalidInput("column", column, f"This cell has {length:,} bytes; at most {LARGEST:,} are sent.")
    if isinstance(value, bytes):
        return Content(value, media_type(value))
    shown = cells.plain(value)
    return Content((shown if isinstance(shown, str) else cells.as_json(shown)).encode(errors="replace"), TEXT)


def media_type(data: bytes) -> str:
    """What bytes are: a picture or a sound that browsers show, text, or not known."""
    for start, kind in SIGNATURES:
        if data.startswith(start):
            return kind
    found = CONTAINERS.get((data[:4], data[8:12])) or (BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None)
    if found:
        return found
    if b"\0" in data:
        return UNKNOWN
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return UNKNOWN
    return TEXT


def _read(source: Split, files: Sequence[DataFile], number: int, asked: tuple[str, str]) -> tuple[int | None, Any]:
    """Size and value of a cell; no value where it is too large."""
    size, expression = asked
    for rows, wanted in numbering.by_file(source.connection, files, source.columns, [number]):
        query = f"SELECT {size}, CASE WHEN {size} <= ? THEN {expression} END FROM {rows.source} WHERE {rows.number} = ?"  # noqa: S608
        values = [LARGEST, rows.parameter, next(iter(wanted))]
        if found := source.connection.execute(query, values).fetchone():
            return found[0], found[1]
    return None, None


def _holds_bytes(kind: Any) -> bool:
    return str(kind) in ("BLOB", media.COLUMN)


def _part(expression: str, kind: Any, inside: Sequence[str]) -> tuple[str, Any]:
    """The SQL of a part of a nested value, and its type."""
    for step in inside:
        children = dict(kind.children) if kind.id in ("struct", "list", "array") else {}
        if kind.id in ("list", "array") and step.isascii() and step.isdigit() and len(step) < len("1000000000"):
            expression, kind = f"{expression}[{int(step) + 1}]", children["child"]
        elif kind.id == "struct" and step in children:
            expression, kind = f"{expression}.{quote(step)}", children[step]
        else:
            known = f"Known: {', '.join(children)}." if kind.id == "struct" else f"It is {kind}."
            raise InvalidInput("inside", step, f"There is no such part. {known}")
    return expression, kind


def _label(names: Sequence[str], value: Any) -> str:
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else ""
