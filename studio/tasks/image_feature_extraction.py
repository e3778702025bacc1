"""image-feature-extraction: a picture as numbers, for search, clusters and classifiers of one's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, WrongModel, load_model, load_part, loaded

ID = "image-feature-extraction"
AUTO = "AutoModel"


class ImageFeatureExtractionParams(Params):
    """The one parameter of transformers' pipeline; the Hub's inference API has none."""

    pool: bool | None = Field(
        default=None,
        title="One vector",
        description="Yes: one vector for the picture; no: one for each of its parts. Empty: one, where the model makes "
        "one.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Encoders of pictures; raises what `load_model` raises, and `WrongModel` for what reads no pictures."""
    model = load_model([AUTO], folder, base, device)
    reads = model.main_input_name == "pixel_values" and not hasattr(model.config, "num_frames")
    if not reads and not hasattr(model, "get_image_features"):
        raise WrongModel(f"A model of type {model.config.model_type!r} reads no pictures; choose another one.")
    return loaded((model, load_part("image_processor", folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageFeatureExtractionParams) -> list[list[Any]]:
    """A vector for each picture, or one for each of its parts. Raises `InvalidInput`."""
    return [_features(pipe, media.image(inputs), params.pool) for inputs in batch]


def _features(pipe: Loaded, picture: Any, pool: bool | None) -> list[Any]:
    import torch

    model, processor = pipe.pipe
    inputs = processor(images=picture, return_tensors="pt").to(model.device, model.dtype)
    with torch.inference_mode():
        output = model.get_image_features(**inputs) if hasattr(model, "get_image_features") else model(**inputs)
    pooled = getattr(output, "pooler_output", None)
    if pool and pooled is None:
        raise InvalidInput("pool", True, "This model makes no single vector; leave it empty, or say no.")
    if pooled is not None and pool is not False:
        vector: list[float] = pooled.float().flatten().tolist()
        return vector
    parts = output.last_hidden_state[0].float()
    rows: list[list[float]] = (parts.flatten(1).T if parts.ndim == 3 else parts).tolist()  # of maps, their places
    return rows


SCRIPT = """import torch
from PIL import Image, ImageOps
{load}

{picture}
inputs = processor(images=picture, return_tensors="pt")
with torch.inference_mode():
    output = model.get_image_features(**inputs) if hasattr(model, "get_image_features") else model(**inputs)
{features}
"""
POOLED = """print(output.pooler_output.flatten().tolist())"""
PARTS = """parts = output.last_hidden_state[0]
print((parts.flatten(1).T if parts.ndim == 3 else parts).tolist())"""
EITHER = """if getattr(output, "pooler_output", None) is not None:
    print(output.pooler_output.flatten().tolist())
else:
    parts = output.last_hidden_state[0]
    print((parts.flatten(1).T if parts.ndim == 3 else parts).tolist())"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the vectors."""
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoImageProcessor"),
        picture=snippets.picture(inputs["inputs"]),
        features={None: EITHER, True: POOLED, False: PARTS}[params.pool],
    )


TASK = Task(
    id=ID,
    title="Image feature extraction",
    description="A picture as a vector of numbers: what search, clusters and classifiers start from.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("vector", Modality.VECTORS, "Vector", "Pictures that show the same lie close together."),
    params=ImageFeatureExtractionParams,
    models=("kit:efficientnet-lite0", "facebook/dinov2-small", "google/vit-base-patch16-224-in21k"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    group="Vision",
)
