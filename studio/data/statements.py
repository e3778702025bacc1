"""SQL that a visitor writes: one SELECT over the tables they were given, with functions that only compute.

A second fence around a database that reaches nothing else anyway. It looks at DuckDB's own reading of the statement, in
the process that will run it.
"""

from collections.abc import Collection
from typing import Any

import duckdb

from studio.data import parquet, syntax

MAX_CHARACTERS = 20_000
QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE", "RECURSIVE_CTE_NODE"})
TABLES = frozenset({"BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST", "COLUMN_DATA"})
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
VARYING = frozenset(
    {"random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "now", "today", "transaction_timestamp"}
    | {"get_current_time", "get_current_timestamp", "current_date", "unnest"}  # unnest stands in no catalogue
)
REFUSED = frozenset(
    {"version", "json_serialize_sql", "json_serialize_plan", "json_deserialize_sql", "get_block_size"}
    | {"user", "session_user", "current_user", "current_role", "current_catalog"}
)
ONE = "Write one SELECT statement, and nothing else."


class Refused(Exception):
    """A statement that will not be run; the text says why."""


def check_query(connection: duckdb.DuckDBPyConnection, query: str, tables: Collection[str]) -> None:
    """Raise `Refused` unless `query` is one SELECT over these tables."""
    _check(connection, query, tables)


def check_condition(connection: duckdb.DuckDBPyConnection, condition: str, table: str) -> None:
    """Raise `Refused` unless `condition` is one condition that can stand behind WHERE."""
    query = f"SELECT 1 FROM {parquet.quote(table)} WHERE (\n{condition}\n)"  # noqa: S608
    node = _check(connection, query, [table])
    beside = ("modifiers", "group_expressions", "group_sets", "having", "sample", "qualify")
    if node["type"] != "SELECT_NODE" or any(node.get(part) for part in beside):
        raise Refused("Write one condition, as it stands behind WHERE, and nothing else.")


def _check(connection: duckdb.DuckDBPyConnection, query: str, tables: Collection[str]) -> dict[str, Any]:
    _check_text(query)
    if len(found := connection.extract_statements(query)) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise Refused(ONE)
    try:
        (statement,) = syntax.parsed(connection, query)
    except (syntax.Unreadable, ValueError):
        raise Refused(ONE) from None
    nodes = list(syntax.nodes(statement))
    named = _named(connection, nodes)
    known = {name.casefold() for name in tables}
    functions = _functions(connection)
    for node in nodes:
        if "class" in node:
            _check_expression(node, functions)
        elif str(node.get("type")).endswith("_NODE"):
            if node["type"] not in QUERIES:
                raise Refused(ONE)
        elif "query_location" in node and "sample" in node:
            _check_table(node, known | named, sorted(tables))
    whole: dict[str, Any] = statement["node"]
    return whole


def _check_text(query: str) -> None:
    if len(query) > MAX_CHARACTERS:
        raise Refused(f"It has {len(query):,} characters; at most {MAX_CHARACTERS:,} are read.")
    if "\0" in query:
        raise Refused("It holds a NUL character.")
    if not parquet.is_text(query):
        raise Refused(parquet.HALF)


def _check_table(node: dict[str, Any], known: Collection[str], given: list[str]) -> None:
    if node["type"] not in TABLES:
        raise Refused("DESCRIBE, SHOW and SUMMARIZE are not for here. " + ONE)
    if node["type"] == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"])
        if name.casefold() not in TABLE_FUNCTIONS:
            raise Refused(f"{name}() cannot be used as a table. There are: {', '.join(sorted(TABLE_FUNCTIONS))}.")
    if node["type"] == "BASE_TABLE":
        path = node["qualified_name"]["path"]
        if len(path) != 1 or path[0].casefold() not in known or node["at_clause"]:
            raise Refused(f"There is no table {'.'.join(path)!r}. The table is called {' or '.join(given)}.")


def _check_expression(node: dict[str, Any], functions: Collection[str]) -> None:
    if node["class"] == "PARAMETER":
        raise Refused(syntax.PARAMETER)
    if node["class"] in ("FUNCTION", "WINDOW"):
        name, place = str(node["function_name"]), (node.get("schema") or node.get("catalog"))
        if name.casefold() not in functions or place not in (None, "", "main"):
            raise Refused(f"The function {name}() does not exist, or cannot be used here.")


def _named(connection: duckdb.DuckDBPyConnection, nodes: list[dict[str, Any]]) -> set[str]:
    """The names that WITH gives. None may be one of the catalogue's, which it would open to the query itself."""
    maps = [node["cte_map"]["map"] for node in nodes if isinstance(node.get("cte_map"), dict)]
    named = {str(entry["key"]).casefold() for entries in maps for entry in entries}
    taken = {name.casefold() for (name,) in connection.execute("SELECT view_name FROM duckdb_views()").fetchall()}
    if clash := sorted(named & taken):
        raise Refused(f"Call it otherwise: {clash[0]!r} is taken.")
    return named


def _functions(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """What may be called: what computes a value from values, and nothing that tells of the database or changes it."""
    query = "SELECT lower(function_name), function_type, stability, schema_name FROM duckdb_functions()"
    found = set(VARYING)
    for name, kind, stability, schema in connection.execute(query).fetchall():
        computes = kind in ("aggregate", "window") or (kind == "scalar" and stability == "CONSISTENT")
        if computes or (kind == "macro" and schema == "main"):
            found.add(name)
    return found - REFUSED
