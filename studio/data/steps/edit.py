"""edit: cells that are set, rows that are added and rows that are deleted, in one split."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from functools import partial
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import BeforeValidator, Field

from studio.core.errors import InvalidInput
from studio.data import parquet
from studio.data.records import Column
from studio.data.steps.base import Code, Columns, Params, Rows, Step, Tools, column_of
from studio.data.steps.tables import kept, with_column

Value = str | bool | int | float | None
MOST = 100_000  # cells and rows of one step
LARGEST = 2**53
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
WRITTEN = {  # type → how its values are written, as text: what JSON has no word for, or floats would not keep
    "DATE": "2026-11-30",
    "TIME": "23:59:00",
    "TIMESTAMP": "2026-11-30 23:59:00",
    "TIMESTAMP WITH TIME ZONE": "2026-11-30 23:59:00+00:00",
}


def from_text(value: object) -> object:
    """Forms give lists as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else []
    except (ValueError, RecursionError):
        raise ValueError('Write it as JSON, for example [{"row": 3, "column": "text", "value": "new"}].') from None


def _plain(value: object) -> object:
    """YAML reads dates where they are not quoted."""
    return value.isoformat() if isinstance(value, date | time) else value


Given = Annotated[Value, BeforeValidator(_plain)]


class Cell(Params):
    """A cell and what stands in it from then on."""

    row: int = Field(ge=0, le=LARGEST, title="Row", description="Its number; the first row is 0.")
    column: str = Field(min_length=1, max_length=300, title="Column", description="Its column.")
    value: Given = Field(None, title="Value", description="What stands in it; nothing for an empty cell.")


Cells = Annotated[list[Cell], BeforeValidator(from_text)]
Added = Annotated[list[dict[str, Given]], BeforeValidator(from_text)]
Deleted = Annotated[list[Annotated[int, Field(ge=0, le=LARGEST)]], BeforeValidator(from_text)]


class EditParams(Params):
    """What is changed by hand. Row numbers are those before the step."""

    split: str = Field(
        "train",
        min_length=1,
        max_length=100,
        title="Split",
        description="Which part of the data set is edited.",
        json_schema_extra={"widget": "split"},
    )
    cells: Cells = Field(
        default_factory=list,
        max_length=MOST,
        title="Cells",
        description='What is set, as JSON: [{"row": 3, "column": "text", "value": "new"}].',
        json_schema_extra={"widget": "json", "lines": 3},
    )
    delete: Deleted = Field(
        default_factory=list,
        max_length=MOST,
        title="Deleted rows",
        description="Their numbers, as JSON: [4, 7].",
        json_schema_extra={"widget": "json"},
    )
    add: Added = Field(
        default_factory=list,
        max_length=MOST,
        title="Added rows",
        description='What comes after the last row, as JSON: [{"text": "new", "label": "a"}].',
        json_schema_extra={"widget": "json", "lines": 3},
    )


def edited(
    table: pa.Table, numbers: Sequence[int], cells: Sequence[tuple[int, str, object]], delete: Sequence[int]
) -> pa.Table:
    """The rows with their cells set, without those that are deleted; `cells` and `delete` are in ascending order."""
    if not len(numbers):
        return table
    first, last = numbers[0], numbers[-1]
    new: dict[str, dict[int, object]] = {}
    for row, column, value in cells:
        if first <= row <= last:
            new.setdefault(column, {})[row - first] = value
    for column, values in new.items():
        old = table.column(column)
        more = pa.array([typed(value, old.type) for value in values.values()], old.type)
        places = np.arange(len(old))
        places[list(values)] = np.arange(len(old), len(old) + len(more))
        table = with_column(table, column, pa.concat_arrays([*old.chunks, more]).take(pa.array(places)))
    gone = [row - first for row in delete if first <= row <= last]
    stay = np.ones(table.num_rows, dtype=bool)
    stay[gone] = False
    return kept(table, stay.tolist()) if gone else table


def typed(value: Any, kind: pa.DataType) -> Any:
    """A value as JSON has it, as Arrow takes it for a column of this type; raises what Arrow raises."""
    if not isinstance(value, str) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return value
    if pa.types.is_time(kind):
        found = time.fromisoformat(value)
        if found.tzinfo is not None:
            raise ValueError("a time of no zone")
        return found
    return pa.scalar(value).cast(kind).as_py()


def written(column: Column) -> str:
    """How a value of the column is written as text, by an example; "" where a text, a number or yes and no will do."""
    if found := DECIMAL.fullmatch(column.type):
        digits, places = int(found[1]), int(found[2])
        whole = "12"[: digits - places] or "0"
        return f"{whole}.{'50'[:places]}" if places else whole
    return WRITTEN.get(column.type, "")


