"""Text files → Parquet: one row per line, in the column "text". A blank line is a row with an empty text."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO

import pyarrow as pa

from studio.core.errors import InvalidInput
from studio.data import writing
from studio.data.watching import UNWATCHED, Watch

COLUMN = "text"
MAX_LINE = 16 << 20  # characters; what is longer is no text of lines
BATCH_ROWS = 20_000
BATCH_CHARACTERS = 32 << 20


def to_lines(source: Path, name: str, encoding: str, target: Path, watch: Watch = UNWATCHED) -> None:
    r"""Write every line of `source` to `target`; a line ends with \n, \r\n or \r, none of which is kept.

    Raises:
        InvalidInput: at "file": a line of more than 16 million characters.
        JobCancelled: `watch` said so.
    """
    schema = pa.schema([(COLUMN, pa.string())])
    size = max(1, source.stat().st_size)
    with source.open("rb") as raw, TextIOWrapper(raw, encoding) as file:

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in _batches(_lines(file, name)):
                yield pa.record_batch([pa.array(batch, pa.string())], schema=schema)
                watch.at(raw.tell() / size, "Reading lines")

        writing.write(batches(), schema, target)


def whole(text: str) -> str:
    """What of the beginning of a file is whole lines; "" when none is."""
    return text[: max(text.rfind("\n"), text.rfind("\r")) + 1]


def _lines(file: IO[str], name: str) -> Iterator[str]:
    number = 0
    while read := file.readline(MAX_LINE + 1):
        number += 1
        line = read.removesuffix("\n")
        if len(line) > MAX_LINE:
            expected = f"Line {number:,} has more than {MAX_LINE:,} characters. Write one example per line."
            raise InvalidInput("file", name, expected)
        yield line


def _batches(lines: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for line in lines:
        batch.append(line)
        characters += len(line)
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
