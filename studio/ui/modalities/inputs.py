"""Input components, and how their values become a task's."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.components import Component
from gradio.data_classes import FileData
from gradio.utils import get_upload_folder

from studio.core.errors import InvalidInput
from studio.core.types import Slot
from studio.tasks.base import EXAMPLES

IMAGE_HEIGHT = 260
Given = Mapping[str, Any]  # what the page says of a component: its value and key


def _shared(slot: Slot, given: Given) -> dict[str, Any]:
    label = f"{slot.label} (optional)" if slot.optional else slot.label
    return {"label": label, "elem_classes": ["field", "wide", f"at-{slot.name}"], "interactive": True, **given}


def text(slot: Slot, given: Given) -> Component:
    """Several lines of text."""
    return gr.Textbox(info=slot.help or None, lines=4, max_lines=16, **_shared(slot, given))


def texts(slot: Slot, given: Given) -> Component:
    """One text a line."""
    info = f"{slot.help} One a line.".strip()
    return gr.Textbox(info=info, lines=5, max_lines=20, **_shared(slot, given))


def table(slot: Slot, given: Given) -> Component:
    """A table whose names and cells can be changed."""
    shown = gr.Dataframe(
        headers=None if given.get("value") else ["Name", "Value"],
        row_count=None if given.get("value") else 3,
        datatype="str",
        wrap=True,
        max_height=320,
        **_shared(slot, given),
    )
    _as_sent(shown, lambda payload: payload and {"headers": payload.headers, "data": payload.data})
    return shown


def by_hand(slot: Slot, given: Given) -> Component:
    """JSON, for what has no field of its own."""
    shared = _shared(slot, given)
    shared["elem_classes"] = [*shared["elem_classes"], "mono"]
    return gr.Textbox(info=f"{slot.help} As JSON.".strip(), lines=8, max_lines=20, **shared)


def labels(slot: Slot, given: Given) -> Component:
    """Words of one's own."""
    return gr.Dropdown(
        info=f"{slot.help} Enter adds one.".strip(), multiselect=True, allow_custom_value=True, **_shared(slot, given)
    )


def image(slot: Slot, given: Given) -> Component:
    """A picture, uploaded, pasted or taken by the camera."""
    shown = gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        height=IMAGE_HEIGHT,
        buttons=["fullscreen"],
        placeholder=slot.help or None,
        **_shared(slot, given),
    )
    _as_sent(shown, _path)  # Gradio would open the file, and a damaged one would be its error, not the field's
    return shown


def audio(slot: Slot, given: Given) -> Component:
    """A sound, uploaded or recorded."""
    return gr.Audio(type="filepath", sources=["upload", "microphone"], buttons=[], **_shared(slot, given))


def video(slot: Slot, given: Given) -> Component:
    """A video, uploaded or recorded."""
    return gr.Video(sources=["upload", "webcam"], height=IMAGE_HEIGHT, buttons=[], **_shared(slot, given))


def _as_sent(component: Component, read: Callable[[Any], Any]) -> None:
    """Give handlers what the browser sent; Gradio has checked by then that a file is one of its uploads."""
    component.preprocess = read  # type: ignore[method-assign, assignment]


def _path(payload: FileData | None) -> str | None:
    return payload.path if payload is not None else None


def read_text(_slot: Slot, value: Any) -> str:
    """As it was typed."""
    return str(value or "")


def read_texts(_slot: Slot, value: Any) -> list[str]:
    """The lines that are not empty."""
    return [line.strip() for line in str(value or "").splitlines() if line.strip()]


def read_labels(_slot: Slot, value: Any) -> list[str]:
    """In the order in which they were added."""
    return [str(one) for one in value or ()]


def read_table(_slot: Slot, value: Any) -> dict[str, list[str]]:
    """Columns by name; rows without any cell are left out."""
    if not isinstance(value, Mapping):
        return {}
    rows = [row for row in value.get("data") or () if any(str(cell or "").strip() for cell in row)]
    names = [str(name) for name in value.get("headers") or ()]
    return {name: [str(row[number] or "") for row in rows] for number, name in enumerate(names)} if rows else {}


def read_by_hand(slot: Slot, value: Any) -> Any:
    """What the JSON says; raises `InvalidInput` with the line in which it breaks."""
    if not str(value or "").strip():
        return {}
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidInput(slot.name, value, f"It is no JSON: {error}.") from None


def read_file(_slot: Slot, value: Any) -> bytes | None:
    """The bytes of an upload."""
    return Path(value).read_bytes() if value else None


def fill_texts(value: Any) -> str:
    """Texts as lines."""
    return "\n".join(" ".join(str(one).split()) for one in value)


def fill_table(value: Any) -> dict[str, Any]:
    """Columns as the component's rows."""
    return {"headers": list(value), "data": [list(row) for row in zip(*value.values(), strict=True)]}


def fill_by_hand(value: Any) -> str:
    """As JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def fill_file(value: Any) -> str:
    """An example's file by name, where the page may read it."""
    return str(processing_utils.save_file_to_cache(EXAMPLES / Path(value).name, get_upload_folder()))
