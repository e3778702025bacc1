"""SQL that a user gives for each row: one expression, which sees the row and nothing else, and always says the same."""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import duckdb

from studio.core.errors import InvalidInput, TimedOut
from studio.data import parquet, syntax
from studio.data.parquet import quote
from studio.data.processes import Pool
from studio.data.records import Column, column_kind

# Words that stand for a moment or a session where no column is called so.
MOMENTS = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user"}
    | {"current_role", "current_catalog", "current_schema", "current_database", "session_user", "user"}
)
MACROS = frozenset(
    {"split_part", "nullif", "fmod", "fdiv", "days_in_month", "date_add", "json", "if", "array_append"}
    | {"array_prepend", "array_push_front", "array_push_back", "array_pop_front", "array_pop_back", "array_reverse"}
    | {"array_to_string", "list_append", "list_prepend", "list_reverse", "list_sum", "list_avg", "list_min"}
    | {"list_max", "list_count", "list_first", "list_last", "list_median", "list_mode", "list_bool_or"}
    | {"list_bool_and", "list_any_value", "list_stddev_pop", "list_stddev_samp", "list_var_pop", "list_var_samp"}
    | {"list_string_agg", "map_contains_value", "map_contains_entry"}
)
REFUSED = {
    "SUBQUERY": "A query inside the expression sees other rows.",
    "WINDOW": "A window sees other rows.",
    "STAR": "Name the columns one by one.",
    "PARAMETER": syntax.PARAMETER,
}
SECONDS = 20.0
UNFIT = "It must say the same for the same row each time, and see no other row."


@contextmanager
def hurried() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reaches nothing, for as long as a visitor may wait; raises `TimedOut` after 20 s."""
    with parquet.connect([]) as connection:
        timer = threading.Timer(SECONDS, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield connection
        except duckdb.InterruptException:
            raise TimedOut(f"This takes longer than {SECONDS:.0f} s and was given up.") from None
        finally:
            timer.cancel()


@lru_cache(maxsize=1024)
def check(text: str, field: str, columns: tuple[Column, ...]) -> None:
    """Raise `InvalidInput` at `field` unless `text` is one expression over these columns that fits each row alone."""
    if not parquet.is_text(text):
        raise InvalidInput(field, text, parquet.HALF)
    try:
        duckdb.SQLExpression(text)
    except duckdb.Error as error:
        raise InvalidInput(field, text, f"This is no SQL expression: {parquet.reason(error)}.") from None
    known = {column.name.casefold() for column in columns}
    for node in syntax.nodes(_tree(text, field)):
        kind = node.get("class")
        if kind in REFUSED:
            raise InvalidInput(field, text, REFUSED[kind])
        if kind == "FUNCTION":
            if node.get("schema") or node.get("catalog"):
                raise InvalidInput(field, text, "Functions are named without a schema.")
            _check_function(str(node["function_name"]).lower(), text, field)
        if kind == "COLUMN_REF" and (names := node.get("column_names")):
            first = str(names[0]).casefold()
            if first in MOMENTS - known:
                raise InvalidInput(field, text, f"{names[0]} differs from run to run. {UNFIT}")


@lru_cache(maxsize=1024)
def described(columns: tuple[Column, ...], outputs: str, condition: str = "") -> tuple[Column, ...]:
    """Names and types of SELECT `outputs` over rows of these columns; raises `duckdb.Error`, reads nothing.

    Opening a database takes some 20 ms, and a recipe is looked at often: what was said before is remembered.
    """
    typed = ", ".join(f"CAST(NULL AS {column.type}) AS {quote(column.name)}" for column in columns)
    asked = {"kind": "describe", "outputs": outputs, "typed": typed, "condition": condition}
    answer = _describing().ask([], asked)  # what is constant is computed already here, whatever memory it takes
    if "late" in answer:
        raise TimedOut(f"This takes longer than {SECONDS:.0f} s and was given up.")
    if "refused" in answer:
        raise duckdb.BinderException(answer["refused"].rstrip("."))
    return tuple(Column(name, kind, column_kind(kind)) for name, kind in answer["columns"])


@lru_cache(maxsize=1)
def _describing() -> Pool:
    pool = Pool("studio.data.sandboxed", 2, SECONDS)
    atexit.register(pool.close)
    return pool


def _check_function(name: str, text: str, field: str) -> None:
    kinds = _functions().get(name, frozenset())
    if ("scalar", "CONSISTENT") in kinds and not any(stability == "VOLATILE" for _, stability in kinds):
        return
    if name in MACROS:
        return
    if not kinds:
        raise InvalidInput(field, text, f"There is no function {name!r}.")
    raise InvalidInput(field, text, f"{name}() cannot be used here. {UNFIT}")


@lru_cache(maxsize=1)
def _functions() -> dict[str, frozenset[tuple[str, str]]]:
    """Name → what DuckDB has under it: kind and stability."""
    with parquet.connect([]) as connection:
        rows = connection.execute(
            "SELECT lower(function_name), function_type, coalesce(stability, '') FROM duckdb_functions()"
        ).fetchall()
    found: dict[str, set[tuple[str, str]]] = {}
    for name, kind, stability in rows:
        found.setdefault(name, set()).add((kind, stability))
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _tree(text: str, field: str) -> Any:
    with parquet.connect([]) as connection:
        try:
            return syntax.parsed(connection, f"SELECT (\n{text}\n)")
        except syntax.Unreadable as error:
            raise InvalidInput(field, text, f"This is no SQL expression: {error}.") from None
