"""DuckDB's tree of a text of SQL, and the walk through it."""

import pytest

from studio.data import parquet, syntax


def names(query: str) -> list[str]:
    with parquet.connect([]) as connection:
        (statement,) = syntax.parsed(connection, query)
    return sorted(str(node["function_name"]) for node in syntax.nodes(statement) if "function_name" in node)


def test_every_part_is_walked_through() -> None:
    query = "WITH a AS (SELECT lower(x) FROM t) SELECT upper(y), [sin(1), {'k': cos(2)}] FROM a WHERE tan(z) > 0"
    assert {"lower", "upper", "sin", "cos", "tan"} <= set(names(query))


def test_a_chain_deeper_than_python_recurses_is_walked_through() -> None:
    tree: object = {"function_name": "last"}
    for _ in range(20_000):
        tree = [{"inner": tree}]
    assert sum("function_name" in node for node in syntax.nodes(tree)) == 1


@pytest.mark.parametrize("query", ["SELECT (", "DROP TABLE x", "SELECT 'a"])
def test_what_is_no_query_has_no_tree(query: str) -> None:
    with parquet.connect([]) as connection, pytest.raises(syntax.Unreadable):
        syntax.parsed(connection, query)


def test_several_statements_are_several() -> None:
    with parquet.connect([]) as connection:
        assert len(syntax.parsed(connection, "SELECT 1; SELECT 2")) == 2
        assert syntax.parsed(connection, "") == []
