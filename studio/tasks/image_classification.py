"""image-classification: what a picture shows → labels with scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Label, Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Task, examples
from studio.tasks.classes import ClassParams, check_top_k
from studio.tasks.loading import Loaded, load_pipeline

ID = "image-classification"
AUTO = "AutoModelForImageClassification"


class ImageClassificationParams(ClassParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ImageClassificationParameters`)."""


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return load_pipeline(ID, [AUTO], folder, base, device, "image_processor")


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageClassificationParams) -> list[list[Label]]:
    """One list of labels per picture, best first.

    Raises `InvalidInput` for what is no picture, or a `top_k` above the model's number of labels.
    """
    check_top_k(params.top_k, pipe.pipe.model.config.num_labels)
    pictures = [media.image(inputs) for inputs in batch]
    found: list[list[Label]] = pipe.pipe(pictures, batch_size=len(pictures), **snippets.options(params))
    return found


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    call = snippets.arguments(snippets.quoted(inputs["inputs"]), **snippets.options(params))
    return snippets.with_pipeline(ID, model, call, (base, AUTO, "image_processor") if base else None)


TASK = Task(
    id=ID,
    title="Image classification",
    description="What a picture shows, out of the labels that a model knows.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how sure the model is, from 0 to 1."),
    params=ImageClassificationParams,
    models=("kit:efficientnet-lite0", "kit:fashion-classifier", "google/vit-base-patch16-224"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForImageClassification",),
    group="Vision",
)
