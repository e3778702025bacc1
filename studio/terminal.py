"""What goes in and out of a terminal: fields, inputs and files in; JSON on stdout, all that is said on stderr."""

import json
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, UnknownName
from studio.core.types import MEDIA, Modality, Slot
from studio.tasks.base import Task


def pairs(given: Sequence[str] | None) -> dict[str, Any]:
    """`["epochs=3"]` as `{"epochs": "3"}`; a value in brackets is read as JSON."""
    values: dict[str, Any] = {}
    for setting in given or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput("--set", setting, "Write it as field=value, for example epochs=3.")
        try:
            values[name.strip()] = json.loads(value) if value.startswith(("[", "{")) else value
        except ValueError as error:
            raise InvalidInput(name.strip(), value, f"What begins with a bracket must be JSON: {error}.") from None
    return values


def inputs_of(task: Task, first: str | None, named: Sequence[str] | None) -> dict[str, Any]:
    """A task's inputs by slot: the first one, and those given as `name=value`.

    Texts stand for themselves, pictures, sounds and videos are paths; anything else is JSON, or the path of a file of
    it. "-" is stdin. Raises `InvalidInput`, and `UnknownName` for a name that is no input's.
    """
    slots = {slot.name: slot for slot in task.inputs}
    given = {} if first is None else {task.inputs[0].name: first}
    for setting in named or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput("--input", setting, f"Write it as name=value, for example {task.inputs[-1].name}=….")
        if name not in slots:
            raise UnknownName("input", name, list(slots))
        if name in given:
            raise InvalidInput(name, value, "It is given twice.")
        given[name] = value
    missing = next((slot for slot in task.inputs if not slot.optional and slot.name not in given), None)
    if missing is not None:
        raise InvalidInput(missing.name, "nothing", f"Give it with --input {missing.name}=….")
    return {name: _input(slots[name], value) for name, value in given.items()}


def decoded(field: str, data: bytes) -> str:
    """A text that was given as UTF-8; raises `InvalidInput`."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(field, "bytes", f"Save it as UTF-8: {error.reason} at byte {error.start}.") from None


def write(found: Any, file: Path) -> None:
    """A picture, sound or video as it is; anything else as JSON, with the pictures in it beside it."""
    names = (f"{file.stem}-{number}.png" for number in count(1))

    def outside(value: Any) -> Any:
        if isinstance(value, bytes):
            name = next(names)
            file.with_name(name).write_bytes(value)
            return name
        if isinstance(value, dict):
            return {key: outside(one) for key, one in value.items()}
        return [outside(one) for one in value] if isinstance(value, list) else value

    if isinstance(found, bytes):
        file.write_bytes(found)
    else:
        file.write_text(as_json(outside(found)) + "\n", encoding="utf-8")
    say(str(file))


def show(value: Any) -> None:
    """JSON on stdout."""
    print(as_json(value))


def as_json(value: Any) -> str:
    """As a person reads it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def say(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr, flush=True)


def _input(slot: Slot, value: str) -> Any:
    if slot.modality is Modality.TEXT:
        return decoded(slot.name, sys.stdin.buffer.read()).removesuffix("\n") if value == "-" else value
    if slot.modality in MEDIA:
        return _content(slot.name, value)
    written = value if value.lstrip()[:1] in {"[", "{"} else decoded(slot.name, _content(slot.name, value))
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(slot.name, value, f"It must be JSON, or a file of it: {error}.") from None


def _content(field: str, path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    if not Path(path).is_file():
        raise InvalidInput(field, path, "There is no such file.")
    return Path(path).read_bytes()
