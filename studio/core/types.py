"""The nouns that every layer shares: who calls, what flows into and out of a task."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypedDict

from pydantic import SecretStr


@dataclass(frozen=True)
class Caller:
    """Who asks. Every verb takes one and checks what it may see.

    Attributes:
        owner: "local" on one's own machine, "hf:NAME" when signed in, "session:ID" for a signed-out visitor.
        name: what the page shows.
        admin: sees and may stop everybody's jobs (the operator, the teacher).
        token: Hub token; held in memory only, never part of a repr.
    """

    owner: str
    name: str = ""
    admin: bool = False
    token: SecretStr | None = field(default=None, repr=False, compare=False)

    def may_see(self, owner: str) -> bool:
        """Whether a thing of `owner` is this caller's to see."""
        return self.admin or self.owner == owner


class Modality(StrEnum):
    """What kind of value flows through a slot; `studio.ui.modalities` has a component for each."""

    TEXT = "text"
    LABELS = "labels"


class Label(TypedDict):
    """One class and its score in 0..1: the Hub's `TextClassificationOutputElement`."""

    label: str
    score: float


@dataclass(frozen=True)
class Slot:
    """One input or output of a task: its JSON name, its kind and how a page calls it."""

    name: str
    modality: Modality
    label: str
    help: str = ""


DeviceKind = Literal["cpu", "cuda", "mps"]
