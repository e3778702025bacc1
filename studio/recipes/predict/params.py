"""The form of a batch prediction: which model reads which columns of which data."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PredictParams(BaseModel):
    """A column of a data set through a model."""

    model_config = ConfigDict(extra="forbid")

    task: str = Field(
        min_length=1,
        max_length=100,
        title="Task",
        description="What the model does, for example text-classification.",
    )
    model: str = Field(
        min_length=1,
        max_length=300,
        title="Model",
        description="A model of the starter kit (kit:…), one of your own (artifact:…), or a Hub id owner/name.",
        json_schema_extra={"widget": "model"},
    )
    dataset: str = Field(
        min_length=1,
        max_length=300,
        title="Dataset",
        description="A data set of the starter kit (kit:…), one that you uploaded (upload:…), an earlier result "
        "(artifact:…), or a Hub id owner/name.",
        json_schema_extra={"widget": "dataset"},
    )
    split: str = Field(
        "train",
        min_length=1,
        max_length=100,
        title="Split",
        description="Which part of it.",
        json_schema_extra={"widget": "split"},
    )
    column: str = Field(
        "text",
        min_length=1,
        max_length=300,
        title="Column",
        description="What the model reads: the task's first input.",
        json_schema_extra={"widget": "column"},
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        title="Other columns",
        description='For tasks with several inputs, input and column as JSON: {"context": "article"}.',
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        title="Parameters of the task",
        description='What differs from the task\'s defaults, as JSON: {"top_k": 1}.',
    )
    limit: int = Field(
        0, ge=0, le=10_000_000, title="Rows", description="How many rows, from the first on; 0 takes all of them."
    )
    batch_size: int = Field(
        8, ge=1, le=256, title="Batch size", description="Rows that go through the model at a time."
    )

    @field_validator("columns", "parameters", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        """Forms give JSON as text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else {}
        except ValueError:
            raise ValueError('Write it as JSON, for example {"name": "value"}.') from None

    def title(self) -> str:
        """The job's title."""
        return f"{self.task} of {self.dataset} with {self.model}"
