"""DuckDB over Parquet: connections that reach nothing but the files they are given, names quoted, values bound."""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from contextlib import contextmanager
from typing import Any

import duckdb

from studio.core.errors import InvalidInput, StudioError
from studio.data import room
from studio.data.elsewhere import Elsewhere
from studio.data.records import Column, DataFile, RemoteFile, column_kind
from studio.data.watching import UNWATCHED, Watch

MEMORY_LIMIT = "1GB"
SPILL_LIMIT = "8GB"
FOLDERS = re.compile(r"(?<![\w<])/(?:[^/\n'\"]+/)+")
SPLIT_ORDER = ("train", "validation", "test")
POLL = 0.1
HALF = "It holds half of a character."


class MemoryExceeded(StudioError):
    """This needs more memory than is allowed."""


@contextmanager
def connect(files: Sequence[DataFile], memory: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database that can read and write exactly `files`, for one piece of work.

    Extensions are never loaded or fetched, the settings are locked, two threads and `memory` (`MEMORY_LIMIT` where none
    is given) are the most it takes; what does not fit spills into a temporary folder that goes with the connection.

    Raises:
        MemoryExceeded: the work needs more memory than allowed.
        HubError: a file that lies elsewhere could not be read.
    """
    elsewhere = Elsewhere([file for file in files if isinstance(file, RemoteFile)])
    with room.temporary() as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 2,
            "memory_limit": memory or MEMORY_LIMIT,
            "temp_directory": spill,
            "max_temp_directory_size": SPILL_LIMIT,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        }
        with duckdb.connect(config=config) as connection:
            if elsewhere.files:
                connection.register_filesystem(elsewhere)
            connection.execute("SET TimeZone = 'UTC'")  # moments are told the same on every machine
            connection.execute("SET enable_progress_bar = true")  # so that `query_progress` knows
            connection.execute("SET enable_progress_bar_print = false")
            # what is skipped should not be read, here or elsewhere: less memory, and rows by number are found faster
            connection.execute("SET disable_parquet_prefetching = true")
            # a footer is read once, however many questions follow
            connection.execute("SET parquet_metadata_cache = true")
            # these three only hold in this order, and only once the database is started
            connection.execute(f"SET allowed_paths = [{', '.join(literal(address(file)) for file in files)}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            try:
                yield connection
            except duckdb.OutOfMemoryException:
                most = memory or MEMORY_LIMIT
                raise MemoryExceeded(f"This needs more than {most} of memory on these data.") from None
            except (duckdb.Error, InvalidInput):
                if elsewhere.failure is not None:  # DuckDB only says that reading failed
                    raise elsewhere.failure from None
                raise


def run(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object], message: str, watch: Watch = UNWATCHED
) -> list[tuple[Any, ...]]:
    """The answer to a statement that may take long; `watch` is told of it, and stops it within a moment.

    Raises `JobCancelled` when `watch` said so, and what DuckDB raises.
    """
    if watch is UNWATCHED:
        return connection.execute(query, values).fetchall()
    with ThreadPoolExecutor(1, "duckdb") as pool:
        future: Future[list[tuple[Any, ...]]] = pool.submit(lambda: connection.execute(query, values).fetchall())
        while True:
            try:
                return future.result(timeout=POLL)
            except StillRunning:
                going_on = False
                try:
                    watch.at(connection.query_progress() / 100, message)
                    going_on = True
                finally:
                    if not going_on:
                        connection.interrupt()


def is_text(given: str) -> bool:
    """Whether it can be said in UTF-8: half of a surrogate pair, which JSON can bring, is no character."""
    return not any("\ud800" <= one <= "\udfff" for one in given)


def quote(name: str) -> str:
    """A column's name as SQL; any text is one name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as SQL, for the statements that take no parameters (SET, COPY … TO)."""
    return "'" + text.replace("'", "''") + "'"


def scan(files: Sequence[DataFile]) -> tuple[str, list[str]]:
    """The table function that reads `files` as one table, and its parameter."""
    # a footer tells the least and the greatest without NaN, and whole groups of rows are taken or left by that
    options = "hive_partitioning = false, can_have_nan = true"
    function = f"read_parquet(?, union_by_name = {'true' if len(files) > 1 else 'false'}, {options})"
    return function, [address(file) for file in files]


def address(file: DataFile) -> str:
    """What DuckDB calls a file."""
    return file.address if isinstance(file, RemoteFile) else str(file.absolute())


def describe(files: Mapping[str, tuple[DataFile, ...]], name: str) -> tuple[dict[str, int], tuple[Column, ...]]:
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


def columns_of(connection: duckdb.DuckDBPyConnection, files: Sequence[DataFile]) -> tuple[Column, ...]:
    """Names and types, from the files' footers."""
    function, parameter = scan(files)
    described = connection.execute(f"SELECT * FROM {function} LIMIT 0", [parameter]).description or []  # noqa: S608
    return tuple(Column(entry[0], str(entry[1]), column_kind(str(entry[1]))) for entry in described)


def count(connection: duckdb.DuckDBPyConnection, files: Sequence[DataFile]) -> int:
    """Rows, from the files' footers."""
    function, parameter = scan(files)
    row = connection.execute(f"SELECT count(*) FROM {function}", [parameter]).fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def counts(connection: duckdb.DuckDBPyConnection, files: Sequence[DataFile]) -> list[int]:
    """Rows of each file, from the footers."""
    addresses = [address(file) for file in files]
    found = dict(connection.execute("SELECT file_name, num_rows FROM parquet_file_metadata(?)", [addresses]).fetchall())
    return [int(found[one]) for one in addresses]


def split_rank(split: str) -> tuple[int, str]:
    """Sort key: train, validation, test, then the rest by name."""
    return (SPLIT_ORDER.index(split) if split in SPLIT_ORDER else len(SPLIT_ORDER), split)
