"""What was asked: answers are drawn over the text, the table or the picture that they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.types import Modality, Slot


@dataclass(frozen=True)
class Asked:
    """The inputs of a run.

    Attributes:
        slots: the task's inputs, in their order.
        inputs: slot name → value, media as bytes.
    """

    slots: Sequence[Slot]
    inputs: Mapping[str, Any]

    def values(self, modality: Modality) -> list[Any]:
        """Every input of a kind that was given."""
        given = (self.inputs.get(slot.name) for slot in self.slots if slot.modality is modality)
        return [value for value in given if value is not None]
