"""CSV and TSV → Parquet of text columns. Strict: a row that does not fit is named, never dropped or padded.

Python's csv module reads, not DuckDB's: DuckDB 2.0 drops the rows behind a quote that is never closed, without a word.
An empty field is a null, quoted or not: CSV cannot tell the two apart.
"""

import csv
from collections.abc import Iterator
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.errors import InvalidInput
from studio.data.columns import check_names
from studio.data.watching import UNWATCHED, Watch

MAX_FIELD = 16 << 20  # characters; a longer one is a quote that was never closed
BATCH_ROWS = 20_000
BATCH_CHARACTERS = 32 << 20
BATCH_FIELDS = 1_000_000
SNIFFED_BYTES = 256 << 10
SNIFFED_RECORDS = 20

csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))


def to_text_columns(
    source: Path, name: str, encoding: str, delimiter: str, target: Path, watch: Watch = UNWATCHED
) -> None:
    """Write every row of `source` to `target`, all columns as text.

    Args:
        source: the file, in `encoding`.
        name: what messages call it.
        encoding: as Python names it.
        delimiter: between fields; "" to find out (comma, semicolon, tab, bar).
        target: Parquet file to write; left unfinished when an error is raised.
        watch: is told how far it is.

    Raises:
        InvalidInput: at "file": header missing, empty or ambiguous; a ragged row; a broken quote.
        JobCancelled: `watch` said so.
    """
    with source.open("rb") as raw, TextIOWrapper(raw, encoding, newline="") as file:
        delimiter = delimiter or _sniff(file)
        records = _records(file, delimiter, name)
        header = next(records, (0, []))[1]
        check_names(header, name, "Its first line must name the columns")
        schema = pa.schema([(column, pa.string()) for column in header])
        rows, size = 0, max(1, source.stat().st_size)
        with pq.ParquetWriter(target, schema, compression="lz4") as writer:
            for batch in _batches(records, len(header), name):
                rows += len(batch)
                columns = ([value or None for value in column] for column in zip(*batch, strict=True))
                arrays = [pa.array(column, pa.string()) for column in columns]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                watch.at(raw.tell() / size, f"Reading rows: {rows:,} so far")


def whole(text: str, delimiter: str) -> str:
    """What of the beginning of a file is whole records, the header and a row at least; "" when there is no such row.

    Text with a broken quote comes back as it is: reading it says where the mistake is.
    """
    lines = StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter or _sniff(lines), strict=True)
    end = records = 0
    try:
        for record in reader:
            if text[lines.tell() - 1] not in "\r\n":
                break
            end = lines.tell()
            records += bool(record)
    except csv.Error:
        if lines.tell() < len(text):
            return text
    return text[:end] if records > 1 else ""


def _sniff(file: IO[str]) -> str:
    """The delimiter that splits the first records into most columns, all into the same number if one does."""
    head = file.read(SNIFFED_BYTES)
    file.seek(0)
    best, best_score = ",", (False, 1)
    for delimiter in ",;\t|":
        counts = _field_counts(head, delimiter)
        score = (len(set(counts)) == 1, counts[0] if counts else 0)
        if score[1] > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _field_counts(head: str, delimiter: str) -> list[int]:
    try:
        found = islice(csv.reader(head.splitlines(keepends=True), delimiter=delimiter), SNIFFED_RECORDS)
        counts = [len(record) for record in found if record]
    except csv.Error:
        return []
    cut = len(head) >= SNIFFED_BYTES and len(counts) < SNIFFED_RECORDS
    return counts[:-1] if cut else counts  # the last record of a cut head is not whole


def _records(file: IO[str], delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not blank, with the number of the line it starts on."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidInput("file", name, _broken(line, reader.line_num, delimiter, str(error))) from None
        if record:
            yield line, record


def _broken(start: int, end: int, delimiter: str, reason: str) -> str:
    if "unexpected end of data" in reason or "field larger" in reason:
        return f'Line {start:,}: a quoted field starts in this record and is not closed. Write quotes in a field as "".'
    where = f"Line {start:,}" if end <= start else f"Lines {start:,} to {end:,}"
    shown = "a tab" if delimiter == "\t" else f"{delimiter!r}"
    return f'{where}: behind a closing quote {shown} or a new line must follow. Write quotes in a field as "".'


def _batches(records: Iterator[tuple[int, list[str]]], width: int, name: str) -> Iterator[list[list[str]]]:
    """Rows in portions that fit into memory; the first that is not `width` fields wide is an error."""
    batch: list[list[str]] = []
    characters, most = 0, min(BATCH_ROWS, max(1, BATCH_FIELDS // width))
    for line, record in records:
        if len(record) != width:
            expected = f"Line {line:,} has {len(record):,} fields, the header has {width:,}."
            raise InvalidInput("file", name, f"{expected} Put fields that hold the delimiter into quotes.")
        batch.append(record)
        characters += sum(map(len, record))
        if len(batch) >= most or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
