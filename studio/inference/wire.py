"""What goes over the pipes between client and worker: JSON with bytes beside it. Nothing is ever pickled."""

import io
import json
from collections.abc import Sequence
from typing import Any, BinaryIO

from studio.core import errors
from studio.core.errors import InvalidInput, InvalidInputs, StudioError, UnknownName, shorten

MAX_FRAME = 256 * 1024 * 1024  # bytes
LENGTH = 8  # bytes of each of the two lengths before a frame: of its JSON, and of all
BLOB = "$bytes"  # {"$bytes": n}: the next n of the bytes that follow the JSON


def pack(message: dict[str, Any]) -> bytes:
    """One frame: JSON, then all `bytes` in it; raises `InvalidInput("inputs", …)` for what is neither, or too long."""
    blobs: list[bytes] = []
    try:
        data = json.dumps(_outside(message, blobs), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput("inputs", "these inputs", "Give texts, numbers, lists, objects and files only.") from None
    size = len(data) + sum(map(len, blobs))
    if size > MAX_FRAME:
        raise InvalidInput("inputs", f"{size:,} bytes", f"At most {MAX_FRAME:,} bytes are taken in one request.")
    return b"".join([len(data).to_bytes(LENGTH, "big"), size.to_bytes(LENGTH, "big"), data, *blobs])


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next frame, or None when the other side is gone (in mid-frame too)."""
    head = stream.read(2 * LENGTH)
    length, size = int.from_bytes(head[:LENGTH], "big"), int.from_bytes(head[LENGTH:], "big")
    whole = stream.read(size) if len(head) == 2 * LENGTH and length <= size <= MAX_FRAME else b""
    if not whole or len(whole) < size:
        return None
    message: dict[str, Any] = _inside(json.loads(whole[:length]), io.BytesIO(whole[length:]))
    return message


def _outside(value: Any, blobs: list[bytes]) -> Any:
    """The same value with each of its `bytes` put into `blobs`."""
    if isinstance(value, bytes):
        blobs.append(value)
        return {BLOB: len(value)}
    if isinstance(value, dict):
        if BLOB in value:
            raise ValueError(f"{BLOB} is a name of the wire's own")
        return {name: _outside(one, blobs) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_outside(one, blobs) for one in value] if _has_bytes(value) else value
    return value


def _has_bytes(values: Sequence[Any]) -> bool:
    """Long lists of numbers are not walked through twice."""
    return not values or not isinstance(values[0], int | float | str)


def _inside(value: Any, blobs: BinaryIO) -> Any:
    if isinstance(value, dict):
        if BLOB in value:
            return blobs.read(int(value[BLOB]))
        return {name: _inside(one, blobs) for name, one in value.items()}
    if isinstance(value, list):
        return [_inside(one, blobs) for one in value] if _has_bytes(value) else value
    return value


def error_to_json(error: StudioError) -> dict[str, Any]:
    """Class name and fields, so that the other side can raise the same, or the nearest that it knows."""
    name = next(kind.__name__ for kind in type(error).__mro__ if hasattr(errors, kind.__name__))
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
