"""Any data file → one Parquet file with checked names and plain types; whole or not at all."""

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.errors import InvalidInput
from studio.data import content, delimited, jsonfiles, parquet
from studio.data.columns import check_names, narrowest
from studio.data.content import Format
from studio.data.parquet import literal

MAX_ROWS = 50_000_000  # a few kilobytes of Parquet can claim to hold billions


def to_parquet(source: Path, name: str, target: Path, max_bytes: int = 0) -> None:
    """Read `source` as its name and its content say, and write it to `target`.

    Args:
        source: CSV, TSV, JSON, JSONL or Parquet file.
        name: what the user calls it; untrusted, only its suffix is looked at.
        target: Parquet file to make; its folder exists.
        max_bytes: the largest size that is taken, 0 for any.

    Raises:
        InvalidInput: at "file", with what is wrong, where, and what would be right.
    """
    format_ = content.recognise(source, name, max_bytes)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=target.parent) as folder:
        work = Path(folder)
        done = work / "done.parquet"
        if format_ == "parquet":
            _rewrite(source, name, done)
        else:
            _from_text(source, name, format_, work, done)
        done.replace(target)


def _from_text(source: Path, name: str, format_: Format, work: Path, done: Path) -> None:
    encoding = content.encoding_of(source, name)
    staging = work / "staging.parquet"
    if format_ in {"csv", "tsv"}:
        delimited.to_text_columns(source, name, encoding, "\t" if format_ == "tsv" else "", staging)
        with parquet.connect([staging, done]) as connection:
            function, files = parquet.scan([staging])
            names = [column.name for column in parquet.columns_of(connection, [staging])]
            _copy(connection, narrowest(connection, function, files[0], names), staging, done)
        return
    plain = work / "plain.json"
    _transcode(source, encoding, plain)
    with parquet.connect([plain, staging, done]) as connection:
        outputs = jsonfiles.to_columns(connection, plain, name, format_ == "jsonl", staging)
        try:
            _copy(connection, outputs, staging, done)
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            raise InvalidInput("file", name, f"Its values do not fit together: {parquet.reason(error)}.") from None


def _transcode(source: Path, encoding: str, target: Path) -> None:
    """The same text in UTF-8 without mark, under a name that no SQL pattern can take for several files."""
    with source.open(encoding=encoding, newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        while text := read.read(content.CHUNK):
            write.write(text)


def _rewrite(source: Path, name: str, done: Path) -> None:
    """Read all of an untrusted Parquet file once, and write it anew."""
    try:
        with pq.ParquetFile(source) as file:
            rows, names = file.metadata.num_rows, file.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        expected = f"It is damaged or was cut off: {parquet.reason(error)}. Upload it again."
        raise InvalidInput("file", name, expected) from None
    check_names(names, name)
    if not rows:
        raise InvalidInput("file", name, "It has columns and no rows. Add one row per example.")
    if rows > MAX_ROWS:
        raise InvalidInput("file", name, f"It has {rows:,} rows; at most {MAX_ROWS:,} can be taken.")
    with parquet.connect([source, done]) as connection:
        try:
            _copy(connection, ["*"], source, done)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise InvalidInput("file", name, f"It is damaged: {parquet.reason(error)}. Upload it again.") from None


def _copy(connection: duckdb.DuckDBPyConnection, outputs: list[str], source: Path, target: Path) -> None:
    function, files = parquet.scan([source])
    query = f"COPY (SELECT {', '.join(outputs)} FROM {function}) TO {literal(str(target))}"  # noqa: S608
    connection.execute(f"{query} (FORMAT parquet, COMPRESSION zstd)", [files])
