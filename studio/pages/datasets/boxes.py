"""Boxes for the cells of a row: a text, a number, a time or yes and no for each simple column, and what was written.

Decimals and times stay the text that they are written as: through a float a decimal would lose digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import InvalidInput
from studio.data.records import INTEGERS, Column
from studio.data.steps import edit
from studio.data.steps.edit import Value

MOST = 60  # boxes
LONGEST = 20_000  # characters of a text that is edited in a box
YES, NO = "yes", "no"
WHOLE = INTEGERS | {f"U{one}" for one in INTEGERS}
LABELS = 12  # names of classes that are told


@dataclass(frozen=True)
class Box:
    """A column's box.

    Attributes:
        said: what stands in it.
        null: whether that stands for no value.
        info: what helps to fill it.
    """

    column: Column
    said: str = ""
    null: bool = True
    info: str = ""

    @classmethod
    def of(cls, column: Column, value: Value, names: Sequence[str] = ()) -> "Box":
        """With a value in it."""
        told = [f"{number} {name}" for number, name in enumerate(names[:LABELS])]
        info = ", ".join([*told, *(["…"] if len(names) > LABELS else [])])
        if value is None:
            return cls(column, info=info)
        said = (YES if value else NO) if isinstance(value, bool) else str(value)
        if column.type.startswith("DECIMAL"):
            said = format(Decimal(said), "f")
        elif column.type.startswith("TIMESTAMP"):
            said = said.replace("T", " ")
        return cls(column, said, null=False, info=info)

    def draw(self) -> Component:
        """The component."""
        name, kind = self.column.name, self.column.kind
        info = self.info or None
        if kind == "boolean":
            choices = [("Yes", YES), ("No", NO), ("No value", "")]
            return gr.Radio(choices, value=self.said, label=name, info=info, interactive=True, elem_classes="field")
        lines = 12 if kind == "text" else 1
        form = edit.written(self.column)
        return gr.Textbox(
            self.said,
            label=name,
            info=info,
            placeholder=f"for example {form}" if form else None,
            lines=1,
            max_lines=lines,
            interactive=True,
            elem_classes=["field", "wide"] if kind == "text" else "field",
        )

    def read(self, said: str | None) -> Value:
        """What was written; raises `InvalidInput` at the column."""
        said = said or ""
        if self.column.kind == "text":
            return said
        if self.column.kind == "boolean":
            return said == YES if said else None
        if not said.strip():
            return None
        if form := edit.written(self.column):
            try:
                edit.checked(self.column, said.strip())
            except InvalidInput:
                expected = f"It holds {self.column.type}; write it like {form}."
                raise InvalidInput(self.column.name, said, expected) from None
            return said.strip()
        whole = self.column.type in WHOLE
        try:
            number = int(said) if whole else float(said)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InvalidInput(self.column.name, said, "Write a whole number." if whole else "Write a number.")
        return number


def simple(columns: Sequence[Column]) -> list[Column]:
    """The columns that have a box."""
    return [one for one in columns if one.kind != "other" or edit.written(one)][:MOST]


def draw(boxes: Sequence[Box]) -> list[Component]:
    """All boxes, and last which empty ones of text stand for no value."""
    with gr.Column(elem_classes="studio-form"):
        drawn = [box.draw() for box in boxes]
        texts = [box.column.name for box in boxes if box.column.kind == "text"]
        nulls = [box.column.name for box in boxes if box.column.kind == "text" and box.null]
        empty = gr.CheckboxGroup(
            texts,
            value=nulls,
            label="Empty boxes that stand for no value (null), not for an empty text",
            visible=bool(texts),
            interactive=True,
            elem_classes=["field", "wide"],
        )
    return [*drawn, empty]


def changes(boxes: Sequence[Box], given: Sequence[Any]) -> dict[str, Value]:
    """Column → what was written, where it is something else than stands in these boxes."""
    *said, nulls = given
    found: dict[str, Value] = {}
    for box, one in zip(boxes, said, strict=True):
        text = one or ""
        null = not text and (box.column.kind != "text" or box.column.name in (nulls or ()))
        if (text, null) != (box.said, box.null):
            found[box.column.name] = None if null else box.read(text)
    return found
