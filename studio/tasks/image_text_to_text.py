"""image-text-to-text: a chat about a picture, by the template that the model was trained with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Modality, Slot
from studio.tasks import media, multimodal
from studio.tasks.base import Listener, Task, examples
from studio.tasks.generation import AllGenerationParams
from studio.tasks.loading import Loaded

ID = "image-text-to-text"
AUTO = "AutoModelForImageTextToText"


class ImageTextToTextParams(AllGenerationParams):
    """How the answer is written; the Hub has no parameters of its own for this task."""


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models that read text and pictures together; raises what `multimodal.load` raises."""
    return multimodal.load(AUTO, folder, base, device)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageTextToTextParams) -> list[dict[str, str]]:
    """What the model answers to each."""
    return [_answer(pipe, inputs, params, None) for inputs in batch]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: ImageTextToTextParams, listener: Listener) -> Any:
    """As `predict`, part by part."""
    return _answer(pipe, inputs, params, listener)


def _answer(
    pipe: Loaded, inputs: Mapping[str, Any], params: ImageTextToTextParams, listener: Listener | None
) -> dict[str, str]:
    media.image(inputs, "image")  # the one that may not be missing here
    return multimodal.write(pipe, inputs, params, listener)


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answer."""
    return multimodal.snippet(AUTO, model, inputs, params, base)


TASK = Task(
    id=ID,
    title="Chat about an image",
    description="Answers in words to a picture and a text: questions, descriptions, what is written in it.",
    inputs=(
        Slot("image", Modality.IMAGE, "Image", "What the text is about."),
        Slot("text", Modality.TEXT, "Text", "A question, or what to do."),
        Slot("messages", Modality.CHAT, "Before", "What was said before, a system message too.", optional=True),
    ),
    output=Slot("generated_text", Modality.TEXT, "Answer", "What the model writes."),
    params=ImageTextToTextParams,
    models=("HuggingFaceTB/SmolVLM-256M-Instruct", "llava-hf/llava-interleave-qwen-0.5b-hf"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=(
        "VLForConditionalGeneration",
        "VLMForConditionalGeneration",
        "LlavaForConditionalGeneration",
        "LlavaNextForConditionalGeneration",
        "LlavaOnevisionForConditionalGeneration",
        "Idefics3ForConditionalGeneration",
        "Gemma3ForConditionalGeneration",
        "Gemma3nForConditionalGeneration",
        "MllamaForConditionalGeneration",
        "Mistral3ForConditionalGeneration",
    ),
    group="Several at once",
    stream=stream,
    answer=lambda output: [output],
)
