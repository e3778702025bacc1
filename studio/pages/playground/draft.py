"""What a visitor has chosen and typed, as the browser keeps it and links tell it. Nothing in it is trusted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic.fields import FieldInfo

from studio.core.params import leaf_fields
from studio.core.types import Modality, Slot
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.ui.modalities import questions
from studio.ui.widgets import Leaf, leaf

MOST_CHARACTERS, MOST_ITEMS = 1_000_000, 1_000


@dataclass(frozen=True)
class Draft:
    """A form as it was left.

    Attributes:
        model: reference; "" for the task's default.
        inputs: slot name → value of its input component; never a file.
        params: dotted name → value; what is missing is the default.
        message: what was being written in a conversation.
    """

    task: Task
    model: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


def parse(text: str) -> Draft:
    """The draft in the browser's JSON; whatever does not fit is left out, an unknown task is the first one."""
    try:
        given = json.loads(text or "{}")
    except ValueError:
        given = {}
    given = given if isinstance(given, dict) else {}
    wanted = given.get("task")
    task = TASKS[wanted if isinstance(wanted, str) and wanted in TASKS else next(iter(TASKS))]
    model, message = (value if isinstance(value := given.get(name), str) else "" for name in ("model", "message"))
    inputs = _inputs(task, _mapping(given, "inputs"))
    return Draft(task, model[:300], inputs, _params(task, given), message[:MOST_CHARACTERS])


def messages(value: Any) -> list[dict[str, str]]:
    """A conversation as {"role", "content"} from what a chat component or a browser holds."""
    found = []
    for one in value if isinstance(value, list) else ():
        role, content = (one.get("role"), one.get("content")) if isinstance(one, Mapping) else (None, None)
        if isinstance(content, list):  # the component's own form: parts, of which the texts count
            parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
            content = "".join(part for part in parts if isinstance(part, str))
        if role in ("system", "user", "assistant") and isinstance(content, str):
            found.append({"role": str(role), "content": content})
    return found[:MOST_ITEMS]


def _mapping(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    return value if isinstance(value, Mapping) else {}


def _inputs(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    fitting = {slot.name: _input(slot, given[slot.name]) for slot in task.inputs if slot.name in given}
    return {name: value for name, value in fitting.items() if value is not None}


def _input(slot: Slot, value: Any) -> Any:
    """What the slot's component takes, or None."""
    match slot.modality:
        case Modality.TEXT | Modality.TEXTS:
            return value[:MOST_CHARACTERS] if isinstance(value, str) else None
        case Modality.LABELS:
            return _texts(value)
        case Modality.CHAT:
            return messages(value)
        case Modality.TABLE:
            return _table(value)
        case Modality.QUESTIONS:
            return questions.fitting(value)[:MOST_ITEMS] or None
    return None


def _texts(value: Any) -> list[str] | None:
    return [str(one) for one in value[:MOST_ITEMS]] if isinstance(value, list) else None


def _table(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    names, rows = _texts(value.get("headers")), value.get("data")
    if not names or not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return None
    width = len(names)
    cells = [["" if cell is None else str(cell) for cell in row[:width]] for row in rows[:MOST_ITEMS]]
    return {"headers": names, "data": [row + [""] * (width - len(row)) for row in cells]}


def _params(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """Kept values by field key, those of a link by dotted name."""
    kept, link = _mapping(given, "params"), _mapping(given, "link")
    found = {}
    for name, info in leaf_fields(task.params):
        shown = leaf(name, info, ())
        value = link.get(name, kept.get(shown.key))
        fitting = _fitting(shown, value)
        if fitting is not None and fitting != _default(info):
            found[name] = fitting
    return found


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True)


def _fitting(shown: Leaf, value: Any) -> Any:
    """What the field's widget takes, or None: also what is wrong, for the form says so better than silence."""
    if shown.many:
        return _many(shown, value)
    if shown.annotation is bool:
        return {"yes": True, "true": True, True: True, "no": False, "false": False, False: False}.get(_plain(value))
    if shown.annotation in (int, float):
        return _number(value)
    if shown.closed:
        return next((option for option in shown.options if str(option) == str(value)), None)
    return str(value)[:MOST_CHARACTERS] if isinstance(value, str | int | float) else None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool) else None


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_constant=lambda _: None)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _many(shown: Leaf, value: Any) -> Sequence[Any] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    if not isinstance(value, list):
        return None
    fitting = [one for one in value[:MOST_ITEMS] if isinstance(one, str | int | float)]
    return [one for one in fitting if not shown.closed or one in shown.options] or None
