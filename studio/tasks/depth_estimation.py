"""depth-estimation: how far each pixel of a picture is → a picture of depths, and the values themselves.

Models give either a distance (metres) or its inverse; in the picture bright is near for both.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import NoParams, Task, examples
from studio.tasks.loading import Loaded, WrongModel, load_config, load_model, load_part, loaded

ID = "depth-estimation"
AUTO = "AutoModelForDepthEstimation"
LONGEST = 768  # pixels; models see less, and each value is a number in the answer
METRIC = {"glpn", "depth_pro"}  # types whose models give distances; others say so in `depth_estimation_type`


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    if load_config(folder, base).model_type == "zoedepth":
        raise WrongModel("ZoeDepth works with torchvision only, which is not installed here; choose another model.")
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_part("image_processor", folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], _params: NoParams) -> list[dict[str, Any]]:
    """For each picture "depth", the bytes of a PNG in its size, and "predicted_depth", the model's own values by row.

    Of a picture with a side above `LONGEST` the values are those of a smaller one. Raises `InvalidInput`.
    """
    return [_depth(pipe, media.image(inputs)) for inputs in batch]


def _depth(pipe: Loaded, picture: Any) -> dict[str, Any]:
    import torch
    from PIL import Image

    model, processor = pipe.pipe
    small = media.shrunk(picture, LONGEST)
    with torch.inference_mode():
        output = model(**processor(images=small, return_tensors="pt").to(model.device, model.dtype))
    found = processor.post_process_depth_estimation(output, target_sizes=[small.size[::-1]])[0]
    depth = found["predicted_depth"].float().cpu().reshape(small.size[::-1])
    span = float(depth.max() - depth.min())
    share = (depth - depth.min()) / span if span else torch.zeros_like(depth)
    near = 1 - share if is_distance(model.config) else share
    shown = Image.fromarray((near * 255).round().to(torch.uint8).numpy())
    return {"depth": media.png(shown.resize(picture.size)), "predicted_depth": depth.tolist()}


def is_distance(config: Any) -> bool:
    """Whether a model's values grow with the distance."""
    return config.model_type in METRIC or getattr(config, "depth_estimation_type", "") == "metric"


SCRIPT = """import torch
from PIL import Image, ImageOps
{load}

{picture}
small = picture.copy()
small.thumbnail(({longest}, {longest}))
with torch.inference_mode():
    output = model(**processor(images=small, return_tensors="pt"))
found = processor.post_process_depth_estimation(output, target_sizes=[small.size[::-1]])[0]
depth = found["predicted_depth"].reshape(small.size[::-1])
share = (depth - depth.min()) / (depth.max() - depth.min()).clamp_min(1e-12)
distance = model.config.model_type in {metric} or getattr(model.config, "depth_estimation_type", "") == "metric"
near = 1 - share if distance else share  # bright is near
Image.fromarray((near * 255).round().to(torch.uint8).numpy()).resize(picture.size).save("depth.png")
print({{"predicted_depth": depth.tolist()}})
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:  # noqa: ARG001  it has none
    """A script that prints the values and writes the picture beside itself."""
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoImageProcessor"),
        picture=snippets.picture(inputs["inputs"]),
        longest=LONGEST,
        metric=snippets.quoted(sorted(METRIC)),
    )


TASK = Task(
    id=ID,
    title="Depth estimation",
    description="How far away each part of a picture is, from one picture alone.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("depth", Modality.DEPTH, "Depth", "Bright is near. The values are the model's own: some give metres."),
    params=NoParams,
    models=("kit:depth", "depth-anything/Depth-Anything-V2-Small-hf", "Intel/dpt-large"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForDepthEstimation",),
    group="Vision",
)
