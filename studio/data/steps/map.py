"""map: a column from a SQL expression over the row."""

from pydantic import Field

from studio.data.parquet import quote
from studio.data.steps.base import Columns, Outputs, Params, Step
from studio.data.steps.naming import check_new


class MapParams(Params):
    """What is computed, and where it goes."""

    into: str = Field(
        min_length=1,
        max_length=300,
        title="Into",
        description="The column that takes the result: a new one, or one that is replaced.",
        json_schema_extra={"widget": "column"},
    )
    expression: str = Field(
        min_length=1,
        max_length=2_000,
        title="Expression",
        description="SQL over the columns of a row, for example lower(trim(text)) or a / b.",
        json_schema_extra={"lines": 2},
    )


def outputs(params: MapParams, columns: Columns) -> dict[str, str]:
    """All columns, and the result in its place."""
    found = {column.name: quote(column.name) for column in columns}
    if params.into not in found:
        check_new(params.into, columns, "into")
    return found | {params.into: f"(\n{params.expression}\n)"}


STEP = Step(
    name="map",
    title="Compute a column",
    description="Fills a column with a SQL expression over the row.",
    params=MapParams,
    work=Outputs[MapParams](outputs, given=lambda params: params.expression),
    describe=lambda params: f"{params.into} = {params.expression}",
    group="Columns",
    example={"into": "length", "expression": "length(text)"},
)
