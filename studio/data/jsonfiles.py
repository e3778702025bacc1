"""JSON and JSONL → typed columns: DuckDB reads; when it cannot, a second, slower pass says where and why."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import duckdb

from studio.core.errors import InvalidInput, shorten
from studio.data.columns import check_names
from studio.data.parquet import literal, quote, reason

MAX_OBJECT = 16 << 20  # bytes of one object, also DuckDB's own limit
READ = 1 << 20
SCALARS = {"BIGINT": "BIGINT", "UBIGINT": "UBIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
SPACE = re.compile(r"[ \t\r\n]*")


class _ProblemError(ValueError):
    """What is wrong, at which character of the text that was being read."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


def to_columns(connection: duckdb.DuckDBPyConnection, source: Path, name: str, lines: bool, staging: Path) -> list[str]:
    """Write one JSON value per key and row to `staging` (Parquet), and return the SQL that types its columns.

    Args:
        connection: may read `source` and write `staging`.
        source: UTF-8 without byte-order mark.
        name: what messages call the file.
        lines: one object per line (JSONL), else one array.
        staging: Parquet file to write.

    Raises:
        InvalidInput: at "file": not an array of objects (not an object per line); names line and column.
    """
    reader = (
        f"read_json({literal(str(source))}, format = '{'newline_delimited' if lines else 'array'}', records = true,"
        f" maximum_depth = 1, sample_size = -1, maximum_object_size = {MAX_OBJECT})"
    )
    try:
        # depth 1 leaves every value as JSON: no text is taken for a date on the way
        connection.execute(f"COPY (SELECT * FROM {reader}) TO {literal(str(staging))} (FORMAT parquet)")  # noqa: S608
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        problem = first_problem(source, lines) or f"It cannot be read: {reason(error)}."
        raise InvalidInput("file", name, problem) from None
    table = f"read_parquet({literal(str(staging))})"
    names = [entry[0] for entry in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or []]  # noqa: S608
    check_names(names, name)
    shapes = [f"json_group_structure({quote(column)})" for column in names]
    scalars = [f"bool_and(json_type({quote(column)}) NOT IN ('OBJECT', 'ARRAY'))" for column in names]
    found = connection.execute(f"SELECT {', '.join(shapes + scalars)} FROM {table}").fetchone() or ()  # noqa: S608
    described = zip(names, found[: len(names)], found[len(names) :], strict=True)
    return [_typed(column, str(shape), bool(scalar)) for column, shape, scalar in described]


def _typed(column: str, shape: str, scalar: bool) -> str:
    """The SQL that reads a JSON column as what all its values are; mixed scalars as text, mixed structures as JSON."""
    structure, name = json.loads(shape), quote(column)
    if isinstance(structure, str):
        if structure in SCALARS:
            return f"CAST({name} ->> '$' AS {SCALARS[structure]}) AS {name}"
        if scalar or structure in {"VARCHAR", "NULL"}:
            return f"{name} ->> '$' AS {name}"
    elif _regular(structure):
        return f"json_transform_strict({name}, {literal(shape)}) AS {name}"
    return f"CAST({name} AS JSON) AS {name}"


def _regular(structure: Any) -> bool:
    """Whether a nested structure has one Parquet type throughout."""
    if isinstance(structure, list):
        return all(map(_regular, structure))
    if isinstance(structure, dict):
        return bool(structure) and all(map(_regular, structure.values()))
    return structure in {*SCALARS, "VARCHAR"}


def first_problem(source: Path, lines: bool) -> str:
    """Where the file stops to be objects with keys, as a sentence; "" when it is right throughout."""
    with source.open(encoding="utf-8", newline="") as file:
        values = _line_values(file) if lines else _array_values(file)
        try:
            number = sum(1 for _ in values)
        except _ProblemError as problem:
            return str(problem)
    return "" if number else "It holds no objects. Write one object per example."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
    if twice is not None:
        raise _ProblemError(f"the key {shorten(twice, 40)} stands twice in one object")
    if "" in keys:
        raise _ProblemError("an object has an empty key")
    return dict(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _checked(value: Any, where: str, wanted: str) -> Any:
    if not isinstance(value, dict):
        raise _ProblemError(f"{where}: {_kind(value)} stands where {wanted}.")
    if not value:
        raise _ProblemError(f"{where}: an object without keys. Give it at least one.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _ProblemError(f"{where}: a text holds half of a surrogate pair (\\ud800 to \\udfff).") from None
    return value


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _line_values(file: IO[str]) -> Iterator[Any]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            value = _DECODER.decode(line)
        except json.JSONDecodeError as error:
            where = f"Line {number:,}, column {error.colno:,}"
            raise _ProblemError(f"{where}: {error.msg}. Write one object per line.") from None
        except _ProblemError as problem:
            raise _ProblemError(f"Line {number:,}: {problem}.") from None
        except RecursionError:
            raise _ProblemError(f"Line {number:,}: nested too deeply.") from None
        yield _checked(value, f"Line {number:,}", "one object per line is needed")


class _Text:
    """A file's text in a sliding window that knows the line and column of what it shows."""

    def __init__(self, file: IO[str]) -> None:
        self.file, self.window, self.line, self.column = file, "", 1, 1
        self.ended = False

    def more(self) -> bool:
        """Read on; twice as much each time, so that a long object is not parsed over and over."""
        text = self.file.read(max(READ, len(self.window)))
        self.window += text
        self.ended = not text
        return not self.ended

    def drop(self, length: int) -> None:
        """Move on by `length` characters."""
        self.line, self.column = self.at(length)
        self.window = self.window[length:]

    def at(self, position: int) -> tuple[int, int]:
        """Line and column of a place in the window."""
        newlines = self.window.count("\n", 0, position)
        start = self.window.rfind("\n", 0, position) + 1
        return self.line + newlines, position - start + 1 if newlines else self.column + position

    def where(self, position: int = 0) -> str:
        line, column = self.at(position)
        return f"Line {line:,}, column {column:,}"

    def peek(self) -> str:
        """The next character that is no white space, "" at the end."""
        while True:
            self.drop(match.end() if (match := SPACE.match(self.window)) else 0)
            if self.window or not self.more():
                return self.window[:1]


def _array_values(file: IO[str]) -> Iterator[Any]:
    text = _Text(file)
    if text.peek() != "[":
        hint = " For one object per line call it .jsonl." if text.window[:1] == "{" else ""
        raise _ProblemError(f"{text.where()}: the file must be one array of objects, and starts otherwise.{hint}")
    text.drop(1)
    if text.peek() == "]":
        return
    while True:
        text.peek()
        where = text.where()
        yield _checked(_next_value(text), where, "an array of objects is needed")
        follows = text.peek()
        if follows == "]":
            text.drop(1)
            if text.peek():
                raise _ProblemError(f"{text.where()}: something follows the end of the array.")
            return
        if follows != ",":
            missing = "a comma or the closing ]" if follows else "the closing ], the file ends too early;"
            raise _ProblemError(f"{text.where()}: {missing} is missing.")
        text.drop(1)


def _next_value(text: _Text) -> Any:
    while True:
        try:
            value, end = _DECODER.raw_decode(text.window)
        except json.JSONDecodeError as error:
            if len(text.window) < MAX_OBJECT and text.more():
                continue
            raise _ProblemError(f"{text.where(error.pos)}: {error.msg}.") from None
        except _ProblemError as problem:
            raise _ProblemError(f"{text.where()}: {problem}.") from None
        except RecursionError:
            raise _ProblemError(f"{text.where()}: nested too deeply.") from None
        text.drop(end)
        return value
