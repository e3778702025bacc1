"""What steps that name columns share: lists of names, and the check of a new name."""

from typing import Annotated

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data.columns import MAX_COLUMNS
from studio.data.steps.base import Columns

Name = Annotated[str, Field(min_length=1, max_length=300)]
Names = Annotated[list[Name], Field(max_length=MAX_COLUMNS)]


def check_once(names: list[str], field: str) -> None:
    """Raise `InvalidInput` for a column that is named twice."""
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(field, name, "This column is named twice.")


def check_new(name: str, columns: Columns, field: str) -> None:
    """Raise `InvalidInput` for a name that a column has, in whatever case: SQL would not tell them apart."""
    if not name.strip() or "\0" in name:
        raise InvalidInput(field, name, "A column needs a name.")
    for column in columns:
        if column.name.casefold() == name.casefold():
            raise InvalidInput(field, name, f"There is a column {column.name!r} already.")
