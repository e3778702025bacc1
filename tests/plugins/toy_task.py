"""A task added from outside: says whether a text is loud."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from studio.core.types import Modality, Slot
from studio.tasks.base import Example, Task


class Params(BaseModel):
    threshold: float = Field(0.5, ge=0, le=1, title="Toy threshold", description="Share of capitals that is loud.")


class Ears:
    bytes = 1


def load(folder: Path, base: Path | None, device: str) -> Ears:
    return Ears()


def predict(pipe: Any, batch: Sequence[Mapping[str, Any]], params: Params) -> list[Any]:
    outputs = []
    for inputs in batch:
        text = str(inputs["inputs"])
        share = sum(letter.isupper() for letter in text) / max(1, len(text))
        loud = "LOUD" if share >= params.threshold else "quiet"
        outputs.append([{"label": loud, "score": round(share, 3)}])
    return outputs


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    return f"print({inputs['inputs']!r}.isupper())"


TASK = Task(
    id="toy-task",
    title="Toy task",
    description="Tells loud texts from quiet ones.",
    inputs=(Slot("inputs", Modality.TEXT, "Toy text"),),
    output=Slot("labels", Modality.LABELS, "Loudness"),
    params=Params,
    models=("kit:minilm-l6",),
    examples=(Example("Loud", {"inputs": "HELLO"}),),
    load=load,
    predict=predict,
    snippet=snippet,
    answer=lambda output: [output],
)
