"""What DuckDB itself reads in a text of SQL: its syntax tree, and a walk through it."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

PARAMETER = "Write values out; there is nothing to put in for ? and $1."


class Unreadable(Exception):
    """There is no tree of this text; the message says why."""


def parsed(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The statements of a query; raises `Unreadable`."""
    row = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    try:
        tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    if tree["error"]:
        raise Unreadable(tree.get("error_message", "it is empty"))
    return list(tree["statements"])


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree; without recursion, since a user may nest as deep as the text allows."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
