"""The process in which a visitor's SQL runs: `python -m studio.data.sandboxed FD`, with its questions at the socket FD.

It may open no file for writing, takes a bounded amount of memory, and dies when a question takes too long, whatever
becomes of the process that asked. It never sees where the files lie: they come as open descriptors.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import duckdb

from studio.data import cells, parquet, statements
from studio.data.elsewhere import Elsewhere
from studio.data.parquet import literal, quote
from studio.data.records import SCHEME, Column, RemoteFile, column_kind
from studio.data.statements import Refused

MEMORY_MB = 400  # of the database
SPACE_MB = 1_400  # of addresses: what a function allocates past the database's own count
LONGEST = 2_000  # characters of a cell
MAX_BYTES = 4_000_000  # of an answer
GRACE = 2  # seconds after the deadline, when nobody has killed this process

Answer = dict[str, Any]


def main() -> None:
    """Answer until the other end closes."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    connection = Connection(os.dup(channel.fileno()))
    _confine()
    connection.send_bytes(b"{}")  # ready
    while True:
        try:
            question = json.loads(connection.recv_bytes())
            files = _received(channel, question["files"])
        except (EOFError, OSError):
            return
        signal.alarm(int(question["seconds"]) + GRACE)
        try:
            answer = _answer(question, files, connection)
        finally:
            signal.alarm(0)
            for file in files:
                os.close(file)
        connection.send_bytes(json.dumps(answer, ensure_ascii=False, allow_nan=False).encode(errors="replace"))


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # nothing can be written to a file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (SPACE_MB << 20, SPACE_MB << 20))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # one for each file of a split
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _received(channel: socket.socket, count: int) -> list[int]:
    """The descriptors of the files; they come in portions."""
    found: list[int] = []
    while len(found) < count:
        _, descriptors, _, _ = socket.recv_fds(channel, 1, count - len(found))
        if not descriptors:
            raise EOFError
        found += descriptors
    return found


def _answer(question: dict[str, Any], files: list[int], asker: Connection) -> Answer:
    try:
        with _database(question, files, asker) as connection:
            return ANSWERS[question["kind"]](connection, question, files)
    except Refused as error:
        return {"refused": str(error)}
    except (MemoryError, duckdb.OutOfMemoryException):
        return {"refused": f"It needs more than {MEMORY_MB} MB of memory."}
    except duckdb.Error as error:
        return {"refused": f"{parquet.reason(error)}."}
    except (RecursionError, UnicodeError, OverflowError):
        return {"refused": "It is nested too deeply, or holds characters or numbers that do not exist."}


@contextmanager
def _database(question: dict[str, Any], files: list[int], asker: Connection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own for each question; it reaches the files of the question and nothing else."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": f"{MEMORY_MB}MB",
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }
    turn = threading.Lock()
    with duckdb.connect(config=config) as connection:
        if question["far"]:
            connection.register_filesystem(Elsewhere([far(file, asker, turn) for file in question["far"]]))
        connection.execute(f"SET disable_parquet_prefetching = {'false' if question['far'] else 'true'}")
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, _addresses(question, files)))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def far(file: dict[str, Any], asker: Connection, turn: threading.Lock) -> RemoteFile:
    """A file that the asking process reads, part by part."""

    def read(start: int, stop: int) -> bytes:
        with turn:
            asker.send_bytes(json.dumps({"read": file["digest"], "start": start, "stop": stop}).encode())
            return asker.recv_bytes()

    return RemoteFile(file["name"], file["size"], file["digest"], read)


def _addresses(question: dict[str, Any], files: list[int]) -> list[str]:
    """What the database calls the files, in the order of the split."""
    if question["far"]:
        return [f"{SCHEME}://{file['digest']}.parquet" for file in question["far"]]
    return [f"/dev/fd/{file}" for file in files]


