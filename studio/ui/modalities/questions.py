"""Questions of a decision as rows of fields; assets/questions.js draws them, and their value is what they say."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import InvalidInput
from studio.core.types import Slot
from studio.ui.modalities.inputs import Given
from studio.ui.parts import text

TYPES = ("noul", "choice", "score")
PAIR = 2  # an option has a name and a meaning
FRAME = """<fieldset class="questions"><legend>{label}</legend><p class="help">{help}</p><div data-rows></div>
<button type="button" class="copy" data-add>Add a question</button></fieldset>"""


def rows(slot: Slot, given: Given) -> Component:
    """A name, a type, an instruction and options for each question; rows can be added and taken away."""
    return gr.HTML(
        label=slot.label,
        html_template=FRAME.format(label=text(slot.label), help=text(slot.help)),
        js_on_load="window.studioQuestions(element, props, watch);",
        apply_default_css=False,
        elem_classes=["field", "wide", f"at-{slot.name}"],
        **given,
    )


def fill(value: Any) -> list[dict[str, Any]]:
    """The task's questions as rows: an option is a pair of its name and what it means."""
    return [
        {
            "name": str(name),
            "type": str(question.get("type", "")),
            "instructions": str(question.get("instructions") or ""),
            "options": _options(question.get("criteria") or {}),
        }
        for name, question in value.items()
    ]


def _options(criteria: Any) -> list[list[str]]:
    if isinstance(criteria, Mapping):
        return [[str(name), str(meaning or "")] for name, meaning in criteria.items()]
    return [["", str(level)] for level in criteria]


def read(slot: Slot, value: Any) -> dict[str, Any]:
    """The rows as the task takes them; raises `InvalidInput` that names the row. Empty rows are left out."""
    found: dict[str, Any] = {}
    for number, row in enumerate(fitting(value), 1):
        name, options = row["name"].strip(), [(one.strip(), other.strip()) for one, other in row["options"]]
        options = [pair for pair in options if (pair[1] if row["type"] == "noul" else any(pair))]
        if not name and not row["instructions"].strip() and not options:
            continue
        for wrong, expected in _wrong(row, name, options, found):
            if wrong:
                raise InvalidInput(slot.name, name or f"question {number}", f"Question {number} {expected}")
        found[name] = {"type": row["type"]}
        if row["instructions"].strip():
            found[name]["instructions"] = row["instructions"].strip()
        if options:
            found[name]["criteria"] = _criteria(row["type"], options)
    return found


def _wrong(
    row: Mapping[str, Any], name: str, options: list[tuple[str, str]], others: Mapping[str, Any]
) -> Iterator[tuple[bool, str]]:
    """Whether something is wrong with a row, and what it needs."""
    names = [option for option, _ in options]
    yield not name, "needs a name, under which its answer comes."
    yield name in others, "needs a name of its own."
    yield row["type"] not in TYPES, f"needs a type: {', '.join(TYPES)}."
    yield row["type"] == "choice" and len(options) < 2, "needs two options at least."
    yield row["type"] == "choice" and not all(names), "has an option without a name."
    yield row["type"] == "choice" and len(set(names)) < len(names), "has two options of one name."
    yield row["type"] == "score" and len(options) < 2, "needs two levels at least."


def _criteria(kind: str, options: list[tuple[str, str]]) -> Any:
    if kind == "score":
        return [meaning or name for name, meaning in options]
    return {name: meaning or None for name, meaning in options}


def fitting(value: Any) -> list[dict[str, Any]]:
    """Rows with what they must have, whatever a browser sent or kept."""
    given = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    words = ("name", "type", "instructions")
    return [
        {**{name: str(row.get(name) or "") for name in words}, "options": _pairs(row.get("options"))} for row in given
    ]


def _pairs(options: Any) -> list[list[str]]:
    given = options if isinstance(options, list) else []
    return [[str(part or "") for part in pair] for pair in given if isinstance(pair, list) and len(pair) == PAIR]
