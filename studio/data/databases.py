"""SQLite files → Parquet, a split per table. The file is opened read-only, and nothing that it defines is run.

Views, virtual tables and triggers are code of whoever made the file; tables are read, and nothing else.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote as quote_path

import pyarrow as pa

from studio.core.errors import InvalidInput, JobCancelled, shorten
from studio.data import writing
from studio.data.columns import check_names
from studio.data.parquet import quote
from studio.data.watching import UNWATCHED, Watch

MAX_TABLES = 200
MAX_VALUE = 100_000_000  # bytes of one value
MAX_ROWS = 50_000_000
BATCH_BYTES = 16 << 20
BATCH_ROWS = 10_000
EXACT = 2**53  # integers beyond it are not exact as floating point numbers
STEPS = 100_000  # of SQLite's machine, between two looks at whether to stop


@dataclass(frozen=True)
class _Table:
    """One table: its name in the database, the split that it becomes, its columns as they will be."""

    name: str
    split: str
    schema: pa.Schema
    rows: int


def to_parquet(source: Path, name: str, target: Path, watch: Watch = UNWATCHED) -> tuple[str, ...]:
    """Write `target`/SPLIT.parquet for each table that has rows, for all where none has, and return the splits.

    Raises:
        InvalidInput: at "file": no SQLite database, damaged, encrypted, no tables, names or text that cannot be used.
        JobCancelled: `watch` said so.
    """
    try:
        with closing(_opened(source, watch)) as connection:
            tables = _tables(connection, name)
            total = max(1, sum(table.rows for table in tables))
            before = 0
            for table in tables:
                part = watch.part(before / total, (before + table.rows) / total)
                path = target / f"{table.split}.parquet"
                writing.write(_batches(connection, table), table.schema, path, table.rows, part)
                before += table.rows
    except sqlite3.Error as error:
        if watch.stop():
            raise JobCancelled from None
        expected = f"It is no SQLite database, encrypted or damaged: {shorten(str(error))}."
        raise InvalidInput("file", name, expected) from None
    except UnicodeDecodeError:
        raise InvalidInput("file", name, "One of its texts is not UTF-8. Save it again in UTF-8.") from None
    return tuple(table.split for table in tables)


def _opened(source: Path, watch: Watch) -> sqlite3.Connection:
    # "immutable" reads without locks or journals; a database in use has a journal that must be read as well
    in_use = source.with_name(f"{source.name}-wal").exists()
    address = f"file:{quote_path(str(source.absolute()))}?mode=ro{'' if in_use else '&immutable=1'}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_progress_handler(watch.stop, STEPS)
    return connection


def _tables(connection: sqlite3.Connection, name: str) -> list[_Table]:
    listed = connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite!_%' "
        "ESCAPE '!' ORDER BY name"
    ).fetchall()
    if len(listed) > MAX_TABLES:
        raise InvalidInput("file", name, f"It has {len(listed):,} tables; at most {MAX_TABLES} are taken.")
    splits = _splits([table for (table,) in listed])
    tables = [_described(connection, table, splits[table], name) for (table,) in listed]
    if not tables:
        raise InvalidInput("file", name, "It has no tables.")
    return [table for table in tables if table.rows] or tables


def _splits(tables: list[str]) -> dict[str, str]:
    """Table → split: a name that can stand in an address and be a file's, once each."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for table in tables:
        plain = re.sub(r"\W+", "_", table, flags=re.ASCII).strip("_")[:80] or "table"
        number, split = 1, plain
        while split.casefold() in taken:
            number += 1
            split = f"{plain}_{number}"
        taken.add(split.casefold())
        found[table] = split
    return found


def _described(connection: sqlite3.Connection, table: str, split: str, name: str) -> _Table:
    described = connection.execute(f"SELECT * FROM {quote(table)} LIMIT 0").description or ()  # noqa: S608
    columns = [entry[0] for entry in described]
    check_names(columns, name, f"Columns of the table {shorten(table)} must have names")
    rows = connection.execute(f"SELECT count(*) FROM {quote(table)}").fetchone()[0]  # noqa: S608
    if rows > MAX_ROWS:
        raise InvalidInput("file", name, f"Its table {shorten(table)} has more than {MAX_ROWS:,} rows.")
    fields = [(column, _type(connection, table, column)) for column in columns]
    return _Table(table, split, pa.schema(fields), rows)


def _type(connection: sqlite3.Connection, table: str, column: str) -> pa.DataType:
    """SQLite gives each value a type of its own; the column takes the narrowest that holds all without loss."""
    cell = quote(column)
    query = f"SELECT typeof({cell}), min({cell}), max({cell}) FROM {quote(table)} GROUP BY 1"  # noqa: S608
    kinds = {kind: (low, high) for kind, low, high in connection.execute(query) if kind != "null"}
    if set(kinds) == {"integer"}:
        return pa.int64()
    if set(kinds) == {"real"}:
        return pa.float64()
    if set(kinds) == {"blob"}:
        return pa.binary()
    if set(kinds) == {"integer", "real"} and all(abs(edge) <= EXACT for edge in kinds["integer"]):
        return pa.float64()
    return pa.string()


def _batches(connection: sqlite3.Connection, table: _Table) -> Iterator[pa.RecordBatch]:
    cells = ", ".join(_cell(field) for field in table.schema)
    cursor = connection.execute(f"SELECT {cells} FROM {quote(table.name)}")  # noqa: S608
    held: list[tuple[object, ...]] = []
    size = 0
    for row in cursor:
        held.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if size >= BATCH_BYTES or len(held) >= BATCH_ROWS:
            yield _batch(held, table.schema)
            held, size = [], 0
    if held:
        yield _batch(held, table.schema)


def _cell(field: pa.Field) -> str:
    """SQL for a column; of a mixed one text as it is, numbers as text, and bytes in hexadecimal."""
    cell = quote(field.name)
    if pa.types.is_string(field.type):
        return f"CASE typeof({cell}) WHEN 'blob' THEN hex({cell}) ELSE CAST({cell} AS TEXT) END"
    return cell


def _batch(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
