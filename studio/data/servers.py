"""Tables of the operator's own databases (PostgreSQL) → Parquet: read-only, as a stream, only tables that exist.

STUDIO_DATABASES names the databases and their addresses. Who may read them is not decided here.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, StudioError, UnknownName, shorten
from studio.core.settings import Settings
from studio.data import writing
from studio.data.parquet import quote
from studio.data.watching import UNWATCHED, Watch

PREFIX = "sql:"
FIELD = "source"
FORM = "Give it as sql:NAME#TABLE, a name of STUDIO_DATABASES and one of its tables."
SCHEMES = ("postgresql://", "postgres://")
BATCH_BYTES = 8 << 20
CONNECT_SECONDS = 10
MINUTES = 60  # that one table may take
# What Arrow has as well; everything else comes as the text that PostgreSQL writes it as.
PLAIN = frozenset(
    ("int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "bpchar", "bytea", "date", "timestamp")
) | {"timestamptz"}
EXACT_DIGITS = 15  # of a numeric that a floating point number holds without loss
TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type IN ('BASE TABLE', 'VIEW')
    ORDER BY table_schema <> 'public', table_schema, table_name
"""
COLUMNS = """
    SELECT column_name, udt_name, numeric_precision FROM information_schema.columns
    WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""
ROWS = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass($1)"


def listed(settings: Settings) -> dict[str, list[str]]:
    """Name → tables as they are named in a source; raises `StudioError` for a database that cannot be opened."""
    found = {}
    for name in settings.databases:
        with _opened(name, settings) as cursor:
            found[name] = [_shown(*parts) for parts in _tables(cursor)]
    return found


@contextmanager
def table(source: str, settings: Settings, watch: Watch = UNWATCHED) -> Iterator[Path]:
    """The rows of `sql:NAME#TABLE` as a Parquet file, for one piece of work.

    Raises:
        InvalidInput: at "source": another form.
        UnknownName: no such database or table; lists those there are.
        StudioError: the database cannot be opened or read.
        JobCancelled: `watch` said so.
    """
    name, _, wanted = source.removeprefix(PREFIX).partition("#")
    if not wanted:
        raise InvalidInput(FIELD, source, FORM)
    folder = settings.home / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".table-", dir=folder) as work, _opened(name, settings) as cursor:
        known = {_shown(*parts): parts for parts in _tables(cursor)}
        if wanted not in known:
            raise UnknownName("table", wanted, list(known))
        target = Path(work) / "table.parquet"
        _read(cursor, known[wanted], target, watch)
        yield target


def _shown(schema: str, table_: str) -> str:
    return table_ if schema == "public" else f"{schema}.{table_}"


@contextmanager
def _opened(name: str, settings: Settings) -> Iterator[Any]:
    if name not in settings.databases:
        raise UnknownName("database", name, list(settings.databases))
    address = settings.databases[name].get_secret_value()
    if not address.startswith(SCHEMES):
        raise StudioError(f"The address of the database {name} must start with {SCHEMES[0]} (STUDIO_DATABASES).")
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise StudioError("Databases need an extra: pip install 'studio[postgres]'.") from None
    joined = f"{address}{'&' if '?' in address else '?'}connect_timeout={CONNECT_SECONDS}"
    try:
        with closing(dbapi.connect(joined)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {MINUTES * 60_000}")
            yield cursor
            connection.rollback()
    except Error as error:
        said = re.sub(r"\w+://\S+|(password|user)\s*=\s*\S+", "…", str(error).replace(address, "…"))
        raise StudioError(f"The database {name} cannot be read: {shorten(said, 200)}") from None


def _tables(cursor: Any) -> list[tuple[str, str]]:
    cursor.execute(TABLES)
    return [(str(schema), str(name)) for schema, name in cursor.fetchall()]


def _read(cursor: Any, parts: tuple[str, str], target: Path, watch: Watch) -> None:
    cursor.execute(COLUMNS, parts)
    cells = [_cell(*column) for column in cursor.fetchall()]
    named = f"{quote(parts[0])}.{quote(parts[1])}"
    cursor.execute(ROWS, (named,))
    rows = int((cursor.fetchone() or (0,))[0] or 0)
    watch.at(0, "Reading the table")
    cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
    cursor.execute(f"SELECT {', '.join(cells)} FROM {named}")  # noqa: S608
    with cursor.fetch_record_batch() as reader:
        writing.write(reader, reader.schema, target, rows, watch)


def _cell(column: str, kind: str, digits: int | None) -> str:
    name = quote(column)
    if kind in PLAIN:
        return name
    if kind == "numeric" and digits is not None and digits <= EXACT_DIGITS:
        return f"CAST({name} AS double precision) AS {name}"
    return f"CAST({name} AS text) AS {name}"
