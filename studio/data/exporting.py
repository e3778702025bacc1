"""Rows on their way out: CSV, JSON Lines or Parquet as a stream of bytes, of which little is in memory at a time.

What is written is what is there. A cell that begins with "=" stays so: a spreadsheet that takes it for a formula is
told to read the column as text; changing the data silently is not our way to protect it.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.errors import InvalidInput, JobCancelled, UnknownName
from studio.data import features, filters, labels, numbering, parquet, reading, views, writing
from studio.data.parquet import quote
from studio.data.reading import Split
from studio.data.records import Column, Dataset
from studio.data.views import View

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
ZIP = "application/zip"
FRACTIONS = ("FLOAT", "DOUBLE")
EXACT = ("DECIMAL", "HUGEINT", "UHUGEINT")  # numbers that JSON can say and floats cannot hold
UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)

Attend = Callable[[Callable[[], None]], AbstractContextManager[None]]
Among = Callable[[Dataset, View], bytes]
Rows = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Export:
    """A file that is made while it is read: its name, its media type, its bytes part by part."""

    name: str
    media_type: str
    parts: Iterator[bytes]


class _Wanted(View):
    """A view of one split; where its condition in SQL was asked elsewhere, with a bit for each row, b"" for none."""

    rows: bytes | None = None


def export(
    dataset: Dataset,
    format: Format,
    split: str = "",
    view: View | None = None,
    attend: Attend = lambda _: nullcontext(),
    among: Among | None = None,
) -> Export:
    """One split as a file; all of them, when none is named and there are several, as a zip of one file each.

    Args:
        dataset: where from.
        format: csv, jsonl or parquet.
        split: which part.
        view: columns, conditions and order; its split, offset and limit do not count.
        attend: what holds for as long as somebody reads; it is given what stops the work.
        among: says for which rows a condition in SQL holds, which is not for this process to run.

    Raises:
        UnknownName: no such format, split or column.
        InvalidInputs: a condition does not fit its column.
        InvalidInput: at "where" or "sort"; at "format", where bytes cannot be written as text; at "dataset".
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    if split and split not in dataset.files:
        raise UnknownName("split", split, list(dataset.files))
    wanted, view = [split] if split else list(dataset.files), view or View()
    asked = [_Wanted(**{**dict(view), "split": one}) for one in wanted]
    for one in asked:
        _check(dataset, one, format)
    if view.where.strip():
        if among is None:
            raise InvalidInput("where", view.where, "SQL is not run here; use conditions.")
        asked = [one.model_copy(update={"rows": among(dataset, one)}) for one in asked]
    title = file_name(dataset.info.title)
    if len(wanted) == 1:
        name = f"{title}-{file_name(wanted[0])}.{format}" if len(dataset.files) > 1 else f"{title}.{format}"
        return Export(name, MEDIA_TYPES[format], _parts(dataset, asked[0], format, attend))
    return Export(f"{title}-{format}.zip", ZIP, _zipped(dataset, asked, format, attend))


def file_name(title: str) -> str:
    """What a file may be called on any system."""
    kept = UNSAFE.sub("-", title).strip("-.")[:80]
    for ending in (*FORMATS, "tsv", "json", "zip"):
        kept = kept.removesuffix(f".{ending}")
    return kept or "data"


@contextmanager
def arrow(dataset: Dataset, view: View) -> Iterator[tuple[pa.Schema, Rows]]:
    """The rows of a view as Arrow batches, and their schema with the features that `datasets` reads."""
    with _opened(dataset, view, "parquet") as (schema, rows):
        described = features.with_features(schema, features.of(dataset, view.split, schema))
        yield described, (batch.cast(described) for batch in rows)


@contextmanager
def _opened(
    dataset: Dataset, view: View, format: Format, attend: Attend = lambda _: nullcontext()
) -> Iterator[tuple[pa.Schema, Rows]]:
    with reading.opened(dataset, view.split) as source, attend(source.connection.interrupt):
        query, values = _query(source, dataset, view, format)
        try:
            found = source.connection.sql(query, params=[source.parameter, *values])
            reader = found.to_arrow_reader(reading.fitting(dataset))
            yield reader.schema, iter(reader)
        except duckdb.InterruptException:
            raise JobCancelled from None


def _check(dataset: Dataset, view: View, format: Format) -> None:
    with reading.opened(dataset, view.split) as source:
        query, values = _query(source, dataset, view, format)
        if format == "parquet":
            nothing = f"SELECT * FROM ({query}) LIMIT 0"  # noqa: S608
            schema = source.connection.sql(nothing, params=[source.parameter, *values]).to_arrow_table().schema
    if format == "parquet":
        features.of(dataset, view.split, schema)


def _query(source: Split, dataset: Dataset, view: View, format: Format) -> tuple[str, list[object]]:
    columns = [source.column(name) for name in dict.fromkeys(view.columns)] or list(source.columns)
    held = [column.name for column in columns if "BLOB" in column.type]
    if held and format != "parquet":
        expected = f"{', '.join(held)} holds pictures, sounds or other bytes. Choose parquet, or leave it out."
        raise InvalidInput("format", format, expected)
    outputs = ", ".join(_outputs(columns, format))
    clause = filters.compiled(source.columns, view.conditions, labels.names(dataset, view.split))
    conditions = [clause.sql] if clause.sql else []
    rows = numbering.numbered(source.connection, dataset.files[view.split], source.columns)
    values, kept = list(clause.values), view.rows if isinstance(view, _Wanted) else None
    if kept:
        conditions.append(f"get_bit(CAST(CAST(? AS BLOB) AS BIT), CAST({rows.number} AS INTEGER)) = 1")
        values.append(kept)
    elif kept is not None:
        conditions.append("false")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = views.order(source.columns, view, rows.number)
    # counting rows costs time where their numbers are not asked for
    table = rows.source if order or kept is not None else source.source
    return f"SELECT {outputs} FROM {table}{where}{order}", values  # noqa: S608


