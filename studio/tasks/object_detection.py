"""object-detection: which things a picture shows, and where → labels, scores, boxes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_pipeline

ID = "object-detection"
AUTO = "AutoModelForObjectDetection"


class ObjectDetectionParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ObjectDetectionParameters`)."""

    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Lowest score",
        description="Boxes that the model is less sure of are left out. Empty: 0.5.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return load_pipeline(ID, [AUTO], folder, base, device, "image_processor")


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ObjectDetectionParams
) -> list[list[dict[str, Any]]]:
    """The boxes of each picture, the surest first; raises `InvalidInput` for what is no picture.

    One by one: pictures of other sizes beside it would change what a model sees of each.
    """
    pictures = [media.image(inputs) for inputs in batch]
    return [best_first(pipe.pipe(picture, **snippets.options(params))) for picture in pictures]


def best_first(boxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Boxes with falling scores."""
    return sorted(boxes, key=lambda one: -float(one["score"]))


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the boxes."""
    call = snippets.arguments(snippets.quoted(inputs["inputs"]), **snippets.options(params))
    code = snippets.with_pipeline(ID, model, call, (base, AUTO, "image_processor") if base else None)
    return code.replace(f"print(pipe({call}))", f'print(sorted(pipe({call}), key=lambda one: -one["score"]))')


TASK = Task(
    id=ID,
    title="Object detection",
    description="Which things a picture shows, each with a box around it.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("boxes", Modality.BOXES, "Boxes", "The surest first, in pixels of the picture."),
    params=ObjectDetectionParams,
    models=("kit:detector", "PekingU/rtdetr_r18vd", "facebook/detr-resnet-50"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForObjectDetection",),
    group="Vision",
)
