"""Cells as JSON values: what of each is fetched (never the whole of a picture, a sound or a very long text)."""

import datetime
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

import duckdb

from studio.data import media
from studio.data.parquet import quote
from studio.data.records import Column

FOLD = 4  # times the limit is what is fetched of a nested value as it is; of a longer one its start, as text


class Cell(NamedTuple):
    """A value as JSON; `length` is its true length in characters where it is cut, 0 where it is whole."""

    value: Any
    length: int = 0


def light(column: Column, expression: str, limit: int) -> str:
    """SQL of a cell without what is too heavy for a page: bytes, and a text's end, of which the length is told."""
    if column.type == "VARCHAR":
        return f"{{'text': left({expression}, {limit}), 'length': length({expression})}}"
    if _nested(column):
        text, most = f"CAST(to_json({expression}) AS VARCHAR)", FOLD * limit
        whole = f"CASE WHEN strlen({text}) <= {most} THEN {expression} END"
        start = f"CASE WHEN strlen({text}) > {most} THEN left({text}, {limit}) END"
        return f"{{'whole': {whole}, 'text': {start}, 'length': length({text})}}"
    return _light(expression, duckdb.sqltype(column.type), count())


def cell(column: Column, value: Any, limit: int) -> Cell:
    """A cell that `light` has fetched."""
    if column.type == "VARCHAR":
        text, length = value["text"], value["length"]
        return Cell(text, length) if text is not None and length > limit else Cell(text)
    if _nested(column):
        if value["text"] is not None:
            return Cell(value["text"], value["length"])
        value = value["whole"]
    shown = _described(duckdb.sqltype(column.type), value) if "BLOB" in column.type else plain(value)
    if isinstance(shown, list | dict):
        text = as_json(shown)
        return Cell(text[:limit], len(text)) if len(text) > limit else Cell(shown)
    return Cell(shown)


def _nested(column: Column) -> bool:
    """Whether it may hold any number of values, none of them bytes."""
    nested = column.type.endswith("]") or column.type.startswith(("STRUCT", "MAP", "UNION"))
    return nested and "BLOB" not in column.type


def as_json(value: Any) -> str:
    """Nested values as the text that is shown of them."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def plain(value: object) -> Any:
    """A value of DuckDB as strict JSON: NaN and infinities as text, bytes as a note, dates in ISO 8601."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    return str(value)


def _number(value: Decimal) -> int | float | str:
    """As a number where that says it exactly, else as text."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else format(value, "f")


def _light(name: str, type_: Any, numbers: Iterator[int]) -> str:
    """The expression with the bytes inside it replaced: of media the head and the size, of others a note."""
    if "BLOB" not in str(type_):
        return name
    if str(type_) == media.COLUMN:
        fields = f"'head': {name}.bytes[1:{media.HEAD}], 'size': octet_length({name}.bytes), 'path': {name}.path"
        return f"CASE WHEN {name} IS NOT NULL THEN {{{fields}}} END"
    if type_.id == "blob":
        return f"'<' || octet_length({name}) || ' bytes>'"
    if type_.id in ("list", "array"):
        item = f"x{next(numbers)}"
        return f"list_transform({name}, lambda {item}: {_light(item, type_.children[0][1], numbers)})"
    if type_.id == "struct":
        inner = ", ".join(
            f"{_key(field)}: {_light(f'{name}.{quote(field)}', child, numbers)}" for field, child in type_.children
        )
        return f"CASE WHEN {name} IS NOT NULL THEN {{{inner}}} END"
    return f"CAST({name} AS VARCHAR)"


def _key(field: str) -> str:
    return "'" + field.replace("'", "''") + "'"


def _described(type_: Any, value: Any) -> Any:
    """`plain`, with media said in a few words wherever they stand."""
    if value is None or "BLOB" not in str(type_):
        return plain(value)
    if str(type_) == media.COLUMN:
        return media.describe(value["head"], value["size"], value["path"])
    if type_.id in ("list", "array"):
        return [_described(type_.children[0][1], one) for one in value]
    if type_.id == "struct":
        return {field: _described(child, value[field]) for field, child in type_.children}
    return plain(value)