def checked(column: Column, value: Value) -> None:
    """Raise `InvalidInput` at the column's name for a value that does not fit it."""
    _check_value(_types((column,)), (column,), column.name, value, column.name)


def _settings(params: EditParams) -> tuple[list[tuple[int, str, object]], list[int]]:
    cells: list[tuple[int, str, object]] = [(cell.row, cell.column, cell.value) for cell in params.cells]
    cells.sort(key=lambda cell: cell[:2])
    return cells, sorted(params.delete)


def function(params: EditParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What sets and deletes."""
    cells, delete = _settings(params)
    return partial(edited, cells=cells, delete=delete)


def added(params: EditParams, schema: pa.Schema) -> pa.Table | None:
    """The new rows; what is not named in them is empty."""
    if not params.add:
        return None
    arrays = [pa.array([typed(row.get(field.name), field.type) for row in params.add], field.type) for field in schema]
    return pa.table(arrays, schema=schema)


def check(params: EditParams) -> None:
    """Whether something is edited, and nothing twice."""
    if not (params.cells or params.delete or params.add):
        raise InvalidInput("cells", "nothing", "Name a cell, a row to delete or a row to add.")
    seen = set()
    for place, cell in enumerate(params.cells):
        if (cell.row, cell.column) in seen:
            raise InvalidInput(f"cells.{place}", f"row {cell.row}, {cell.column}", "This cell is set twice.")
        seen.add((cell.row, cell.column))
    if len(set(params.delete)) < len(params.delete):
        raise InvalidInput("delete", params.delete, "A row is named twice.")


def columns(params: EditParams, before: Columns) -> Columns:
    """The same, once every value fits its column."""
    types = _types(before)
    for place, cell in enumerate(params.cells):
        _check_value(types, before, cell.column, cell.value, f"cells.{place}")
    for place, row in enumerate(params.add):
        for name, value in row.items():
            _check_value(types, before, name, value, f"add.{place}")
    return before


def last_row(params: EditParams) -> int:
    """The largest number that is named; -1 for none."""
    return max([-1, *params.delete, *(cell.row for cell in params.cells)])


def _types(columns: Columns) -> Mapping[str, pa.DataType]:
    listed = ", ".join(f"CAST(NULL AS {column.type}) AS {parquet.quote(column.name)}" for column in columns)
    with parquet.connect([]) as connection:
        schema = connection.sql(f"SELECT {listed}").to_arrow_table().schema
    return {field.name: field.type for field in schema}


def _check_value(types: Mapping[str, pa.DataType], columns: Columns, name: str, value: Value, field: str) -> None:
    column = column_of(columns, name, f"{field}.column")
    form = written(column)
    if value is None:
        return
    if column.kind == "other" and not form:
        raise InvalidInput(f"{field}.value", value, f"Cells of type {column.type} cannot be set by hand, only emptied.")
    try:
        fits = _said_right(column, value)
        pa.array([typed(value, types[name])], types[name])
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        fits = False
    if not fits:
        wanted = f"; write it as text, for example {form}" if form else ""
        raise InvalidInput(f"{field}.value", value, f"The column {name!r} holds {column.type}{wanted}.")


def _said_right(column: Column, value: Value) -> bool:
    """Whether a value is given as its column wants it: never a float for a decimal, nor a number for a date."""
    if written(column):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, str) or (whole and column.kind == "number")
    return (isinstance(value, bool), isinstance(value, str)) == (column.kind == "boolean", column.kind == "text")


def code(params: EditParams, tools: Tools) -> Code:  # noqa: ARG001  the signature of steps that need models
    """With `datasets`."""
    cells, delete = _settings(params)
    line = f"by_rows(rows, partial(edited, cells={cells!r}, delete={delete!r}))"
    if not params.add:
        return Code(line, (edited,))
    return Code(f"with_added({line}, {params.add!r})", (edited, with_added))


def with_added(rows: Any, more: list[dict[str, object]]) -> Any:
    """The data set with some rows at its end."""
    from datasets import Dataset, concatenate_datasets

    schema = rows.features.arrow_schema
    whole = [{field.name: typed(row.get(field.name), field.type) for field in schema} for row in more]
    return concatenate_datasets([rows, Dataset.from_list(whole, features=rows.features)])


STEP = Step(
    name="edit",
    title="Edit by hand",
    description="Sets cells, adds rows and deletes rows of one split, by their numbers.",
    params=EditParams,
    work=Rows[EditParams](function, columns, added, of=lambda params: params.split, last=last_row),
    describe=lambda params: (
        f"{len(params.cells)} cells set, {len(params.delete)} rows deleted, {len(params.add)} added in {params.split}"
    ),
    check=check,
    code=code,
    example={
        "cells": [{"row": 1, "column": "text", "value": "new"}],
        "delete": [0],
        "add": [{"text": "last", "label": "a"}],
    },
)
