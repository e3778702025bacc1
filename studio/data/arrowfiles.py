"""Arrow files and streams (IPC) → Parquet, batch by batch. Every batch is checked before a value of it is touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from studio.core.errors import InvalidInput
from studio.data import writing
from studio.data.columns import check_names
from studio.data.parquet import reason
from studio.data.watching import UNWATCHED, Watch

FILE_MARK = b"ARROW1"
STREAM_MARK = b"\xff\xff\xff\xff"
PORTION = 10_000  # rows


def to_columns(source: Path, name: str, target: Path, max_rows: int, watch: Watch = UNWATCHED) -> None:
    """Write all batches of an Arrow file or stream to `target`.

    Raises:
        InvalidInput: at "file": damaged, names that cannot be used, or a type that Parquet does not have.
        JobCancelled: `watch` said so.
    """
    try:
        with _opened(source) as (schema, batches):
            check_names(schema.names, name)
            plain = pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])
            checked = _checked(batches, plain, name, max_rows, watch)
            writing.write(checked, plain, target)
    except (pa.ArrowException, OSError, OverflowError, UnicodeDecodeError) as error:
        raise InvalidInput("file", name, f"It is damaged or cannot be read: {reason(error)}.") from None


def _checked(
    batches: Iterator[tuple[pa.RecordBatch, float]], plain: pa.Schema, name: str, max_rows: int, watch: Watch
) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch, share in batches:
        batch.validate(full=True)
        rows += batch.num_rows
        if rows > max_rows:
            raise InvalidInput("file", name, f"It has more than {max_rows:,} rows, the most that is taken.")
        for start in range(0, batch.num_rows, PORTION):
            yield batch.slice(start, PORTION).cast(plain)
        watch.at(share, f"Reading batches: {rows:,} rows so far")


@contextmanager
def _opened(source: Path) -> Iterator[tuple[pa.Schema, Iterator[tuple[pa.RecordBatch, float]]]]:
    """The schema, and the batches with the share of the file that is read with each."""
    with source.open("rb") as head:
        is_file = head.read(len(FILE_MARK)) == FILE_MARK
    with pa.memory_map(str(source)) as mapped:
        if is_file:
            reader = pa.ipc.open_file(mapped)
            number = reader.num_record_batches
            yield reader.schema, ((reader.get_batch(at), (at + 1) / number) for at in range(number))
        else:
            size = mapped.size()
            with pa.ipc.open_stream(mapped) as stream:
                yield stream.schema, ((batch, mapped.tell() / size) for batch in stream)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without Arrow's ways of storing it: dictionaries, views and extensions become what they hold."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_null(kind):
        return pa.string()
    return kind
