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
    """What kind of value flows through a slot; `studio.ui.modalities` has a component for each.

    Values are JSON, but for media, which are `bytes` of an encoded file (PNG, WAV …) on both sides of a task.
    """

    TEXT = "text"  # str
    TEXTS = "texts"  # list of str
    CHAT = "chat"  # list of {"role", "content"}, oldest first
    TABLE = "table"  # column → list of cells, all str
    QUESTIONS = "questions"  # name → {"type", "instructions", "criteria"}, as transformers' "decision" takes them
    IMAGE = "image"  # bytes
    AUDIO = "audio"  # bytes
    VIDEO = "video"  # bytes
    LABELS = "labels"  # list of `Label`, best first; where it is entered, list of str
    ENTITIES = "entities"  # list of {"entity_group" or "entity", "score", "word", "start", "end"} in a text
    ANSWERS = "answers"  # list of {"answer", "score", and "start", "end" in the context}
    FILLS = "fills"  # list of {"score", "token", "token_str", "sequence"}
    SCORES = "scores"  # list of float, one for each text that was given
    VECTORS = "vectors"  # list of float, or lists of them
    CELLS = "cells"  # {"answer", "coordinates" (row, column), "cells", "aggregator"}
    TRANSCRIPT = "transcript"  # {"text", "chunks": list of {"text", "timestamp": [from, to]}}
    BOXES = "boxes"  # list of {"label", "score", "box": {"xmin", "ymin", "xmax", "ymax"}} in pixels
    MASKS = "masks"  # list of {"label", "score", "mask": bytes of a PNG, white where it is}
    DEPTH = "depth"  # {"depth": bytes of a PNG, bright is near, "predicted_depth": rows of float}
    KEYPOINTS = "keypoints"  # list of {"keypoint_image_0": {"x", "y"}, "keypoint_image_1": …, "score"}
    DECISIONS = "decisions"  # name → what was decided


MEDIA = frozenset({Modality.IMAGE, Modality.AUDIO, Modality.VIDEO})
WITH_FILES = MEDIA | {Modality.MASKS, Modality.DEPTH}  # `bytes` stand somewhere in their values


class Label(TypedDict):
    """One class and its score in 0..1: the Hub's `TextClassificationOutputElement`."""

    label: str
    score: float


@dataclass(frozen=True)
class Slot:
    """One input or output of a task: its JSON name, its kind and how a page calls it; `optional` inputs may be None."""

    name: str
    modality: Modality
    label: str
    help: str = ""
    optional: bool = False


DeviceKind = Literal["cpu", "cuda", "mps"]
