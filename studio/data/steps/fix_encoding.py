"""fix-encoding: texts that were decoded with the wrong encoding become what they should have been."""

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
from pydantic import Field

from studio.data.steps.base import Columns, Params, Rows, Step, Tools, text_column
from studio.data.steps.naming import Names, check_once
from studio.data.steps.tables import with_column


class FixEncodingParams(Params):
    """Which texts are repaired."""

    columns: Names = Field(
        min_length=1,
        title="Columns",
        description="Whose texts are repaired.",
        json_schema_extra={"widget": "column"},
    )
    badness: int = Field(
        1, ge=1, le=1_000, title="Badness", description="Unlikely sequences of characters that a text must have."
    )


def repaired(text: str, badness: int) -> str:
    """The text as it was meant, where another decoding of it is more likely."""
    from ftfy import fix_encoding
    from ftfy.badness import badness as found

    return fix_encoding(text) if not text.isascii() and found(text) >= badness else text


def with_repaired(table: pa.Table, numbers: Sequence[int], columns: list[str], badness: int) -> pa.Table:  # noqa: ARG001
    """The rows with the texts of these columns repaired."""
    for name in columns:
        texts = table.column(name).to_pylist()
        found = [None if text is None else repaired(text, badness) for text in texts]
        table = with_column(table, name, pa.array(found, pa.string()))
    return table


def function(params: FixEncodingParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What repairs them."""
    return partial(with_repaired, columns=params.columns, badness=params.badness)


def columns(params: FixEncodingParams, before: Columns) -> Columns:
    """The same, once they are columns of texts."""
    for name in params.columns:
        text_column(before, name, "columns")
    return before


STEP = Step(
    name="fix-encoding",
    title="Fix encoding",
    description="Repairs texts that were decoded with the wrong encoding (ftfy); characters that are lost stay lost.",
    params=FixEncodingParams,
    work=Rows[FixEncodingParams](function, columns),
    describe=lambda params: f"repair the encoding of {', '.join(params.columns)}",
    check=lambda params: check_once(params.columns, "columns"),
    group="Text",
    example={"columns": ["text"]},
)
