"""JSON and JSONL → typed columns: DuckDB reads; when it cannot, a second, slower pass says where and why."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import duckdb

from studio.core.errors import InvalidInput, shorten
from studio.data.columns import check_names
from studio.data.parquet import literal, quote, reason, run
from studio.data.watching import UNWATCHED, Watch

MAX_OBJECT = 16 << 20  # bytes of one object, also DuckDB's own limit
READ = 1 << 20
SCALARS = frozenset({"BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN"})
INTEGERS = frozenset({"BIGINT", "UBIGINT", "HUGEINT"})  # HUGEINT: negative ones and others; Parquet would round it
SPACE = re.compile(r"[ \t\r\n]*")
TOKEN = (
    12  # characters of the longest thing, an escaped surrogate pair, that is found wrong at its start where it is cut
)


class _ProblemError(Exception):
    """What is wrong with the text that is being read."""


def to_columns(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    name: str,
    lines: bool,
    staging: Path,
    watch: Watch = UNWATCHED,
) -> list[str]:
    """Write one JSON value per key and row to `staging` (Parquet), and return the SQL that types its columns.

    Args:
        connection: may read `source` and write `staging`.
        source: UTF-8 without byte-order mark.
        name: what messages call the file.
        lines: one object per line (JSONL), else one array.
        staging: Parquet file to write.
        watch: is told how far it is.

    Raises:
        InvalidInput: at "file": not an array of objects (not an object per line); names line and column.
        JobCancelled: `watch` said so.
    """
    reader = (
        f"read_json({literal(str(source))}, format = '{'newline_delimited' if lines else 'array'}', records = true,"
        f" maximum_depth = 1, sample_size = -1, maximum_object_size = {MAX_OBJECT})"
    )
    try:
        # depth 1 leaves every value as JSON: no text is taken for a date on the way
        query = f"COPY (SELECT * FROM {reader}) TO {literal(str(staging))} (FORMAT parquet)"  # noqa: S608
        run(connection, query, [], "Reading objects", watch.part(0, 0.6))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        problem = first_problem(source, lines) or f"It cannot be read: {reason(error)}."
        raise InvalidInput("file", name, problem) from None
    table = f"read_parquet({literal(str(staging))})"
    names = [entry[0] for entry in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or []]  # noqa: S608
    check_names(names, name)
    scalars = [f"bool_and(json_type({quote(column)}) NOT IN ('OBJECT', 'ARRAY'))" for column in names]
    smalls = [f"count({value}) = count(TRY_CAST({value} AS BIGINT))" for value in map(_scalar, names)]
    query = f"SELECT {', '.join(scalars + smalls)} FROM {table}"  # noqa: S608
    found = run(connection, query, [], "Finding the types of the values", watch.part(0.6, 0.8))[0]
    facts = zip(names, found[: len(names)], found[len(names) :], strict=True)
    outputs = []
    for place, (column, scalar, small) in enumerate(facts):
        watch.at(0.8 + 0.2 * place / len(names), "Finding the structure of the values")
        outputs.append(_typed(column, _shape(connection, table, column), bool(scalar), bool(small)))
    return outputs


def _shape(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """The structure that all values of a JSON column fit into, as JSON.

    json_group_structure() alone keeps every value in memory, so it is shown one value of each structure.
    """
    name = quote(column)
    kinds = f"SELECT any_value({name}) AS v FROM {table} GROUP BY json_structure({name})"  # noqa: S608
    row = connection.execute(f"SELECT json_group_structure(v) FROM ({kinds})").fetchone()  # noqa: S608
    return str(row[0]) if row else '"NULL"'


def _scalar(column: str) -> str:
    """A JSON column's number, truth value or text, as text."""
    return f"({quote(column)} ->> '$')"


def _typed(column: str, shape: str, scalar: bool, small: bool) -> str:
    """The SQL that reads a JSON column as what all its values are.

    Mixed scalars become text, mixed structures stay JSON; `small` says that integers fit into 64 bits with sign.
    """
    structure, name = json.loads(shape), quote(column)
    if isinstance(structure, str):
        type_ = "BIGINT" if structure in INTEGERS and small else structure
        if type_ in SCALARS:
            return f"CAST({_scalar(column)} AS {type_}) AS {name}"
        if scalar or type_ in {"VARCHAR", "NULL"}:
            return f"{_scalar(column)} AS {name}"
    elif _regular(structure):
        # a key that an object lacks is a null in it; the cast, unlike the transformation, fails where a number is lost
        return f"CAST(json_transform({name}, {literal(shape)}) AS {_nested_type(structure)}) AS {name}"
    return f"CAST({name} AS JSON) AS {name}"


def _nested_type(structure: Any) -> str:
    """The DuckDB type of a nested structure, with 64-bit integers where signs made DuckDB propose 128 bits."""
    if isinstance(structure, list):
        return f"{_nested_type(structure[0])}[]"
    if isinstance(structure, dict):
        fields = (f"{quote(key)} {_nested_type(inner)}" for key, inner in structure.items())
        return f"STRUCT({', '.join(fields)})"
    return "BIGINT" if structure == "HUGEINT" else str(structure)


