"""What is looked for in a split, where, and in which of three ways."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from studio.data.filters import Condition

LONGEST = 1_000  # characters
FARTHEST = 10_000  # hits of a ranking that can be paged through
MOST, MOST_COLUMNS = 100, 20

Way = Literal["text", "words", "meaning"]


class Search(BaseModel):
    """One search, and which page of its hits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(max_length=LONGEST, description="What to look for.")
    by: Way = Field(
        "text",
        description="text: rows that hold these characters. words: ranked by BM25; quotes, + and - before a word have "
        "a meaning. meaning: what says the same.",
    )
    split: str = Field("train", description="Which part of the data set.")
    columns: tuple[str, ...] = Field(
        (),
        max_length=MOST_COLUMNS,
        description="Where to look. None named: all columns of text; for meaning the one with the longest texts.",
    )
    conditions: tuple[Condition, ...] = Field(
        (), description="What must hold of each row besides; for text only, since a ranking is over all rows."
    )
    offset: int = Field(0, ge=0, le=FARTHEST, description="Hits to skip.")
    limit: int = Field(MOST, ge=0, le=MOST, description="Hits to show.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.conditions and self.by != "text":
            raise ValueError("Conditions go with text; words and meaning rank all rows.")
        return self

    @field_validator("query")
    @classmethod
    def _something(cls, query: str) -> str:
        if not query.strip():
            raise ValueError("Say what to look for.")
        return query
