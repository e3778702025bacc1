"""drop: all columns but some."""

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data.parquet import quote
from studio.data.steps.base import Code, Columns, Outputs, Params, Step, Tools, column_of
from studio.data.steps.naming import Names, check_once


class DropParams(Params):
    """Which columns go."""

    columns: Names = Field(
        min_length=1,
        title="Columns",
        description="The columns that are removed.",
        json_schema_extra={"widget": "column"},
    )


def outputs(params: DropParams, columns: Columns) -> dict[str, str]:
    """The other columns as they are."""
    check_once(params.columns, "columns")
    gone = {column_of(columns, name, "columns").name for name in params.columns}
    if len(gone) == len(columns):
        raise InvalidInput("columns", ", ".join(params.columns), "No column would be left.")
    return {column.name: quote(column.name) for column in columns if column.name not in gone}


def code(params: DropParams, tools: Tools) -> Code:  # noqa: ARG001  the signature of steps that need models
    """With `datasets`."""
    return Code(f"rows.remove_columns({params.columns!r})")


STEP = Step(
    name="drop",
    title="Drop columns",
    description="Removes columns.",
    params=DropParams,
    work=Outputs[DropParams](outputs, "columns"),
    describe=lambda params: f"remove columns {', '.join(params.columns)}",
    code=code,
    group="Columns",
    example={"columns": ["number"]},
)
