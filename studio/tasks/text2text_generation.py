"""text2text-generation: whatever a model with an encoder and a decoder writes to a text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Modality, Slot
from studio.tasks import generation, seq2seq, snippets
from studio.tasks.base import Listener, Task, examples
from studio.tasks.loading import Loaded
from studio.tasks.seq2seq import Seq2SeqParams

ID = "text2text-generation"


class Text2TextGenerationParams(Seq2SeqParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.Text2TextGenerationParameters`)."""


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return generation.load(generation.SEQ2SEQ, folder, base, device)


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: Text2TextGenerationParams
) -> list[dict[str, str]]:
    """What the model writes to each text."""
    return [{"generated_text": text} for text in seq2seq.answer_all(pipe, batch, params)]


def stream(
    pipe: Loaded, inputs: Mapping[str, Any], params: Text2TextGenerationParams, listener: Listener
) -> dict[str, str]:
    """As `predict`, part by part."""
    return {"generated_text": seq2seq.answer_one(pipe, inputs, params, listener)}


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the text."""
    return seq2seq.snippet(model, snippets.quoted(inputs["inputs"]), params, base, "generated_text")


TASK = Task(
    id=ID,
    title="Text to text",
    description="Turns one text into another: instructions for T5 and its like.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "What the model was taught to answer; long texts are cut."),),
    output=Slot("generated_text", Modality.TEXT, "Answer", "What the model writes."),
    params=Text2TextGenerationParams,
    models=("kit:summarizer", "kit:translator", "google/flan-t5-small"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("T5ForConditionalGeneration", "BartForConditionalGeneration", "MarianMTModel", "ForSeq2SeqLM"),
    stream=stream,
    answer=lambda output: [output],
)
