"""What is looked for in a split, where, and in which of three ways."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

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
        (), max_length=MOST_COLUMNS, description="Where to look; all columns of text when none is named."
    )
    offset: int = Field(0, ge=0, le=FARTHEST, description="Hits to skip.")
    limit: int = Field(MOST, ge=0, le=MOST, description="Hits to show.")

    @field_validator("query")
    @classmethod
    def _something(cls, query: str) -> str:
        if not query.strip():
            raise ValueError("Say what to look for.")
        return query
