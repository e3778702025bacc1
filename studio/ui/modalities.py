"""Components for what flows in and out of a task: one row per `Modality`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.types import Modality, Slot
from studio.ui.parts import Html, empty_state, label_bars


@dataclass(frozen=True)
class Kind:
    """How one modality is entered and shown.

    Attributes:
        enter: component for an input slot.
        show: component for an output slot.
        read: an input component's value → the task's JSON value.
        render: the task's JSON value → an output component's value.
    """

    enter: Callable[[Slot], Component]
    show: Callable[[Slot], Component]
    read: Callable[[Any], Any]
    render: Callable[[Any], Any]


def input_for(slot: Slot) -> Component:
    """The component in which a visitor gives this input."""
    return KINDS[slot.modality].enter(slot)


def output_for(slot: Slot) -> Component:
    """The component that shows this output; before the first run it says what will be here."""
    return KINDS[slot.modality].show(slot)


def read(slot: Slot, value: Any) -> Any:
    """An input component's value as the task takes it."""
    return KINDS[slot.modality].read(value)


def render(slot: Slot, value: Any) -> Any:
    """A task's output as its component takes it."""
    return KINDS[slot.modality].render(value)


def _text_in(slot: Slot) -> Component:
    return gr.Textbox(label=slot.label, info=slot.help or None, lines=5, max_lines=16, interactive=True)


def _text_out(slot: Slot) -> Component:
    return gr.Textbox(label=slot.label, lines=5, max_lines=16, interactive=False, buttons=["copy"])


def _labels_in(slot: Slot) -> Component:
    return gr.Dropdown(
        label=slot.label, info=slot.help or None, multiselect=True, allow_custom_value=True, interactive=True
    )


def _labels_out(slot: Slot) -> Component:
    waiting = empty_state(slot.label, slot.help or "The result will stand here.", picture="spark")
    return gr.HTML(waiting, label=slot.label, elem_classes="result")


def _bars(labels: Sequence[dict[str, Any]]) -> Html:
    return label_bars([(str(item["label"]), float(item["score"])) for item in labels])


KINDS: dict[Modality, Kind] = {
    Modality.TEXT: Kind(_text_in, _text_out, read=lambda value: value or "", render=str),
    Modality.LABELS: Kind(_labels_in, _labels_out, read=lambda value: list(value or ()), render=_bars),
}
