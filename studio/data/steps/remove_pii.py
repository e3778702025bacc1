"""remove-pii: personal data and secrets masked in texts, or their rows removed."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import pyarrow as pa
from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data.pii import KINDS, find
from studio.data.steps.base import Columns, Params, Rows, Step, Tools, text_column
from studio.data.steps.naming import Names, check_once
from studio.data.steps.tables import kept, with_column


class RemovePiiParams(Params):
    """Where, what and how."""

    columns: Names = Field(
        min_length=1,
        title="Columns",
        description="The texts that are searched.",
        json_schema_extra={"widget": "column"},
    )
    kinds: list[str] = Field(
        default_factory=list,
        max_length=50,
        title="Kinds",
        description=f"What is looked for; empty for all: {', '.join(KINDS)}. Names of people are not found.",
    )
    action: Literal["mask", "drop"] = Field(
        "mask", title="What happens", description="Each find becomes its kind in brackets, or its row is removed."
    )
    region: str = Field(
        "US",
        pattern="([A-Z]{2})?",
        max_length=2,
        title="Country",
        description="Whose telephone numbers are known without +: two letters; empty for international ones only.",
    )


def masked_text(text: str, kinds: list[str], region: str) -> str:
    """The text with [EMAIL] and its like in the place of each find."""
    found: list[str] = []
    end = 0
    for span in find(text, kinds, region):
        found += [text[end : span.start], f"[{span.kind.upper()}]"]
        end = span.end
    return "".join([*found, text[end:]])


def without_pii(
    table: pa.Table,
    numbers: Sequence[int],  # noqa: ARG001
    columns: list[str],
    kinds: list[str],
    region: str,
    drop: bool,
) -> pa.Table:
    """The rows with every find masked, or without those that have one."""
    if drop:
        cells = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
        return kept(table, [not any(text and find(text, kinds, region) for text in row) for row in cells])
    for name in columns:
        texts = table.column(name).to_pylist()
        found = [None if text is None else masked_text(text, kinds, region) for text in texts]
        table = with_column(table, name, pa.array(found, pa.string()))
    return table


def check(params: RemovePiiParams) -> None:
    """Whether the kinds are known."""
    check_once(params.columns, "columns")
    for kind in params.kinds:
        if kind not in KINDS:
            raise InvalidInput("kinds", kind, f"There is no such kind. Known: {', '.join(KINDS)}.")


def columns(params: RemovePiiParams, before: Columns) -> Columns:
    """The same, once they are columns of texts."""
    for name in params.columns:
        text_column(before, name, "columns")
    return before


def function(params: RemovePiiParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What removes it."""
    return partial(
        without_pii, columns=params.columns, kinds=params.kinds, region=params.region, drop=params.action == "drop"
    )


STEP = Step(
    name="remove-pii",
    title="Remove personal data",
    description="Masks e-mail addresses, telephone and card numbers, keys and their like, or removes their rows.",
    params=RemovePiiParams,
    work=Rows[RemovePiiParams](function, columns),
    describe=lambda params: f"{params.action} personal data in {', '.join(params.columns)}",
    check=check,
    group="Text",
    example={"columns": ["text"]},
)
