"""Filters, order and pages of small random tables against brute force; what is said of conditions that do not fit."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import InvalidInputs
from studio.data import filters, rows, views
from studio.data.filters import Condition
from studio.data.records import Column, Dataset
from studio.data.views import View
from tests.unit.data.test_rows import dataset_of

TEXTS = [
    "",
    " ",
    "\u2003\t",
    "a",
    "A",
    "ab",
    "é",
    "e\u0301",
    "😀",
    "%",
    "a_c",
    "a.c",
    "\\",
    "'; --",
    "nan",
    "\x1f",
    None,
]
NUMBERS = [0.0, -0.0, 1.5, -2.0, 1e300, math.inf, -math.inf, math.nan, None]
WHOLE = [0, 1, -1, 2**62, -(2**62), 7, None]
DAYS = [date(2024, 2, 29), date(1969, 12, 31), date(1, 1, 1), None]
MOMENTS = [datetime(2024, 2, 29, 13, 30), datetime(2024, 2, 29), datetime(1950, 1, 1, 0, 0, 0, 1), None]
LISTS = [[], ["a"], ["a", None], ["ab", "b", "a"], None]
FLAGS = [True, False, None]
MODEL: dict[str, list[Any]] = {"t": TEXTS, "f": NUMBERS, "i": WHOLE, "d": DAYS, "m": MOMENTS, "l": LISTS, "b": FLAGS}
TYPES = {
    "t": pa.string(),
    "f": pa.float64(),
    "i": pa.int64(),
    "d": pa.date32(),
    "m": pa.timestamp("us"),
    "l": pa.list_(pa.string()),
    "b": pa.bool_(),
}
Row = dict[str, Any]


def key(value: Any) -> Any:
    """Order of values as it is documented: NaN is the largest number and equals itself."""
    return (math.isnan(value), 0.0 if math.isnan(value) else value) if isinstance(value, float) else value


def holds(value: Any, op: str, given: Any) -> bool:
    """What a condition means, said once more in Python."""
    if op == "null" or value is None:
        return value is None and op == "null"
    meanings: dict[str, Callable[[], bool]] = {
        "not null": lambda: True,
        "true": lambda: value is True,
        "false": lambda: value is False,
        "is": lambda: value == given,
        "is not": lambda: value != given,
        "=": lambda: key(value) == key(given),
        "!=": lambda: key(value) != key(given),
        "<": lambda: key(value) < key(given),
        "<=": lambda: key(value) <= key(given),
        ">": lambda: key(value) > key(given),
        ">=": lambda: key(value) >= key(given),
        "between": lambda: key(given[0]) <= key(value) <= key(given[1]),
        "in": lambda: key(value) in [key(one) for one in given],
        "not in": lambda: key(value) not in [key(one) for one in given],
        "contains": lambda: given in value,
        "starts with": lambda: value.startswith(given),
        "matches": lambda: re.search(given, value) is not None,
        "empty": lambda: not value.strip(),
        "length =": lambda: len(value) == given,
        "length <=": lambda: len(value) <= given,
        "length >=": lambda: len(value) >= given,
    }
    return meanings[op]()


def order(value: Any) -> Any:
    """Sort key of what is there: text by its bytes."""
    return value.encode() if isinstance(value, str) else key(value)


def values(column: str, op: str) -> st.SearchStrategy[Any]:
    present = [value for value in MODEL[column] if value is not None]
    if op in filters.VALUELESS:
        return st.none()
    if op.startswith("length"):
        return st.integers(0, 3)
    if op == "matches":
        return st.sampled_from(["^a", "b$", "[a-z]", "a.c", "x*", "é|A"])
    if column == "l":
        return st.sampled_from(["a", "b", "", "x"])
    if op == "between":
        return st.tuples(st.sampled_from(present), st.sampled_from(present))
    if op in ("in", "not in"):
        return st.lists(st.sampled_from(present), min_size=1, max_size=4)
    return st.sampled_from(present)


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, str, Any]:
    column = draw(st.sampled_from(sorted(MODEL)))
    op = draw(st.sampled_from(filters.operators(Column(column, DUCKDB[column], "other"))))
    return column, op, draw(values(column, op))


DUCKDB = {"t": "VARCHAR", "f": "DOUBLE", "i": "BIGINT", "d": "DATE", "m": "TIMESTAMP", "l": "VARCHAR[]", "b": "BOOLEAN"}


def bound(value: Any) -> Any:
    """A value as a form or a JSON body has it."""
    if isinstance(value, list | tuple):
        return tuple(bound(one) for one in value)
    return value.isoformat() if isinstance(value, date) else value


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    return draw(
        st.lists(st.fixed_dictionaries({name: st.sampled_from(kinds) for name, kinds in MODEL.items()}), max_size=25)
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=tables(),
    asked=st.lists(conditions(), max_size=3),
    sort=st.sampled_from(["", "t", "f", "i", "d", "m", "b"]),
    descending=st.booleans(),
    offset=st.integers(0, 5),
    limit=st.integers(0, 10),
    cut=st.integers(0, 25),
)
def test_views_equal_brute_force(
    tmp_path: Path,
    lines: list[Row],
    asked: list[tuple[str, str, Any]],
    sort: str,
    descending: bool,
    offset: int,
    limit: int,
    cut: int,
) -> None:
    schema = pa.schema(list(TYPES.items()))
    parts = [pa.Table.from_pylist(part, schema) for part in (lines[:cut], lines[cut:]) if part or not lines]
    dataset = dataset_of(tmp_path, train=parts)
    given = tuple(Condition(column=column, op=op, value=bound(value)) for column, op, value in asked)
    view = View(conditions=given, sort=sort, descending=descending, offset=offset, limit=limit)
    page = views.page(dataset, view)

    kept = [
        place for place, row in enumerate(lines) if all(holds(row[column], op, value) for column, op, value in asked)
    ]
    if sort:  # equal rows stay in the order of the files
        there = [place for place in kept if lines[place][sort] is not None]
        there.sort(key=lambda place: order(lines[place][sort]), reverse=descending)
        kept = there + [place for place in kept if lines[place][sort] is None]
    assert page.matching == len(kept)
    assert page.numbers == kept[offset : offset + limit]
    assert page.total == len(lines)
    assert [row[0] for row in page.rows] == [lines[place]["t"] for place in page.numbers]


CASES = [
    ({"column": "nope", "op": "="}, "column", "Known: t, f"),
    ({"column": "t", "op": "<", "value": 1}, "op", "For VARCHAR there are: is, is not"),
    ({"column": "t", "op": "is"}, "value", "one value"),
    ({"column": "t", "op": "is", "value": ["a", "b"]}, "value", "one value"),
    ({"column": "t", "op": "null", "value": "x"}, "value", "takes no value"),
    ({"column": "t", "op": "in", "value": []}, "value", "list of 1 to 1,000"),
    ({"column": "t", "op": "in", "value": ["x"] * 1_001}, "value", "list of 1 to 1,000"),
    ({"column": "t", "op": "matches", "value": "(["}, "value", "no pattern (RE2)"),
    ({"column": "t", "op": "matches", "value": "(?=a)"}, "value", "no pattern (RE2)"),
    ({"column": "t", "op": "matches", "value": "a" * 1_001}, "value", "at most 1,000"),
    ({"column": "t", "op": "length >=", "value": "1.5"}, "value", "whole number"),
    ({"column": "f", "op": "between", "value": [1]}, "value", "two values"),
    ({"column": "f", "op": ">", "value": "many"}, "value", "Give a number."),
    ({"column": "f", "op": ">", "value": True}, "value", "Give a number."),
    ({"column": "i", "op": "=", "value": "9" * 60}, "value", "larger than any number"),
    ({"column": "d", "op": ">", "value": "yesterday"}, "value", "2024-12-31"),
    ({"column": "m", "op": ">", "value": "2024-13-01"}, "value", "2024-12-31"),
    ({"column": "b", "op": "=", "value": True}, "op", "true, false, null"),
    ({"column": "l", "op": "=", "value": "a"}, "op", "contains, length ="),
]


@pytest.fixture
def small(tmp_path: Path) -> Dataset:
    row = {"t": "a", "f": 1.0, "i": 1, "d": date(2024, 1, 1), "m": datetime(2024, 1, 1), "l": ["a"], "b": True}
    return dataset_of(tmp_path, train=[pa.Table.from_pylist([row], pa.schema(list(TYPES.items())))])


@pytest.mark.parametrize(("condition", "field", "words"), CASES)
def test_a_condition_that_does_not_fit_says_why(
    small: Dataset, condition: dict[str, Any], field: str, words: str
) -> None:
    fine = Condition(column="t", op="not null")
    with pytest.raises(InvalidInputs) as caught:
        views.page(small, View(conditions=(fine, Condition(**condition))))
    (problem,) = caught.value.problems
    assert problem.field == f"conditions.1.{field}"
    assert words in problem.expected


def test_every_problem_is_told_at_once(small: Dataset) -> None:
    wrong = tuple(Condition(column="t", op=op) for op in ("<", "is", "nope"))
    with pytest.raises(InvalidInputs) as caught:
        views.page(small, View(conditions=wrong))
    assert len(caught.value.problems) == 3
    with pytest.raises(InvalidInputs, match="At most 50"):
        views.page(small, View(conditions=tuple(Condition(column="t", op="null") for _ in range(51))))


def test_values_are_never_sql(small: Dataset) -> None:
    for text in ("' OR 1=1 --", "a'); DROP TABLE x; --", '"', "?", "$1"):
        for op in ("is", "contains", "starts with"):
            page = views.page(small, View(conditions=(Condition(column="t", op=op, value=text),)))
            assert (page.rows, page.matching) == ([], 0)


def test_empty_is_what_holds_white_space_alone(tmp_path: Path) -> None:
    spaces = [*rows.WHITESPACE, rows.WHITESPACE, ""]
    texts = [*spaces, *(f"{space}x" for space in spaces), "\u200b", "0"]
    dataset = dataset_of(tmp_path, train=[pa.table({"t": texts})])
    assert views.count(dataset, View(conditions=(Condition(column="t", op="empty"),))) == len(spaces)


def test_an_empty_list_does_not_contain_the_empty_text(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"l": [[], [""], ["a"]]})])
    assert views.count(dataset, View(conditions=(Condition(column="l", op="contains", value=""),))) == 1


def test_signs_may_be_written_as_in_mathematics(small: Dataset) -> None:
    for op, matching in (("≠", 0), ("≤", 1), ("≥", 1)):
        assert views.count(small, View(conditions=(Condition(column="f", op=op, value=1),))) == matching


def test_conditions_on_bytes_maps_structs_and_zones(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 1, 12)
    table = pa.table(
        {
            "raw": [b"abc", None],
            "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())),
            "struct": [{"x": "needle"}, {"x": "hay"}],
            "zoned": pa.array([moment, None], pa.timestamp("us", tz="UTC")),
            "numbers": [[1, 2], [3]],
            "clock": pa.array([0, 3_600_000_000], pa.time64("us")),
            "money": pa.array([1, 2], pa.decimal128(10, 2)),
        }
    )
    dataset = dataset_of(tmp_path, train=[table])
    for column, op, value, expected in (
        ("raw", "length =", 3, [0]),
        ("map", "length =", 0, [1]),
        ("struct", "contains", "needle", [0]),
        ("zoned", "=", "2024-01-01T12:00", [0]),
        ("zoned", "=", "2024-01-01T14:00+02:00", [0]),
        ("zoned", "null", None, [1]),
        ("numbers", "contains", 3, [1]),
        ("clock", ">=", "00:30", [1]),
        ("money", "=", "2.00", [1]),
    ):
        found = views.page(dataset, View(conditions=(Condition(column=column, op=op, value=value),))).numbers
        assert found == expected, (column, op)
