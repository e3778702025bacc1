"""What a data file really holds, whatever it is called: size, type by content, text encoding. Reads, never writes."""

import codecs
import re
from pathlib import Path
from typing import Literal

from studio.core.errors import InvalidInput

Format = Literal["csv", "tsv", "json", "jsonl", "parquet", "arrow", "text", "zip", "sqlite"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".txt": "text",
    ".zip": "zip",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
# one row per file; the column that such a file becomes, and the suffixes
MEDIA: dict[str, tuple[str, ...]] = {
    "image": (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"),
    "audio": (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aiff", ".aif"),
}
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # goes with a folder of such files
ALLOWED = (
    "Use CSV, TSV, JSON (an array of objects), JSONL, Parquet, Arrow, text (a row per line), an SQLite database, or a "
    "ZIP archive of such files, of pictures or of sounds."
)
MEGABYTE = 1_000_000
CHUNK = 1 << 20

# First bytes of what people take for a data file.
SIGNATURES = (
    (b"PAR1", "a Parquet file"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a sound, video or image file"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel file (in Excel: save as CSV UTF-8)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file (in Excel: save as CSV UTF-8)"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"\x7fELF", "a program"),
)

# Formats that start with certain bytes, and what they are called; the others are text.
MARKED: dict[Format, tuple[tuple[bytes, ...], str]] = {
    "parquet": ((b"PAR1",), "a Parquet file"),
    "arrow": ((b"ARROW1", b"\xff\xff\xff\xff"), "an Arrow file"),
    "zip": ((b"PK\x03\x04", b"PK\x05\x06"), "a ZIP archive"),
    "sqlite": ((b"SQLite format 3\0",), "an SQLite database"),
}


def recognise(path: Path, name: str, max_bytes: int = 0) -> Format:
    """The format of the file, checked by its size, its name and its first bytes, in this order.

    Args:
        path: where it lies.
        name: what the user calls it; its suffix counts.
        max_bytes: the largest size that is taken, 0 for any.

    Raises:
        InvalidInput: at "file": too large, empty, an unknown suffix, or contents of another type.
    """
    size = path.stat().st_size
    if max_bytes and size > max_bytes:
        sizes = f"{size / MEGABYTE:,.1f} MB; at most {max_bytes / MEGABYTE:,.0f} MB"
        raise InvalidInput("file", name, f"It has {sizes} can be taken. Upload a part of it.")
    if size == 0:
        raise InvalidInput("file", name, f"It is empty (0 bytes). {ALLOWED}")
    format_, suffix = format_of(name), Path(name).suffix.lower()
    with path.open("rb") as file:
        head = file.read(64)
    found = _looks_like(head, suffix)
    marks, right = MARKED.get(format_, ((), ""))
    if right and not head.startswith(marks):
        raise InvalidInput("file", name, f"It is called {suffix} and is {found or f'not {right}'}. {ALLOWED}")
    if found and not right:
        raise InvalidInput("file", name, f"It is called {suffix} and is {found}. {ALLOWED}")
    return format_


def format_of(name: str) -> Format:
    """The format by the ending of a name alone; raises `InvalidInput` at "file" where there is no such format."""
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        ending = f"Its name ends in {suffix!r}" if suffix else "Its name has no ending"
        raise InvalidInput("file", name, f"{ending}. {ALLOWED}")
    return FORMATS[suffix]


def _looks_like(head: bytes, suffix: str) -> str:
    """What the first bytes give away; "" for text that may be what its suffix says."""
    found = next((what for signature, what in SIGNATURES if head.startswith(signature)), "")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if not found and start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page or XML (was a page saved instead of the file?)"
    if not found and FORMATS[suffix] in {"csv", "tsv"} and re.match(rb'\[\s*\{|\{\s*"', start):
        return "JSON; call it .json, or .jsonl for one object per line"
    return found


def marked_encoding(head: bytes) -> str:
    """The text encoding that the first bytes stand for: "utf-16" by its mark, else "utf-8-sig" with or without one."""
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def encoding_of(path: Path, name: str) -> str:
    """The text encoding, after the whole file has been tried: "utf-8-sig" (with or without mark) or "utf-16".

    Raises:
        InvalidInput: at "file": bytes that are not text in it, or NUL; names line and byte offset.
    """
    with path.open("rb") as file:
        encoding = marked_encoding(file.read(2))
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        lines, offset = 1, 0
        while True:
            chunk = file.read(CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _not_text(name, encoding, lines, offset - pending, error) from None
            if "\0" in text:
                lines += text[: text.index("\0")].count("\n")
                expected = f"Line {lines:,} holds a NUL character: it is no text, or UTF-16 without its mark."
                raise InvalidInput("file", name, f"{expected} Save it as UTF-8.")
            if not chunk:
                return encoding
            lines += text.count("\n")
            offset += len(chunk)


def _not_text(name: str, encoding: str, line: int, start: int, error: UnicodeDecodeError) -> InvalidInput:
    whole = bytes(error.object)
    before = whole[: error.start].decode(encoding, errors="ignore")
    shown = " ".join(f"{byte:02x}" for byte in whole[error.start : error.start + 1])
    where = f"Line {line + before.count(chr(10)):,}, byte offset {start + error.start:,}"
    called = "UTF-16" if encoding == "utf-16" else "UTF-8"
    return InvalidInput("file", name, f"{where}: the byte {shown} is not {called}. Save the file as UTF-8.")
