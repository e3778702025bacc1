"""What goes over the pipes between client and worker: frames of JSON, and errors as JSON. Nothing is ever pickled."""

import json
from typing import Any, BinaryIO

from studio.core import errors
from studio.core.errors import InvalidInput, InvalidInputs, StudioError, UnknownName, shorten

MAX_FRAME = 64 * 1024 * 1024  # bytes
LENGTH = 8  # bytes of the length that stands before each frame


def pack(message: dict[str, Any]) -> bytes:
    """One frame; raises `InvalidInput("inputs", …)` for what is no JSON or too long."""
    try:
        data = json.dumps(message, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise InvalidInput("inputs", "these inputs", "Give texts, numbers, lists and objects only.") from None
    if len(data) > MAX_FRAME:
        raise InvalidInput("inputs", f"{len(data):,} bytes", f"At most {MAX_FRAME:,} bytes are taken in one request.")
    return len(data).to_bytes(LENGTH, "big") + data


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next frame, or None when the other side is gone (in mid-frame too)."""
    head = stream.read(LENGTH)
    length = int.from_bytes(head, "big")
    data = stream.read(length) if len(head) == LENGTH and length <= MAX_FRAME else b""
    if not data or len(data) < length:
        return None
    message: dict[str, Any] = json.loads(data)
    return message


def error_to_json(error: StudioError) -> dict[str, Any]:
    """Class name and fields, so that the other side can raise the same."""
    name = type(error).__name__
    if isinstance(error, InvalidInput):
        plain = error.value is None or isinstance(error.value, str | int | float)
        value = error.value if plain else shorten(error.value)
        value = value[:200] if isinstance(value, str) else value
        return {"type": name, "field": error.field, "value": value, "expected": error.expected}
    if isinstance(error, InvalidInputs):
        return {"type": name, "problems": [error_to_json(problem) for problem in error.problems]}
    if isinstance(error, UnknownName):
        return {"type": name, "kind": error.kind, "name": error.name, "known": list(error.known)}
    return {"type": name, "message": str(error)}


def error_from_json(fields: dict[str, Any]) -> StudioError:
    """The error that `error_to_json` wrote down; a class that is not known here becomes a `StudioError`."""
    name = fields.get("type")
    if name == "InvalidInput":
        return InvalidInput(fields["field"], fields["value"], fields["expected"])
    if name == "InvalidInputs":
        problems = [error_from_json(problem) for problem in fields["problems"]]
        return InvalidInputs([problem for problem in problems if isinstance(problem, InvalidInput)])
    if name == "UnknownName":
        return UnknownName(fields["kind"], fields["name"], fields["known"])
    found = getattr(errors, str(name), StudioError)
    known = found if isinstance(found, type) and issubclass(found, StudioError) else StudioError
    return known(fields.get("message"))