def _query(connection: duckdb.DuckDBPyConnection, question: dict[str, Any], files: list[int]) -> Answer:
    """The answer to a SELECT over the split, which is called by its name and `data`."""
    tables = list({name.casefold(): name for name in ("data", question["split"])}.values())
    addresses = ", ".join(map(literal, _addresses(question, files)))
    for table in tables:
        source = question["source"].replace("?", f"[{addresses}]", 1)
        connection.execute(f"CREATE TEMP VIEW {quote(table)} AS SELECT * FROM {source}")  # noqa: S608
    query = question["query"].rstrip("; \t\r\n")
    statements.check_query(connection, query, tables)
    described = connection.execute(f"SELECT * FROM (\n{query}\n) LIMIT 0").description or []  # noqa: S608
    columns = [Column(entry[0], str(entry[1]), column_kind(str(entry[1]))) for entry in described]
    names = [f"c{place}" for place in range(len(columns))]
    outputs = [cells.light(column, name, LONGEST) for column, name in zip(columns, names, strict=True)]
    connection.execute(
        f"SELECT {', '.join(outputs)} FROM (\n{query}\n) AS answer({', '.join(names)}) LIMIT {question['limit'] + 1}"  # noqa: S608
    )
    rows, cut, more = _taken(connection, columns, question["limit"])
    return {"columns": [[column.name, column.type] for column in columns], "rows": rows, "cut": cut, "more": more}


def _taken(connection: duckdb.DuckDBPyConnection, columns: list[Column], limit: int) -> tuple[Any, Any, bool]:
    """The rows as JSON values, the cells that are cut, and whether there are more rows than may be told."""
    rows, cut, size = list[list[Any]](), list[tuple[int, str, int]](), 0
    while row := connection.fetchone():
        shown = [cells.cell(column, value, LONGEST) for column, value in zip(columns, row, strict=True)]
        size += len(cells.as_json([cell.value for cell in shown]))
        if len(rows) == limit or size > MAX_BYTES:
            return rows, cut, True
        rows.append([cell.value for cell in shown])
        cut += [(len(rows) - 1, columns[place].name, cell.length) for place, cell in enumerate(shown) if cell.length]
    return rows, cut, False


def _find(connection: duckdb.DuckDBPyConnection, question: dict[str, Any], files: list[int]) -> Answer:
    """The numbers of the rows for which a condition holds, and how many there are."""
    statements.check_condition(connection, question["where"], "data")
    bound = f"({question['clause']}) AND " if question["clause"] else ""
    source = f"FROM {question['source']} WHERE {bound}(\n{question['where']}\n)"
    values = [_addresses(question, files), *question["values"]]
    query = f"SELECT {question['number']} {source}{question['order']} LIMIT ? OFFSET ?"
    numbers = connection.execute(query, [*values, question["limit"], question["offset"]]).fetchall()
    counted = connection.execute(f"SELECT count(*) {source}", values).fetchone() if question["counting"] else None
    return {"numbers": [number for (number,) in numbers], "matching": counted[0] if counted else None}


def _among(connection: duckdb.DuckDBPyConnection, question: dict[str, Any], files: list[int]) -> Answer:
    """A bit for each row: whether a condition holds for it."""
    statements.check_condition(connection, question["where"], "data")
    bits = f"bitstring_agg({question['number']}, 0::BIGINT, {int(question['last'])}::BIGINT)"
    query = f"SELECT to_base64({bits}::BLOB) FROM {question['source']} WHERE (\n{question['where']}\n)"  # noqa: S608
    found = connection.execute(query, [_addresses(question, files)]).fetchone()
    return {"bits": (found and found[0]) or ""}


def _describe(connection: duckdb.DuckDBPyConnection, question: dict[str, Any], files: list[int]) -> Answer:
    """Names and types of what expressions give for rows of some columns; no row is read."""
    del files
    where = f" WHERE (\n{question['condition']}\n)" if question["condition"] else ""
    query = f"DESCRIBE SELECT {question['outputs']} FROM (SELECT {question['typed']}) AS rows{where}"  # noqa: S608
    return {"columns": [[str(name), str(kind)] for name, kind, *_ in connection.execute(query).fetchall()]}


ANSWERS: dict[str, Callable[[duckdb.DuckDBPyConnection, dict[str, Any], list[int]], Answer]] = {
    "query": _query,
    "find": _find,
    "among": _among,
    "describe": _describe,
}

if __name__ == "__main__":
    main()
