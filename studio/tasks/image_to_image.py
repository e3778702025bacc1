"""image-to-image: a picture made of a picture: larger and sharper, by models of super-resolution.

transformers 5 has no pipeline for it. What the models add at the edges of a picture is cut off again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_model, load_part, loaded

ID = "image-to-image"
AUTO = "AutoModelForImageToImage"
MAX_PIXELS = 1_000_000  # of what is made larger: more takes minutes, and gigabytes
LARGEST = 8192  # pixels of a side that a result may have
NEEDS_PROMPT = ("prompt", "negative_prompt", "guidance_scale", "num_inference_steps")


class TargetSize(Params):
    """`huggingface_hub.ImageToImageTargetSize`."""

    height: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST,
        title="Height",
        description="Of the result, in pixels. Empty: as the model has it.",
    )
    width: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST,
        title="Width",
        description="Of the result, in pixels. Empty: as the model has it.",
    )


class ImageToImageParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ImageToImageParameters`)."""

    prompt: str | None = Field(
        default=None, title="Prompt", description="What the picture is to become, for models that are told so."
    )
    negative_prompt: str | None = Field(
        default=None, title="Negative prompt", description="What must not be in it, for models that are told so."
    )
    guidance_scale: float | None = Field(
        default=None,
        ge=0,
        le=100,
        title="Guidance",
        description="How closely the picture follows the prompt, for models that take one.",
    )
    num_inference_steps: int | None = Field(
        default=None, ge=1, le=1000, title="Steps", description="Of diffusion, for models that take a prompt."
    )
    target_size: TargetSize = Field(
        default=TargetSize(), title="Size of the result", description="Both or none; the result is scaled to it."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models of super-resolution; raises what `load_model` raises."""
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_part("image_processor", folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageToImageParams) -> list[bytes]:
    """A PNG for each picture. Raises `InvalidInput`, also for a prompt: these models take none."""
    for name in NEEDS_PROMPT:
        if getattr(params, name) is not None:
            expected = "This model makes pictures larger and is told nothing; leave it empty."
            raise InvalidInput(name, getattr(params, name), expected)
    size = target_size(params)
    return [_larger(pipe, media.image(inputs), size) for inputs in batch]


def target_size(params: ImageToImageParams) -> tuple[int, int] | None:
    """Width and height of the result, where they are given; raises `InvalidInput` for one without the other."""
    width, height = params.target_size.width, params.target_size.height
    if width is None and height is None:
        return None
    if width is None or height is None:
        missing = "width" if width is None else "height"
        raise InvalidInput(f"target_size.{missing}", "nothing", "Give both sides, or none.")
    return width, height


def _larger(pipe: Loaded, picture: Any, size: tuple[int, int] | None) -> bytes:
    import torch
    from PIL import Image

    model, processor = pipe.pipe
    if picture.width * picture.height > MAX_PIXELS:
        given = f"{picture.width:,} × {picture.height:,} pixels"
        raise InvalidInput("inputs", given, f"At most {MAX_PIXELS:,} pixels are made larger; make it smaller.")
    with torch.inference_mode():
        output = model(**processor(images=picture, return_tensors="pt").to(model.device, model.dtype)).reconstruction
    scale = model.config.upscale
    pixels = output[0, :, : picture.height * scale, : picture.width * scale].float().cpu().clamp(0, 1)
    made = Image.fromarray((pixels * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    return media.png(made.resize(size) if size else made)


SCRIPT = """import torch
from PIL import Image, ImageOps
{load}

{picture}
with torch.inference_mode():
    output = model(**processor(images=picture, return_tensors="pt")).reconstruction
scale = model.config.upscale
pixels = output[0, :, : picture.height * scale, : picture.width * scale].clamp(0, 1)
made = Image.fromarray((pixels * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
{resize}made.save("image.png")
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that writes the picture beside itself."""
    size = target_size(params)
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoImageProcessor"),
        picture=snippets.picture(inputs["inputs"]),
        resize=f"made = made.resize({size})\n" if size else "",
    )


TASK = Task(
    id=ID,
    title="Image to image",
    description="A picture made of a picture: larger, with details that a model fills in.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "A small picture: of a million pixels at most."),),
    output=Slot("image", Modality.IMAGE, "Image", "A new picture, as PNG."),
    params=ImageToImageParams,
    models=("caidas/swin2SR-classical-sr-x2-64", "caidas/swin2SR-realworld-sr-x4-64-bsrgan-psnr"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForImageSuperResolution",),
    group="Vision",
)
