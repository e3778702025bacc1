"""Inputs and outputs as JSON carries them: files in base64. REST, tools and the page's own endpoint share it."""

import base64
import binascii
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.types import MEDIA
from studio.tasks.base import Task


def decoded(task: Task, given: Any) -> dict[str, Any]:
    """`inputs` of a JSON body as the task takes them: by slot, files decoded.

    Raises `InvalidInput` with the slot's name for what is no base64.
    """
    names = {slot.name for slot in task.inputs}
    several = isinstance(given, dict) and bool(given) and set(given) <= names
    inputs = dict(given) if several else {task.inputs[0].name: given}
    for slot in task.inputs:
        if slot.modality in MEDIA and isinstance(inputs.get(slot.name), str):
            inputs[slot.name] = _file(slot.name, inputs[slot.name])
    return inputs


def encoded(value: Any) -> Any:
    """An output with its files in base64, as JSON needs them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: encoded(one) for name, one in value.items()}
    if isinstance(value, list) and value and not isinstance(value[0], int | float | str):
        return [encoded(one) for one in value]
    return value


def _file(name: str, text: str) -> bytes:
    content = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(name, text, "Give a file in base64, or send its bytes as the body.") from None
