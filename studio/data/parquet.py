"""DuckDB over Parquet: connections that reach nothing but the files they are given, names quoted, values bound."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from studio.core.errors import InvalidInput, StudioError
from studio.data.records import Column, column_kind

MEMORY_LIMIT = "1GB"
SPILL_LIMIT = "8GB"
FOLDERS = re.compile(r"(?<![\w<])/(?:[^/\n'\"]+/)+")
SPLIT_ORDER = ("train", "validation", "test")


@contextmanager
def connect(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database that can read and write exactly `files`, for one piece of work.

    Extensions are never loaded or fetched, the settings are locked, two threads and `MEMORY_LIMIT` are the most it
    takes; what does not fit spills into a temporary folder that goes with the connection.

    Raises:
        StudioError: the work needs more memory than allowed.
    """
    with tempfile.TemporaryDirectory(prefix="studio-duckdb-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 2,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": spill,
            "max_temp_directory_size": SPILL_LIMIT,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        }
        with duckdb.connect(config=config) as connection:
            # these three only hold in this order, and only once the database is started
            connection.execute(f"SET allowed_paths = [{', '.join(literal(str(path.absolute())) for path in files)}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            try:
                yield connection
            except duckdb.OutOfMemoryException:
                raise StudioError(f"This needs more than {MEMORY_LIMIT} of memory on these data.") from None


def quote(name: str) -> str:
    """A column's name as SQL; any text is one name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as SQL, for the statements that take no parameters (SET, COPY … TO)."""
    return "'" + text.replace("'", "''") + "'"


def scan(files: Sequence[Path]) -> tuple[str, list[str]]:
    """The table function that reads `files` as one table, and its parameter."""
    function = f"read_parquet(?, union_by_name = {'true' if len(files) > 1 else 'false'}, hive_partitioning = false)"
    return function, [str(path.absolute()) for path in files]


def describe(files: Mapping[str, tuple[Path, ...]], name: str) -> tuple[dict[str, int], tuple[Column, ...]]:
    """Rows per split and the columns of all splits.

    Raises:
        InvalidInput: at "dataset", a file is not whole; `name` is what the message calls the data set.
    """
    rows: dict[str, int] = {}
    columns: dict[str, Column] = {}
    with connect([path for paths in files.values() for path in paths]) as connection:
        for split in sorted(files, key=split_rank):
            try:
                found = columns_of(connection, files[split])
                rows[split] = count(connection, files[split])
            except duckdb.Error as error:
                raise damaged(name, split, error) from None
            for column in found:
                columns.setdefault(column.name, column)
    return rows, tuple(columns.values())


def damaged(name: str, split: str, error: duckdb.Error) -> InvalidInput:
    """What is said of Parquet files that DuckDB cannot read."""
    return InvalidInput("dataset", name, f"Its split {split!r} is missing, damaged or not Parquet: {reason(error)}")


def reason(error: Exception) -> str:
    """The first line of a library's message, without its kind and without the folders of this machine."""
    line = next(iter(str(error).splitlines()), "").strip().rstrip(".")
    return FOLDERS.sub("", re.sub(r"^[A-Z][\w ]+ Error: ", "", line))


def columns_of(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> tuple[Column, ...]:
    """Names and types, from the files' footers."""
    function, parameter = scan(files)
    described = connection.execute(f"SELECT * FROM {function} LIMIT 0", [parameter]).description or []  # noqa: S608
    return tuple(Column(entry[0], str(entry[1]), column_kind(str(entry[1]))) for entry in described)


def count(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    """Rows, from the files' footers."""
    function, parameter = scan(files)
    row = connection.execute(f"SELECT count(*) FROM {function}", [parameter]).fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def split_rank(split: str) -> tuple[int, str]:
    """Sort key: train, validation, test, then the rest by name."""
    return (SPLIT_ORDER.index(split) if split in SPLIT_ORDER else len(SPLIT_ORDER), split)
