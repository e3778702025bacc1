"""Conditions on columns, each by the type of its column, as SQL with bound values.

A row without a value in the column fulfils no condition but `null`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, InvalidInputs
from studio.data import media, parquet, reading
from studio.data.parquet import quote
from studio.data.records import NUMBERS, Column, column_kind

Family = Literal["text", "number", "time", "boolean", "list", "bytes", "other"]
Scalar = bool | int | float | str
Labels = Mapping[str, Sequence[str]]

ORDER = ("=", "!=", "<", "<=", ">", ">=", "between", "in", "not in")
LENGTH = ("length =", "length <=", "length >=")
PRESENCE = ("null", "not null")
OPERATORS: dict[Family, tuple[str, ...]] = {
    "text": ("is", "is not", "contains", "starts with", "matches", "empty", "in", "not in", *LENGTH, *PRESENCE),
    "number": (*ORDER, *PRESENCE),
    "time": (*ORDER, *PRESENCE),
    "boolean": ("true", "false", *PRESENCE),
    "list": ("contains", *LENGTH, *PRESENCE),
    "bytes": (*LENGTH, *PRESENCE),
    "other": ("contains", *PRESENCE),
}
SPELLINGS = {"≠": "!=", "≤": "<=", "≥": ">=", "length ≤": "length <=", "length ≥": "length >="}
# op → SQL of the column x and the value v; the others are written x op v
WRITTEN = {
    "is": "{x} = {v}",
    "is not": "{x} <> {v}",
    "contains": "contains({x}, {v})",
    "starts with": "starts_with({x}, {v})",
    "matches": "regexp_matches({x}, {v})",
    "empty": "regexp_full_match({x}, '[\\s\\pZ\\x{{1c}}-\\x{{1f}}\\x{{85}}\\v]*')",
    "true": "{x}",
    "false": "NOT {x}",
    "null": "{x} IS NULL",
    "not null": "{x} IS NOT NULL",
}
VALUELESS = frozenset({"empty", "true", "false", *PRESENCE})
MAX_CONDITIONS = 50
MAX_VALUES = 1_000
MAX_PATTERN = 1_000
LARGEST = 2**127 - 1  # of DuckDB's integers


class Condition(BaseModel):
    """One condition on one column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(description="Name of the column.")
    op: str = Field(description="What must hold, for example contains, <=, between, null; it depends on the type.")
    value: Scalar | tuple[Scalar, ...] | None = Field(
        None, description="What it is compared with: a list for between, in and not in; nothing for null, empty, true."
    )


@dataclass(frozen=True)
class Clause:
    """What stands behind WHERE, "" for every row, and the values bound in it."""

    sql: str = ""
    values: tuple[object, ...] = ()


def family(column: Column) -> Family:
    """What kind of conditions a column takes."""
    base = column.type.split("(")[0]
    if column.type.endswith("]") or base == "MAP":
        return "list"
    if column.type in ("BLOB", media.COLUMN):
        return "bytes"
    if base in {"VARCHAR", "ENUM", "UUID"}:
        return "text"
    if base == "BOOLEAN":
        return "boolean"
    if base in {"DATE", "TIME"} or base.startswith("TIMESTAMP"):
        return "time"
    return "number" if base in NUMBERS else "other"


def operators(column: Column) -> tuple[str, ...]:
    """What can be asked of a column, in the order of a menu."""
    return OPERATORS[family(column)]


def compiled(columns: Sequence[Column], conditions: Sequence[Condition], labels: Labels | None = None) -> Clause:
    """All conditions, joined by AND.

    Args:
        columns: those of the split.
        conditions: what must hold of each row.
        labels: column → the names of its classes, in the order of their numbers; they stand for the numbers.

    Raises:
        InvalidInputs: one problem for each condition that cannot be used, at `conditions.NUMBER.FIELD`.
    """
    if len(conditions) > MAX_CONDITIONS:
        expected = f"At most {MAX_CONDITIONS} conditions can be joined."
        raise InvalidInputs([InvalidInput("conditions", len(conditions), expected)])
    by_name = {column.name: column for column in columns}
    parts, values, problems = list[str](), list[object](), list[InvalidInput]()
    for place, condition in enumerate(conditions):
        try:
            part = _compiled(by_name, condition, labels or {})
        except InvalidInput as problem:
            field = f"conditions.{place}.{problem.field}"
            problems.append(InvalidInput(field, problem.value, problem.expected))
        else:
            parts.append(f"({part.sql})")
            values += part.values
    if problems:
        raise InvalidInputs(problems)
    return Clause(" AND ".join(parts), tuple(values))


