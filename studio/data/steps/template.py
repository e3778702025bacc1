"""template: a column of text from other columns, by a pattern such as "{title}: {text}"."""

import json
from collections.abc import Sequence
from functools import partial
from string import Formatter

import pyarrow as pa
from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data.records import Column
from studio.data.steps.base import Columns, Params, Rows, Step, Tools, column_of, replaced
from studio.data.steps.naming import check_new
from studio.data.steps.tables import with_column


class TemplateParams(Params):
    """The pattern, and where the text goes."""

    into: str = Field(
        min_length=1,
        max_length=300,
        title="Into",
        description="The column that takes the text: a new one, or one that is replaced.",
        json_schema_extra={"widget": "column"},
    )
    template: str = Field(
        min_length=1,
        max_length=20_000,
        title="Template",
        description="Text with names of columns in braces, for example {title}: {text}. A brace itself is written "
        "twice; an empty cell gives nothing.",
        json_schema_extra={"lines": 3},
    )


def pieces(template: str) -> list[tuple[str, str]]:
    """Text and the column that follows it, "" for none. A name in braces is a name: nothing is looked up in it."""
    found = []
    for text, name, spec, conversion in Formatter().parse(template):
        if spec or conversion:
            raise ValueError(f"{{{name}…}}: formats and conversions are not known; write {{{name}}}")
        if name == "":
            raise ValueError("{} names no column")
        found.append((text, name or ""))
    return found


def written(value: object) -> str:
    """A cell as text: nothing for null, true and false, JSON for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, str) else str(value)


def filled(table: pa.Table, numbers: Sequence[int], template: str, into: str) -> pa.Table:  # noqa: ARG001
    """The rows with the text in its column."""
    parts = pieces(template)
    cells = {name: [written(value) for value in table.column(name).to_pylist()] for _, name in parts if name}
    texts = [
        "".join(text + (cells[name][row] if name else "") for text, name in parts) for row in range(table.num_rows)
    ]
    return with_column(table, into, pa.array(texts, pa.string()))


def check(params: TemplateParams) -> None:
    """Whether the pattern can be read."""
    try:
        pieces(params.template)
    except ValueError as error:
        raise InvalidInput("template", params.template, f"It cannot be read: {error}.") from None


def columns(params: TemplateParams, before: Columns) -> Columns:
    """One more, or one replaced."""
    for _, name in pieces(params.template):
        if name:
            column_of(before, name, "template")
    if all(column.name != params.into for column in before):
        check_new(params.into, before, "into")
    return replaced(before, Column(params.into, "VARCHAR", "text"))


def function(params: TemplateParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What fills it."""
    return partial(filled, template=params.template, into=params.into)


STEP = Step(
    name="template",
    title="Fill a template",
    description="Writes a text from several columns, by a template.",
    params=TemplateParams,
    work=Rows[TemplateParams](function, columns),
    describe=lambda params: f"{params.into} = {params.template}",
    check=check,
    group="Columns",
    example={"into": "prompt", "template": "{label}: {text} ({number})"},
)
