"""Components for what flows into a task, markup for what comes out: one row per `Modality`."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradio.components import Component

from studio.core.errors import StudioError
from studio.core.types import Modality, Slot
from studio.ui.modalities import inputs, pictures, questions, raw, sounds, words
from studio.ui.modalities.asked import Asked
from studio.ui.parts import Html, join, notice
from studio.ui.widgets import keyed

__all__ = ["KINDS", "Asked", "Kind", "fill", "input_for", "read", "render", "wanting"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """How one modality is entered and shown.

    Attributes:
        show: the task's output and what was asked → markup.
        enter: component for an input slot.
        read: an input component's value → the task's value.
        fill: the task's value → an input component's value.
        ask: what to say where a required input is missing.
    """

    show: Callable[[Any, Asked], Html]
    enter: Callable[[Slot, inputs.Given], Component] = inputs.by_hand
    read: Callable[[Slot, Any], Any] = inputs.read_by_hand
    fill: Callable[[Any], Any] = inputs.fill_by_hand
    ask: str = "Give a value."


def input_for(slot: Slot, value: Any = None, key: str = "") -> Component:
    """The component in which a visitor gives this input; `value` is what it shows, as `fill` makes it.

    Inside `gr.render` it needs a `key`: without one the browser keeps what stood in the last form's place.
    """
    return KINDS[slot.modality].enter(slot, {"value": value} | keyed(key))


def read(slot: Slot, value: Any) -> Any:
    """An input component's value as the task takes it; raises `InvalidInput` for what cannot be read."""
    found = KINDS[slot.modality].read(slot, value)
    return None if slot.optional and not found else found


def wanting(slot: Slot, value: Any) -> str:
    """What to say where a required input was left empty; "" where it was not. `value` is what `read` gave."""
    empty = not value or (isinstance(value, str) and not value.strip())
    return KINDS[slot.modality].ask if empty and not slot.optional else ""


def fill(slot: Slot, value: Any) -> Any:
    """A task's value as its input component takes it."""
    return None if value is None else KINDS[slot.modality].fill(value)


def render(slot: Slot, value: Any, asked: Asked) -> Html:
    """A task's output as markup; as JSON where it has not the form that its modality promises."""
    try:
        return KINDS[slot.modality].show(value, asked)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, StudioError) as error:
        log.info("an output of kind %s is shown as JSON: %s", slot.modality, error)
        return join([notice("info", "The answer has an unusual form; here it is as it came."), raw.code(value)])


def _json(value: Any, _asked: Asked) -> Html:
    return raw.code(value)


KINDS: dict[Modality, Kind] = {
    Modality.TEXT: Kind(words.written, inputs.text, inputs.read_text, str, "Write a text."),
    Modality.TEXTS: Kind(words.written, inputs.texts, inputs.read_texts, inputs.fill_texts, "Write one text at least."),
    Modality.CHAT: Kind(words.written, inputs.text, inputs.read_text, str, "Write a message."),
    Modality.TABLE: Kind(_json, inputs.table, inputs.read_table, inputs.fill_table, "Fill in one row at least."),
    Modality.QUESTIONS: Kind(_json, questions.rows, questions.read, questions.fill, "Give one question at least."),
    Modality.IMAGE: Kind(pictures.image, inputs.image, inputs.read_file, inputs.fill_file, "Choose a picture."),
    Modality.AUDIO: Kind(sounds.audio, inputs.audio, inputs.read_file, inputs.fill_file, "Choose or record a sound."),
    Modality.VIDEO: Kind(sounds.video, inputs.video, inputs.read_file, inputs.fill_file, "Choose or record a video."),
    Modality.LABELS: Kind(words.labels, inputs.labels, inputs.read_labels, list, "Give one label at least."),
    Modality.ENTITIES: Kind(words.entities),
    Modality.ANSWERS: Kind(words.answers),
    Modality.FILLS: Kind(words.fills),
    Modality.SCORES: Kind(words.scores),
    Modality.VECTORS: Kind(words.vectors),
    Modality.CELLS: Kind(words.cells),
    Modality.TRANSCRIPT: Kind(sounds.transcript),
    Modality.BOXES: Kind(pictures.boxes),
    Modality.MASKS: Kind(pictures.masks),
    Modality.DEPTH: Kind(pictures.depth),
    Modality.KEYPOINTS: Kind(pictures.keypoints),
    Modality.DECISIONS: Kind(words.decisions),
}
