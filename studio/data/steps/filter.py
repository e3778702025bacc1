"""filter: the rows for which a SQL condition is true."""

from pydantic import Field

from studio.data.steps.base import Params, Step, Where


class FilterParams(Params):
    """Which rows stay."""

    condition: str = Field(
        min_length=1,
        max_length=5_000,
        title="Condition",
        description="A SQL condition over the columns of a row, for example length(text) > 20 AND label <> 'other'. "
        "Rows for which it is false or unknown (null) are removed.",
        json_schema_extra={"lines": 2},
    )


STEP = Step(
    name="filter",
    title="Filter",
    description="Keeps the rows for which a SQL condition is true.",
    params=FilterParams,
    work=Where[FilterParams](lambda params: params.condition),
    describe=lambda params: f"keep rows where {params.condition}",
    example={"condition": "length(text) > 3"},
)
