"""zero-shot-object-detection: where things are that a visitor names → labels, scores, boxes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.candidates import Candidates, check_candidates, check_lengths
from studio.tasks.loading import Loaded, WrongModel, load_config, load_pipeline

ID = "zero-shot-object-detection"
AUTO = "AutoModelForZeroShotObjectDetection"


class ZeroShotObjectDetectionParams(Params):
    """Names of the Hub's inference API (`huggingface_hub.ZeroShotObjectDetectionParameters`), and the pipeline's."""

    candidate_labels: Candidates
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Lowest score",
        description="Boxes that the model is less sure of are left out. Empty: 0.1.",
    )
    top_k: int | None = Field(
        default=None, ge=1, title="Number of boxes", description="How many of the best are shown. Empty: all."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models that read labels beside the picture; raises what `load_model` raises."""
    if load_config(folder, base).model_type == "omdet-turbo":
        raise WrongModel("OmDet-Turbo works with torchvision only, which is not installed here; choose another model.")
    return load_pipeline(ID, [AUTO], folder, base, device, "image_processor", "tokenizer")


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ZeroShotObjectDetectionParams
) -> list[list[dict[str, Any]]]:
    """The boxes of each picture, the surest first; each label is looked for by itself. Raises `InvalidInput`."""
    labels = check_candidates(params.candidate_labels)
    check_lengths(labels, labels, pipe.pipe.tokenizer)
    pictures = [media.image(inputs) for inputs in batch]
    return [pipe.pipe(picture, candidate_labels=labels, **_options(params)) for picture in pictures]


def _options(params: ZeroShotObjectDetectionParams) -> dict[str, Any]:
    return {name: value for name, value in snippets.options(params).items() if name != "candidate_labels"}


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the boxes."""
    named = {"candidate_labels": params.candidate_labels} | _options(params)
    call = snippets.arguments(snippets.quoted(inputs["inputs"]), **named)
    return snippets.with_pipeline(ID, model, call, (base, AUTO, "image_processor", "tokenizer") if base else None)


TASK = Task(
    id=ID,
    title="Zero-shot object detection",
    description="Where in a picture things are that you name yourself, without any training.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("boxes", Modality.BOXES, "Boxes", "The surest first, in pixels of the picture."),
    params=ZeroShotObjectDetectionParams,
    models=("google/owlv2-base-patch16-ensemble", "google/owlvit-base-patch32", "IDEA-Research/grounding-dino-tiny"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=tuple(f"{kind}ForObjectDetection" for kind in ("OwlViT", "Owlv2", "GroundingDino")),
    group="Vision",
)