def _regular(structure: Any) -> bool:
    """Whether a nested structure has one Parquet type throughout."""
    if isinstance(structure, list):
        return all(map(_regular, structure))
    if isinstance(structure, dict):
        return bool(structure) and all(map(_regular, structure.values()))
    return structure in SCALARS | {"HUGEINT", "VARCHAR"}


def first_problem(source: Path, lines: bool) -> str:
    """Where the file stops to be objects with keys, as a sentence; "" when it is right throughout."""
    with source.open(encoding="utf-8", newline="") as file:
        values = _line_values(file) if lines else _array_values(file)
        try:
            number = sum(1 for _ in values)
        except _ProblemError as problem:
            return str(problem)
    return "" if number else "It holds no objects. Write one object per example."


def whole(text: str) -> str:
    """An array of those objects that are whole in the beginning of one; "" when none is.

    Text that is wrong before its end comes back as it is: reading it says where the mistake is.
    """
    decoder = json.JSONDecoder()
    place, end = _behind_space(text, 0), 0
    if text[place : place + 1] != "[":
        return text
    while place < len(text) and (not end or text[place] == ","):
        try:
            _, end = decoder.raw_decode(text, _behind_space(text, place + 1))
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()) - TOKEN
            return _closed(text, end) if cut else text
        except RecursionError:
            return text
        place = _behind_space(text, end)
    return _closed(text, end) if place == len(text) else text


def _behind_space(text: str, place: int) -> int:
    match = SPACE.match(text, place)
    return match.end() if match else place


def _closed(text: str, end: int) -> str:
    return f"{text[:end]}]" if end else ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
    if twice is not None:
        raise _ProblemError(f"the key {shorten(twice, 40)} stands twice in one object")
    if "" in keys:
        raise _ProblemError("an object has an empty key")
    return dict(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _check(value: Any, wanted: str) -> None:
    if not isinstance(value, dict):
        raise _ProblemError(f"{_kind(value)} stands where {wanted}")
    if not value:
        raise _ProblemError("an object without keys; give it at least one")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _ProblemError("a text holds half of a surrogate pair (\\ud800 to \\udfff)") from None


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _line_values(file: IO[str]) -> Iterator[Any]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            value = _DECODER.decode(line)
            _check(value, "one object per line is needed")
        except json.JSONDecodeError as error:
            where = f"Line {number:,}, column {error.colno:,}"
            raise _ProblemError(f"{where}: {error.msg}. Write one object per line.") from None
        except _ProblemError as problem:
            raise _ProblemError(f"Line {number:,}: {problem}.") from None
        except RecursionError:
            raise _ProblemError(f"Line {number:,}: nested too deeply.") from None
        yield value


class _Text:
    """A file's text in a sliding window; `place` is where one reads."""

    def __init__(self, file: IO[str]) -> None:
        self.file, self.window, self.place = file, "", 0
        self.line, self.column = 1, 1  # of the window's start

    def more(self) -> bool:
        """Read on; twice as much each time, so that a long object is not parsed over and over."""
        self.line, self.column = self._at(self.place)
        self.window, self.place = self.window[self.place :], 0
        text = self.file.read(max(READ, len(self.window)))
        self.window += text
        return bool(text)

    def where(self, place: int = -1) -> str:
        """Line and column of a place in the window, of the present one when none is given."""
        line, column = self._at(self.place if place < 0 else place)
        return f"Line {line:,}, column {column:,}"

    def _at(self, place: int) -> tuple[int, int]:
        newlines = self.window.count("\n", 0, place)
        start = self.window.rfind("\n", 0, place) + 1
        return self.line + newlines, place - start + 1 if newlines else self.column + place

    def peek(self) -> str:
        """The next character that is no white space, "" at the end."""
        while True:
            match = SPACE.match(self.window, self.place)
            self.place = match.end() if match else self.place
            if self.place < len(self.window) or not self.more():
                return self.window[self.place : self.place + 1]


def _array_values(file: IO[str]) -> Iterator[Any]:
    text = _Text(file)
    if text.peek() != "[":
        hint = " For one object per line call it .jsonl." if text.peek() == "{" else ""
        raise _ProblemError(f"{text.where()}: the file must be one array of objects, and starts otherwise.{hint}")
    text.place += 1
    if text.peek() == "]":
        return
    while True:
        text.peek()
        yield _next_object(text)
        follows = text.peek()
        if follows == "]":
            text.place += 1
            if text.peek():
                raise _ProblemError(f"{text.where()}: something follows the end of the array.")
            return
        if follows != ",":
            missing = "a comma or the closing ] is missing" if follows else "the file ends before the closing ]"
            raise _ProblemError(f"{text.where()}: {missing}.")
        text.place += 1


def _next_object(text: _Text) -> Any:
    while True:
        try:
            value, end = _DECODER.raw_decode(text.window, text.place)
            _check(value, "an array of objects is needed")
        except json.JSONDecodeError as error:
            where = text.where(error.pos)  # before the window moves
            if len(text.window) - text.place < MAX_OBJECT and text.more():
                continue
            raise _ProblemError(f"{where}: {error.msg}.") from None
        except _ProblemError as problem:
            raise _ProblemError(f"{text.where()}: {problem}.") from None
        except RecursionError:
            raise _ProblemError(f"{text.where()}: nested too deeply.") from None
        text.place = end
        return value
