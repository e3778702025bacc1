"""rename: another name for a column."""

from pydantic import Field

from studio.data.parquet import quote
from studio.data.steps.base import Code, Columns, Outputs, Params, Step, Tools, column_of
from studio.data.steps.naming import check_new


class RenameParams(Params):
    """Which column, and how it is called from then on."""

    column: str = Field(
        min_length=1,
        max_length=300,
        title="Column",
        description="The column that gets another name.",
        json_schema_extra={"widget": "column"},
    )
    to: str = Field(min_length=1, max_length=300, title="New name", description="How it is called from then on.")


def outputs(params: RenameParams, columns: Columns) -> dict[str, str]:
    """All columns, in their order."""
    old = column_of(columns, params.column, "column")
    check_new(params.to, tuple(column for column in columns if column != old), "to")
    return {params.to if column == old else column.name: quote(column.name) for column in columns}


def code(params: RenameParams, tools: Tools) -> Code:  # noqa: ARG001  the signature of steps that need models
    """With `datasets`."""
    return Code(f"rows.rename_columns({{{params.column!r}: {params.to!r}}})")


STEP = Step(
    name="rename",
    title="Rename a column",
    description="Gives a column another name.",
    params=RenameParams,
    work=Outputs[RenameParams](outputs, "to"),
    describe=lambda params: f"call {params.column} {params.to}",
    code=code,
    group="Columns",
    example={"column": "text", "to": "sentence"},
)