def _outputs(columns: Sequence[Column], format: Format) -> Iterator[str]:
    if format == "jsonl":
        yield f"{_object((one.name, quote(one.name), duckdb.sqltype(one.type)) for one in columns)} AS line"
        return
    for column in columns:
        name = quote(column.name)
        if format == "csv":
            cell = _text(column)
            # a line with nothing in it is no row to most readers
            alone = f"coalesce(CAST({cell} AS VARCHAR), '')"
            yield f"{alone if len(columns) == 1 else cell} AS {name}"
        else:
            yield f"CAST({name} AS VARCHAR) AS {name}" if column.type.startswith("ENUM") else name


def _text(column: Column) -> str:
    """A cell of CSV: numbers, texts and booleans as they are, nested values as JSON, anything else as text."""
    name = quote(column.name)
    if column.type.endswith("]") or column.type.startswith(("STRUCT", "MAP", "UNION")):
        return _json(name, duckdb.sqltype(column.type), count())
    return name if column.kind != "other" else f"CAST({name} AS VARCHAR)"


def _json(expression: str, type_: Any, numbers: Iterator[int]) -> str:
    """A value as the text of strict JSON, NULL for none: decimals to the last digit, NaN and infinities as text."""
    said = str(type_)
    whole = f"CAST(to_json({expression}) AS VARCHAR)"
    if said in FRACTIONS:
        return f"CASE WHEN isfinite({expression}) THEN {whole} ELSE '\"' || CAST({expression} AS VARCHAR) || '\"' END"
    if said.split("(")[0] in EXACT:
        return f"CAST({expression} AS VARCHAR)"
    if not any(kind in said for kind in (*FRACTIONS, *EXACT)):
        return whole
    if type_.id in ("list", "array"):
        item = f"x{next(numbers)}"
        cells = f"list_transform({expression}, lambda {item}: {_or_null(_json(item, type_.children[0][1], numbers))})"
        return f"'[' || array_to_string({cells}, ',') || ']'"
    if type_.id == "struct":
        inner = _object((name, f"{expression}.{quote(name)}", kind) for name, kind in type_.children)
        return f"CASE WHEN {expression} IS NOT NULL THEN {inner} END"
    return f"CAST(to_json(CAST({expression} AS VARCHAR)) AS VARCHAR)"


def _object(fields: Iterable[tuple[str, str, Any]]) -> str:
    """SQL of an object's text, from names, expressions and types; its parts are not read again, or digits would go."""
    numbers = count()
    pairs = [
        f"{parquet.literal(json.dumps(name, ensure_ascii=False) + ':')} || {_or_null(_json(said, type_, numbers))}"
        for name, said, type_ in fields
    ]
    listed = " || ',' || ".join(pairs)
    return f"'{{' || {listed} || '}}'"


def _or_null(text: str) -> str:
    return f"coalesce({text}, 'null')"


def _parts(dataset: Dataset, view: View, format: Format, attend: Attend) -> Iterator[bytes]:
    with _opened(dataset, view, format, attend) as (schema, rows):
        if format == "csv":
            yield from _csv(schema, rows)
        elif format == "jsonl":
            yield from _lines(rows)
        else:
            yield from _parquet(features.with_features(schema, features.of(dataset, view.split, schema)), rows)


def _csv(schema: pa.Schema, rows: Rows) -> Iterator[bytes]:
    import pyarrow.csv

    sink = _Sink()
    with pyarrow.csv.CSVWriter(sink, schema) as writer:
        for batch in rows:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _lines(rows: Rows) -> Iterator[bytes]:
    for batch in rows:
        yield "".join(f"{line}\n" for line in batch.column(0).to_pylist()).encode()


def _parquet(schema: pa.Schema, rows: Rows) -> Iterator[bytes]:
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd", **writing.PAGES) as writer:
        for group in writing.groups((batch.cast(schema) for batch in rows), schema):
            writer.write_table(group, row_group_size=writing.GROUP_ROWS)
            yield sink.taken()
    yield sink.taken()


def _zipped(dataset: Dataset, asked: Sequence[View], format: Format, attend: Attend) -> Iterator[bytes]:
    """One file for each split; Parquet is compressed already."""
    sink = _Sink()
    kind = zipfile.ZIP_STORED if format == "parquet" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(sink, "w", kind) as archive:
        for view in asked:
            with archive.open(f"{file_name(view.split)}.{format}", "w", force_zip64=True) as entry:
                for part in _parts(dataset, view, format, attend):
                    entry.write(part)
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """What is written into it can be taken out again; it never goes back."""

    def __init__(self) -> None:
        super().__init__()
        self._held, self._written = bytearray(), 0

    def writable(self) -> bool:
        """It takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Hold them."""
        self._held += data
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        """How many there were so far."""
        return self._written

    def taken(self) -> bytes:
        """What was written since it was last asked."""
        held, self._held = bytes(self._held), bytearray()
        return held
