"""cast: a column in another type."""

from typing import Literal

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data.parquet import quote
from studio.data.steps.base import Columns, Outputs, Params, Step, column_of

TYPES = {
    "text": "VARCHAR",
    "whole number": "BIGINT",
    "number": "DOUBLE",
    "true or false": "BOOLEAN",
    "date": "DATE",
    "time": "TIMESTAMP",
}
Type = Literal["text", "whole number", "number", "true or false", "date", "time"]


class CastParams(Params):
    """Which column, and as what."""

    column: str = Field(
        min_length=1,
        max_length=300,
        title="Column",
        description="The column whose type changes.",
        json_schema_extra={"widget": "column"},
    )
    type: Type = Field(title="Type", description="What its values become. Whole numbers have 64 bits.")
    otherwise: Literal["stop", "null"] = Field(
        "stop",
        title="What does not fit",
        description="What happens at a value that cannot be read as the type: stop with an error, or leave it empty.",
    )


def outputs(params: CastParams, columns: Columns) -> dict[str, str]:
    """All columns, one of them cast."""
    column = column_of(columns, params.column, "column")
    if params.type != "text" and (column.type.endswith("]") or column.type.startswith(("STRUCT", "MAP", "BLOB"))):
        raise InvalidInput("type", params.type, f"The column holds {column.type}, which is none.")
    changed = column.name
    cast = f"{'TRY_' if params.otherwise == 'null' else ''}CAST({quote(changed)} AS {TYPES[params.type]})"
    return {column.name: cast if column.name == changed else quote(column.name) for column in columns}


STEP = Step(
    name="cast",
    title="Change a type",
    description="Gives a column another type.",
    params=CastParams,
    work=Outputs[CastParams](outputs, "type"),
    describe=lambda params: f"read {params.column} as {params.type}",
    group="Columns",
    example={"column": "number", "type": "text"},
)
