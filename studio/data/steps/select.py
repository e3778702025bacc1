"""select: some columns, in the order in which they are named."""

from pydantic import Field

from studio.data.parquet import quote
from studio.data.steps.base import Code, Columns, Outputs, Params, Step, Tools, column_of
from studio.data.steps.naming import Names, check_once


class SelectParams(Params):
    """Which columns stay."""

    columns: Names = Field(
        min_length=1,
        title="Columns",
        description="The columns that stay, in the order they shall have.",
        json_schema_extra={"widget": "column"},
    )


def outputs(params: SelectParams, columns: Columns) -> dict[str, str]:
    """The columns as they are."""
    check_once(params.columns, "columns")
    return {name: quote(column_of(columns, name, "columns").name) for name in params.columns}


def code(params: SelectParams, tools: Tools) -> Code:  # noqa: ARG001  the signature of steps that need models
    """With `datasets`."""
    return Code(f"rows.select_columns({params.columns!r})")


STEP = Step(
    name="select",
    title="Select columns",
    description="Keeps some columns, in the order in which they are named.",
    params=SelectParams,
    work=Outputs[SelectParams](outputs, "columns"),
    describe=lambda params: f"keep columns {', '.join(params.columns)}",
    code=code,
    group="Columns",
    example={"columns": ["label", "text"]},
)
