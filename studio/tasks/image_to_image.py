"""image-to-image: a picture made of a picture: another one that a prompt tells of, or the same, larger and sharper.

The first is drawn by pipelines of diffusers over noise that is laid on the picture (Meng et al., SDEdit, 2021), the
second by models of super-resolution, for which transformers 5 has no pipeline; what these add at the edges of a
picture is cut off again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import drawing, media, snippets
from studio.tasks.base import Listener, Params, Task, examples
from studio.tasks.generation import SEED
from studio.tasks.loading import Loaded, load_model, load_part, loaded

ID = "image-to-image"
AUTO = "AutoModelForImageToImage"
MAX_PIXELS = 1_000_000  # of what is made larger: more takes minutes, and gigabytes
LARGEST = 8192  # pixels of a side that a result may have
DRAWERS = (  # diffusers has an image-to-image form of each
    "StableDiffusionPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusion3Pipeline",
    "LatentConsistencyModelPipeline",
    "FluxPipeline",
    "QwenImagePipeline",
    "ZImagePipeline",
)
DRAWN = "AutoPipelineForImage2Image"
LATENT = 128  # a side of what a pipeline works on, where its model does not say
NEEDS_PROMPT = ("prompt", "negative_prompt", "guidance_scale", "num_inference_steps", "strength", "seed")


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
        default=None, title="Prompt", description="What the picture is to become. Models that only enlarge take none."
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
    strength: float | None = Field(
        default=None,
        gt=0,
        le=1,
        title="Strength",
        description="How far it may leave the picture, for models that take a prompt: 1 keeps nothing. Empty: the "
        "pipeline's, mostly 0.8.",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="The same seed draws the same picture, for models that take a prompt. Empty: 0.",
    )
    target_size: TargetSize = Field(
        default=TargetSize(), title="Size of the result", description="Both or none; the result is scaled to it."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """A pipeline of `DRAWERS`, or a model of super-resolution; raises what `load_model` raises."""
    if drawing.is_pipeline(folder):
        return drawing.weighed(drawing.load(folder, base, device, DRAWERS, DRAWN))
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_part("image_processor", folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageToImageParams) -> list[bytes]:
    """A PNG for each picture. Raises `InvalidInput`, also for parameters of the other kind of model."""
    return [alone(pipe, inputs, params, None) for inputs in batch]


def alone(pipe: Loaded, inputs: Mapping[str, Any], params: ImageToImageParams, listener: Listener | None) -> bytes:
    """As `predict` for one picture; the rest of a drawing's steps is left out when the listener has gone."""
    size = target_size(params)
    if not isinstance(pipe.pipe, tuple):
        return _drawn(pipe.pipe, media.image(inputs), params, listener)
    for name in NEEDS_PROMPT:
        if getattr(params, name) is not None:
            expected = "This model makes pictures larger and is told nothing; leave it empty."
            raise InvalidInput(name, getattr(params, name), expected)
    return _larger(pipe, media.image(inputs), size)


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


def _drawn(drawer: Any, picture: Any, params: ImageToImageParams, listener: Listener | None) -> bytes:
    """The picture, made as large as the model draws, then drawn anew."""
    prompt = (params.prompt or "").strip()
    if not prompt:
        raise InvalidInput("prompt", "nothing", "This model is told what the picture is to become; write it.")
    given = drawing.fitting(drawer, snippets.options(params) | {"target_size": None, "prompt": None})
    taken = drawing.taken(drawer)
    steps = given.get("num_inference_steps") or taken["num_inference_steps"].default
    strength = given.get("strength") or taken["strength"].default
    if int(steps * strength) < 1:
        raise InvalidInput("strength", strength, f"Of {steps} steps none would be left: at least {1 / steps:.2g}.")
    picture = picture.resize(_own_size(drawer, picture.size))
    given["image"] = picture
    if "width" in taken:
        given |= {"width": picture.width, "height": picture.height}
    found = drawing.draw(drawer, prompt, given, params, listener)
    size = target_size(params)
    return media.png(media.image({"inputs": found}).resize(size)) if size else found


def _own_size(drawer: Any, size: tuple[int, int]) -> tuple[int, int]:
    """A size of the same shape, as large as the pictures that the model was trained with."""
    factor = drawing.factor(drawer)
    part = getattr(drawer, "unet", None) or drawer.transformer
    side = (getattr(part.config, "sample_size", None) or LATENT) * factor
    width, height = (max(side // 4, round(one * side / max(size) / factor) * factor) for one in size)
    return width, height


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


DRAWING = """import torch
from PIL import Image, ImageOps
from diffusers import AutoPipelineForImage2Image

pipe = AutoPipelineForImage2Image.from_pretrained({model}, use_safetensors=True)
{picture}
factor = pipe.vae_scale_factor
part = getattr(pipe, "unet", None) or pipe.transformer
side = (getattr(part.config, "sample_size", None) or {latent}) * factor
longest = max(picture.size)
width, height = (max(side // 4, round(one * side / longest / factor) * factor) for one in picture.size)
picture = picture.resize((width, height))
size = {{}} if hasattr(pipe, "unet") else {{"width": width, "height": height}}
generator = torch.Generator().manual_seed({seed})
made = pipe({call}, **size).images[0]
{resize}made.save("image.png")
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that writes the picture beside itself; who gives a prompt has a model that draws."""
    size = target_size(params)
    if params.prompt:
        own = drawing.OWN | {"prompt", "target_size"}
        given = {name: value for name, value in snippets.options(params).items() if name not in own}
        return DRAWING.format(
            model=snippets.quoted(model),
            picture=snippets.picture(inputs["inputs"]),
            latent=LATENT,
            seed=params.seed or SEED,
            call=snippets.arguments(
                snippets.quoted(params.prompt.strip()), "image=picture, generator=generator", **given
            ),
            resize=f"made = made.resize({size})\n" if size else "",
        )
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoImageProcessor"),
        picture=snippets.picture(inputs["inputs"]),
        resize=f"made = made.resize({size})\n" if size else "",
    )


TASK = Task(
    id=ID,
    title="Image to image",
    description="A picture made of a picture: another one that a prompt tells of, or the same one larger.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "To be made larger it may have a million pixels at most."),),
    output=Slot("image", Modality.IMAGE, "Image", "A new picture, as PNG."),
    params=ImageToImageParams,
    models=(
        "kit:tiny-sd",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "caidas/swin2SR-classical-sr-x2-64",
        "caidas/swin2SR-realworld-sr-x4-64-bsrgan-psnr",
    ),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForImageSuperResolution", *DRAWERS),
    group="Vision",
    alone=alone,
)