def _compiled(columns: Mapping[str, Column], condition: Condition, labels: Labels) -> Clause:
    column = columns.get(condition.column)
    if column is None:
        raise InvalidInput("column", condition.column, f"There is no such column. Known: {', '.join(columns)}.")
    op, known = SPELLINGS.get(condition.op, condition.op), operators(column)
    if op not in known:
        raise InvalidInput("op", condition.op, f"For {column.type} there are: {', '.join(known)}.")
    values = tuple(_value(column, op, value, labels.get(column.name, ())) for value in _given(condition, op))
    holder = _holder(column)
    if op == "between":
        sql = f"{_left(column, op)} BETWEEN {holder} AND {holder}"
    elif op in ("in", "not in"):
        sql = f"{_left(column, op)} {op.upper()} ({', '.join([holder] * len(values))})"
    else:
        # DuckDB takes contains(list, '') for true, as it is of texts
        written = "list_contains({x}, {v})" if op == "contains" and _items(column) else WRITTEN.get(op)
        form = written or "{x} " + op.removeprefix("length ") + " {v}"
        sql = form.format(x=_left(column, op), v=holder)
    return Clause(sql, values)


def _given(condition: Condition, op: str) -> tuple[Scalar, ...]:
    """The values, as many as the operator takes."""
    value = condition.value
    values = () if value is None else value if isinstance(value, tuple) else (value,)
    if op in VALUELESS:
        fits, expected = not values, "It takes no value."
    elif op == "between":
        fits, expected = len(values) == 2, "Give two values, the smallest and the largest."
    elif op in ("in", "not in"):
        fits, expected = 1 <= len(values) <= MAX_VALUES, f"Give a list of 1 to {MAX_VALUES:,} values."
    else:
        fits, expected = len(values) == 1, "Give one value."
    if not fits:
        raise InvalidInput("value", value, expected)
    return values


def _left(column: Column, op: str) -> str:
    """What of the column is compared."""
    name, kind = quote(column.name), family(column)
    if op in PRESENCE:
        return name
    if not op.startswith("length"):
        if kind == "list":
            return name if _items(column) else f"CAST({name} AS VARCHAR)"
        return reading.as_text(column) if kind in ("text", "other") else name
    if kind == "bytes":
        return f"octet_length({name}.bytes)" if column.type == media.COLUMN else f"octet_length({name})"
    if kind == "list":
        return f"cardinality({name})" if column.type.startswith("MAP") else f"len({name})"
    return f"length({reading.as_text(column)})"


def _holder(column: Column) -> str:
    """Where a value goes, with its type where text stands for it."""
    if family(column) == "time":
        return f"CAST(? AS {'TIMESTAMP' if column.type == 'DATE' else column.type})"
    return "?"


def _items(column: Column) -> str:
    """The type of a list's items where single ones can be asked for: texts, numbers and booleans; otherwise ""."""
    inner = re.sub(r"\[\d*\]$", "", column.type)
    return inner if inner != column.type and column_kind(inner) != "other" else ""


def _value(column: Column, op: str, value: Scalar, labels: Sequence[str]) -> object:
    """A value as it is bound."""
    kind = family(column)
    if op.startswith("length"):
        number = _number(value)
        if not isinstance(number, int):
            raise InvalidInput("value", value, "Give a whole number.")
        return number
    if kind == "time":
        return _moment(column, value)
    items = _items(column) if kind == "list" else column.type
    if items and column_kind(items) == "number":
        if value in labels:
            return labels.index(str(value))
        return _number(value, labels)
    if items == "BOOLEAN":
        if str(value).lower() not in ("true", "false"):
            raise InvalidInput("value", value, "Give true or false.")
        return str(value).lower() == "true"
    return _pattern(str(value)) if op == "matches" else str(value)


def _number(value: Scalar, labels: Sequence[str] = ()) -> int | float | Decimal:
    names = f" or a class: {', '.join(labels[:20])}" if labels else ""
    text = "" if isinstance(value, bool) else str(value).strip()
    try:
        if re.fullmatch(r"[+-]?[0-9]{1,100}", text):
            number: int | float | Decimal = int(text)
        else:
            number = float(text)
    except ValueError:
        raise InvalidInput("value", value, f"Give a number{names}.") from None
    if isinstance(number, int) and abs(number) > LARGEST:
        raise InvalidInput("value", value, "It is larger than any number that a column can hold.")
    return number


def _moment(column: Column, value: Scalar) -> str:
    """A date or time of day in ISO 8601; without a time zone it is UTC where the column has zones."""
    text, clock = str(value).strip(), column.type.startswith("TIME") and "STAMP" not in column.type
    try:
        if clock:
            return time.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        like = "13:30" if clock else "2024-12-31 or 2024-12-31T13:30"
        raise InvalidInput("value", value, f"Write it as {like}.") from None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    zoned = zoned.astimezone(UTC)
    return zoned.isoformat() if column.type.endswith("ZONE") else zoned.replace(tzinfo=None).isoformat()


def _pattern(text: str) -> str:
    if len(text) > MAX_PATTERN:
        raise InvalidInput("value", text, f"A pattern has at most {MAX_PATTERN:,} characters.")
    try:
        with parquet.connect([]) as connection:
            connection.execute("SELECT regexp_matches('', ?)", [text]).fetchall()
    except duckdb.Error as error:
        raise InvalidInput("value", text, f"This is no pattern (RE2): {parquet.reason(error)}.") from None
    return text
