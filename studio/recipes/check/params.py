"""The form of a data check: which data, which checks, and what is said to each."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

NER = "kit:ner"
TASK = "token-classification"
NAMES = "person-names"  # the check that needs a model
LABELS = "label-errors"  # the check that models help
ENCODER, PICTURES = "kit:minilm-l6", "kit:efficientnet-lite0"
ENCODES, SEES = "sentence-similarity", "image-feature-extraction"


class CheckJobParams(BaseModel):
    """What is examined, and how."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(
        min_length=1,
        max_length=500,
        title="Data set",
        description="What is examined.",
        json_schema_extra={"widget": "dataset"},
    )
    checks: list[str] = Field(
        default_factory=list,
        title="Checks",
        description="Which; empty: all that need no model. person-names looks for names with a model.",
    )
    splits: list[str] = Field(default_factory=list, title="Splits", description="Which parts; empty: all of them.")
    columns: list[str] = Field(
        default_factory=list, title="Columns", description="Which columns; empty: all that a check can use."
    )
    label: str = Field(
        "", max_length=300, title="Label", description="The column of labels; empty: the one that looks like it."
    )
    options: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        title="Options of single checks",
        description='What differs from their defaults, as JSON: {"near-duplicates": {"threshold": 0.9}}.',
    )
    model: str = Field(
        NER,
        min_length=1,
        max_length=300,
        title="Model for names",
        description="A model for token classification that marks persons; for person-names only.",
        json_schema_extra={"widget": "model"},
    )
    names_rows: int = Field(
        2_000,
        ge=1,
        le=1_000_000,
        title="Rows for names",
        description="The most rows of each split in which the model looks for names.",
    )
    encoder: str = Field(
        ENCODER,
        max_length=300,
        title="Encoder for label errors",
        description="A model that makes vectors of texts, which helps label-errors to judge; empty: by words alone.",
        json_schema_extra={"widget": "model"},
    )
    picture_encoder: str = Field(
        PICTURES,
        max_length=300,
        title="Encoder of pictures for label errors",
        description="A model that makes vectors of pictures, by which label-errors judges them; empty: it does not.",
        json_schema_extra={"widget": "model"},
    )

    @field_validator("options", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        """Forms give JSON as text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else {}
        except ValueError:
            raise ValueError('Write it as JSON, for example {"pii": {"region": "DE"}}.') from None

    def title(self) -> str:
        """The job's title."""
        return f"Check {self.dataset}"
