"""The form of a job that mends a data set."""

from pydantic import BaseModel, ConfigDict, Field

from studio.data.mending import MAX_TEXT


class TransformParams(BaseModel):
    """A data set, and what is done to it."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(
        min_length=1,
        max_length=300,
        title="Dataset",
        description="A data set of the starter kit (kit:…), one that you uploaded (upload:…), an earlier result "
        "(artifact:…), or a Hub id owner/name.",
        json_schema_extra={"widget": "dataset"},
    )
    recipe: str = Field(
        min_length=1,
        max_length=MAX_TEXT,
        title="Recipe",
        description="The steps as YAML; docs/mending.md lists them.",
        json_schema_extra={"lines": 12},
    )
    title: str = Field(
        "", max_length=200, title="Title", description="What the result is called; empty for a title of its own."
    )

    def describe(self) -> str:
        """The job's title."""
        return self.title.strip() or f"{self.dataset}, mended"
