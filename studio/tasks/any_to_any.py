"""any-to-any: a text with a picture, a sound or a video beside it → text. What models say or draw is not given back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Modality, Slot
from studio.tasks import multimodal
from studio.tasks.base import Listener, Task, examples
from studio.tasks.generation import AllGenerationParams
from studio.tasks.loading import Loaded

ID = "any-to-any"
AUTO = "AutoModelForMultimodalLM"


class AnyToAnyParams(AllGenerationParams):
    """How the answer is written; the Hub has no parameters of its own for this task."""


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models of several modalities; raises what `multimodal.load` raises, among it what needs torchvision."""
    return multimodal.load(AUTO, folder, base, device)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: AnyToAnyParams) -> list[dict[str, str]]:
    """What the model answers to each. Raises `InvalidInput` by slot, for what this model does not take too."""
    return [multimodal.write(pipe, inputs, params) for inputs in batch]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: AnyToAnyParams, listener: Listener) -> dict[str, str]:
    """As `predict`, part by part."""
    return multimodal.write(pipe, inputs, params, listener)


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answer."""
    return multimodal.snippet(AUTO, model, inputs, params, base)


TASK = Task(
    id=ID,
    title="Any to any",
    description="Answers in words to a text with a picture, a sound or a video beside it, as far as the model takes "
    "them.",
    inputs=(
        Slot("text", Modality.TEXT, "Text", "A question, or what to do."),
        Slot("image", Modality.IMAGE, "Image", "For models that see.", optional=True),
        Slot("audio", Modality.AUDIO, "Sound", "For models that hear.", optional=True),
        Slot("video", Modality.VIDEO, "Video", "For models that see moving pictures.", optional=True),
        Slot("messages", Modality.CHAT, "Before", "What was said before, a system message too.", optional=True),
    ),
    output=Slot("generated_text", Modality.TEXT, "Answer", "What the model writes."),
    params=AnyToAnyParams,
    models=("google/gemma-3n-E2B-it", "Qwen/Qwen2-Audio-7B-Instruct"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=(
        "Gemma3nForConditionalGeneration",
        "Qwen2AudioForConditionalGeneration",
        "OmniForConditionalGeneration",
        "OmniMoeForConditionalGeneration",
        "Phi4MultimodalForCausalLM",
    ),
    group="Several at once",
    stream=stream,
    answer=lambda output: [output],
)
