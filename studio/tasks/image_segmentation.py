"""image-segmentation: what each pixel shows, as one mask per label or per thing.

By models of transformers, or by the kit's own reader of MediaPipe's graph (`studio.starter.selfie`), which knows
persons only. Large pictures are looked at small; their masks have the picture's size.
"""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.settings import ROOT
from studio.core.types import Modality, Slot
from studio.starter import selfie
from studio.starter.selfie import PersonMask
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, WrongModel, load_config, load_pipeline

ID = "image-segmentation"
AUTOS = (
    "AutoModelForUniversalSegmentation",
    "AutoModelForInstanceSegmentation",
    "AutoModelForSemanticSegmentation",
    "AutoModelForImageSegmentation",
)
LONGEST = 1024  # pixels: 150 classes' values for each pixel of a photo would take gigabytes
PERSON = 0.5  # probability from which a pixel is a person's
Subtask = Literal["instance", "panoptic", "semantic"]


class ImageSegmentationParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ImageSegmentationParameters`)."""

    mask_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Threshold of a mask",
        description="How sure the model has to be of a pixel, where it gives one mask per thing. Empty: 0.5.",
    )
    overlap_mask_area_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Share that must be left",
        description="A thing of which others hide more than this leaves is dropped. Empty: 0.5.",
    )
    subtask: Subtask | None = Field(
        default=None,
        title="Kind",
        description="semantic: one mask per label; instance: one per thing; panoptic: both. Empty: the most that the "
        "model can do.",
    )
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Lowest score",
        description="Things that the model is less sure of are dropped. Empty: 0.9. Semantic masks have no score.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models of transformers, and the kit's of persons; raises what `load_model` raises."""
    if (folder / selfie.GRAPH).is_file():
        person = selfie.load(folder)
        return Loaded(person, sum(one.numel() * one.element_size() for one in person.constants.values()))
    if load_config(folder, base).model_type == "oneformer":
        raise WrongModel("OneFormer wants its question as text too; Mask2Former and MaskFormer do the same without.")
    return load_pipeline(ID, AUTOS, folder, base, device, "image_processor")


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageSegmentationParams
) -> list[list[dict[str, Any]]]:
    """Masks of each picture, in its size; "score" is None where the model gives a class per pixel.

    Raises `InvalidInput` for what is no picture, and for a `subtask` that the model cannot do.
    """
    can = ["semantic"] if isinstance(pipe.pipe, PersonMask) else subtasks(pipe.pipe.image_processor)
    if params.subtask is not None and params.subtask not in can:
        raise InvalidInput("subtask", params.subtask, f"This model does {' and '.join(can)}, or leave it empty.")
    pictures = [media.image(inputs) for inputs in batch]
    if isinstance(pipe.pipe, PersonMask):
        return [_person(pipe.pipe, picture, params) for picture in pictures]
    return [_segments(pipe.pipe, picture, params) for picture in pictures]


def subtasks(processor: Any) -> list[str]:
    """What a model's image processor can make of its outputs."""
    kinds = ("semantic", "instance", "panoptic")
    return [kind for kind in kinds if hasattr(processor, f"post_process_{kind}_segmentation")]


def _segments(pipe: Any, picture: Any, params: ImageSegmentationParams) -> list[dict[str, Any]]:
    found = pipe(media.shrunk(picture, LONGEST), **snippets.options(params))
    return [one | {"mask": media.png(one["mask"].resize(picture.size, 0))} for one in found]


def _person(model: PersonMask, picture: Any, params: ImageSegmentationParams) -> list[dict[str, Any]]:
    """The mask of the persons; the score is the mean probability within. No mask where nobody is."""
    from PIL import Image

    probability = model.probability(picture)
    mask = probability > (PERSON if params.mask_threshold is None else params.mask_threshold)
    score = float(probability[mask].mean()) if mask.any() else 0.0
    if not mask.any() or score < (params.threshold or 0):
        return []
    return [{"label": "person", "score": score, "mask": media.png(Image.fromarray(mask).convert("L"))}]


SCRIPT = """
{picture}
small = picture.copy()
small.thumbnail(({longest}, {longest}))
found = pipe({call})
for number, one in enumerate(found, 1):
    one.pop("mask").resize(picture.size, 0).save(f"mask-{{number}}.png")  # white where it is
print(found)
"""
PERSON_SCRIPT = """{reader}

from PIL import Image, ImageOps

{picture}
probability = load(Path({model})).probability(picture)
mask = probability > {threshold}
found = []
if mask.any() and probability[mask].mean() >= {lowest}:
    Image.fromarray(mask).convert("L").save("person.png")  # white where it is
    found.append({{"label": "person", "score": float(probability[mask].mean())}})
print(found)
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints labels and scores, and writes the masks beside itself."""
    picture = snippets.picture(inputs["inputs"])
    if (ROOT / model / selfie.GRAPH).is_file():
        threshold = PERSON if params.mask_threshold is None else params.mask_threshold
        return PERSON_SCRIPT.format(
            reader=inspect.getsource(selfie),  # no other library has this model
            picture=picture,
            model=snippets.quoted(model),
            threshold=threshold,
            lowest=params.threshold or 0,
        )
    call = snippets.arguments("small", **snippets.options(params))
    adapted = (base, AUTOS[2], "image_processor") if base else None
    head = snippets.with_pipeline(ID, model, call, adapted).removesuffix(f"print(pipe({call}))\n")
    return "from PIL import Image, ImageOps\n" + head + SCRIPT.format(picture=picture, longest=LONGEST, call=call)


TASK = Task(
    id=ID,
    title="Image segmentation",
    description="Which pixels of a picture show what: a mask for each label, or for each thing.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("masks", Modality.MASKS, "Masks", "White where it is; a score where the model gives one."),
    params=ImageSegmentationParams,
    models=(
        "kit:segmenter",
        "kit:selfie-segmentation",
        "nvidia/segformer-b0-finetuned-ade-512-512",
        "facebook/mask2former-swin-tiny-coco-panoptic",
    ),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForSemanticSegmentation", "ForUniversalSegmentation", "ForInstanceSegmentation", "ForSegmentation"),
    group="Vision",
)
