"""Cells of a data set → inputs of a task; outputs of a task → columns of the result."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from studio.core.errors import InvalidInput
from studio.core.types import MEDIA, Modality, Slot
from studio.tasks.base import Task
from studio.tasks.bodies import encoded

LISTS = {Modality.TEXTS, Modality.LABELS}
OBJECTS = {Modality.TABLE, Modality.QUESTIONS, Modality.CHAT}
MEDIUM = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as `datasets` writes pictures and sounds
SUFFIXES = {Modality.IMAGE: "png", Modality.AUDIO: "wav", Modality.VIDEO: "mp4"}
ERROR = "error"


def inputs(task: Task, mapping: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row gives to a task; raises `InvalidInput` with the slot's name."""
    slots = {slot.name: slot for slot in task.inputs}
    return {name: read(slots[name], row[column]) for name, column in mapping.items()}


def read(slot: Slot, cell: Any) -> Any:
    """One cell as the slot takes it."""
    if cell is None:
        raise InvalidInput(slot.name, "nothing", "The cell is empty.")
    if slot.modality in MEDIA:
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(content, bytes):
            raise InvalidInput(slot.name, "this cell", "It holds no file.")
        return content
    if slot.modality is Modality.CHAT and isinstance(cell, str) and not cell.lstrip().startswith("["):
        return [{"role": "user", "content": cell}]
    if slot.modality in LISTS and isinstance(cell, str) and not cell.lstrip().startswith("["):
        return [line for line in cell.splitlines() if line.strip()]
    if slot.modality in LISTS | OBJECTS:
        return _parsed(slot, cell)
    return cell if isinstance(cell, str) else str(cell)


def _parsed(slot: Slot, cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        raise InvalidInput(slot.name, cell, "It is no JSON.") from None


def schema(task: Task) -> pa.Schema:
    """The columns of an output, and the error that may stand in its place."""
    name, modality = task.output.name, task.output.modality
    if modality is Modality.LABELS:
        own = [("label", pa.string()), ("score", pa.float64())]
    elif modality in MEDIA:
        own = [(name, MEDIUM)]
    else:
        own = [(name, pa.string())]
    return pa.schema([*own, (ERROR, pa.string())])


def columns(task: Task, outputs: Sequence[Any], errors: Sequence[str]) -> dict[str, list[Any]]:
    """Outputs (None where there is an error) as columns of `schema`."""
    name, modality = task.output.name, task.output.modality
    found: dict[str, list[Any]]
    if modality is Modality.LABELS:
        best = [output[0] if output else {} for output in outputs]
        found = {key: [one.get(key) for one in best] for key in ("label", "score")}
    elif modality in MEDIA:
        found = {name: list(_media(SUFFIXES[modality], outputs))}
    else:
        found = {name: [None if output is None else _text(name, output) for output in outputs]}
    return found | {ERROR: [error or None for error in errors]}


def _media(suffix: str, outputs: Sequence[Any]) -> Iterator[dict[str, Any] | None]:
    for number, output in enumerate(outputs):
        yield None if output is None else {"bytes": output, "path": f"{number}.{suffix}"}


def _text(name: str, output: Any) -> str:
    """A text as it is; anything else as JSON, with its files in base64."""
    if isinstance(output, dict) and set(output) == {name} and isinstance(output[name], str):
        return str(output[name])
    return json.dumps(encoded(output), ensure_ascii=False)
