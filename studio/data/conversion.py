"""Any file of rows → one Parquet file with checked names and plain types; whole or not at all.

Streams: a file of any size takes a bounded amount of memory, tells how far it is, and can be stopped.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.errors import InvalidInput
from studio.data import arrowfiles, content, delimited, jsonfiles, linewise, parquet, writing
from studio.data.columns import check_names, narrowest
from studio.data.content import Format
from studio.data.parquet import literal
from studio.data.watching import UNWATCHED, Watch

MAX_ROWS = 50_000_000  # a few kilobytes of Parquet can claim to hold billions
MEMORY = "300MB"  # with Python's own it stays below 500 MB
GROUP_ROWS = 16_384  # DuckDB writes one page per column and group: a row is found by its number in few of them
VECTOR = 2_048  # rows that DuckDB works on at once; a row group is some of these


@dataclass(frozen=True)
class _Effort:
    """How much memory DuckDB may take, and who waits."""

    memory: str
    watch: Watch


def to_parquet(source: Path, name: str, target: Path, max_bytes: int = 0, watch: Watch = UNWATCHED) -> None:
    """Read `source` as its name and its content say, and write it to `target`.

    Args:
        source: CSV, TSV, JSON, JSONL, Parquet, Arrow or text file.
        name: what the user calls it; untrusted, only its suffix is looked at.
        target: Parquet file to make; its folder exists.
        max_bytes: the largest size that is taken, 0 for any.
        watch: is told how far it is, and can stop it.

    Raises:
        InvalidInput: at "file", with what is wrong, where, and what would be right.
        JobCancelled: `watch` said so; nothing is left.
    """
    format_ = content.recognise(source, name, max_bytes)
    if format_ in {"zip", "sqlite"}:
        raise InvalidInput("file", name, "One file of rows is needed here, and it may hold several.")
    try:
        _convert(source, name, format_, target, _Effort(MEMORY, watch))
    except parquet.MemoryExceeded:  # thousands of columns, or very large cells
        _convert(source, name, format_, target, _Effort(parquet.MEMORY_LIMIT, watch))


def _convert(source: Path, name: str, format_: Format, target: Path, effort: _Effort) -> None:
    watch = effort.watch
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=target.parent) as folder:
        work = Path(folder)
        done, staging = work / "done.parquet", work / "staging.parquet"
        if format_ == "parquet":
            _rewrite(source, name, done, effort)
        elif format_ == "arrow":
            arrowfiles.to_columns(source, name, staging, MAX_ROWS, watch.part(0, 0.5))
            _rewrite(staging, name, done, _Effort(effort.memory, watch.part(0.5, 1)))
        else:
            _from_text(source, name, format_, done, effort)
        done.replace(target)


def _from_text(source: Path, name: str, format_: Format, done: Path, effort: _Effort) -> None:
    watch, memory = effort.watch, effort.memory
    watch.at(0, "Checking the text")
    encoding = content.encoding_of(source, name)
    staging, plain = done.with_name("staging.parquet"), done.with_name("plain.json")
    if format_ == "text":
        linewise.to_lines(source, name, encoding, done, watch)
    elif format_ in {"csv", "tsv"}:
        delimiter = "\t" if format_ == "tsv" else ""
        delimited.to_text_columns(source, name, encoding, delimiter, staging, watch.part(0, 0.5))
        with parquet.connect([staging, done], memory) as connection:
            function, files = parquet.scan([staging])
            names = [column.name for column in parquet.columns_of(connection, [staging])]
            outputs = narrowest(connection, function, files[0], names, watch.part(0.5, 0.7))
            _copy(connection, outputs, [staging], done, watch.part(0.7, 1))
    else:
        _transcode(source, encoding, plain)
        with parquet.connect([plain, staging, done], memory) as connection:
            lines = format_ == "jsonl"
            outputs = jsonfiles.to_columns(connection, plain, name, lines, staging, watch.part(0, 0.7))
            try:
                _copy(connection, outputs, [staging], done, watch.part(0.7, 1))
            except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
                raise InvalidInput("file", name, f"Its values do not fit together: {parquet.reason(error)}.") from None


def _transcode(source: Path, encoding: str, target: Path) -> None:
    """The same text in UTF-8 without mark, under a name that no SQL pattern can take for several files."""
    with source.open(encoding=encoding, newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        while text := read.read(content.CHUNK):
            write.write(text)


def _rewrite(source: Path, name: str, done: Path, effort: _Effort) -> None:
    """Read all of an untrusted Parquet file once, and write it anew; raises as `to_parquet`."""
    try:
        with pq.ParquetFile(source) as file:
            rows, names = file.metadata.num_rows, file.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        expected = f"It is damaged or was cut off: {parquet.reason(error)}. Upload it again."
        raise InvalidInput("file", name, expected) from None
    check_names(names, name)
    if rows > MAX_ROWS:
        raise InvalidInput("file", name, f"It has {rows:,} rows; at most {MAX_ROWS:,} can be taken.")
    _combine([source], name, done, effort)


def combine(sources: Sequence[Path], name: str, done: Path, watch: Watch = UNWATCHED) -> None:
    """Write the rows of several Parquet files, in order, as one; raises `InvalidInput` where they do not fit."""
    _combine(sources, name, done, _Effort(parquet.MEMORY_LIMIT, watch))


def _combine(sources: Sequence[Path], name: str, done: Path, effort: _Effort) -> None:
    with parquet.connect([*sources, done], effort.memory) as connection:
        try:
            _copy(connection, ["*"], sources, done, effort.watch)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise InvalidInput("file", name, f"It is damaged: {parquet.reason(error)}. Upload it again.") from None


def _copy(
    connection: duckdb.DuckDBPyConnection, outputs: list[str], sources: Sequence[Path], target: Path, watch: Watch
) -> None:
    function, files = parquet.scan(sources)
    query = f"COPY (SELECT {', '.join(outputs)} FROM {function}) TO {literal(str(target))}"  # noqa: S608
    form = f"(FORMAT parquet, COMPRESSION lz4_raw, PARQUET_VERSION v2, ROW_GROUP_SIZE {_group_rows(sources)})"
    parquet.run(connection, f"{query} {form}", [files], "Writing Parquet", watch)


def _group_rows(sources: Sequence[Path]) -> int:
    """Rows of a row group, so that one takes tens of megabytes: wide rows and pictures in small groups."""
    rows = size = 0
    for source in sources:
        metadata = pq.read_metadata(source)
        rows += metadata.num_rows
        # a short text or number takes 16 bytes in memory, however well it is compressed
        size += sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
        size += metadata.num_rows * metadata.num_columns * 16
    return max(VECTOR, min(GROUP_ROWS, writing.GROUP_BYTES * max(1, rows) // max(1, size)) // VECTOR * VECTOR)
