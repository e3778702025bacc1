"""text-to-image: a picture of what a text says, by pipelines of diffusers: Stable Diffusion, Flux and their like."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import drawing, media, snippets
from studio.tasks.base import Listener, Params, Task, examples
from studio.tasks.drawing import FACTOR
from studio.tasks.generation import SEED
from studio.tasks.loading import Loaded

ID = "text-to-image"
FILE = "picture.png"
SIDES = (16, 2048)  # pixels; more takes minutes, and gigabytes
PIPELINES = (
    "StableDiffusionPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusion3Pipeline",
    "LatentConsistencyModelPipeline",
    "FluxPipeline",
    "PixArtAlphaPipeline",
    "PixArtSigmaPipeline",
    "SanaPipeline",
    "AuraFlowPipeline",
    "Lumina2Pipeline",
    "CogView4Pipeline",
    "QwenImagePipeline",
    "ZImagePipeline",
)


class TextToImageParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TextToImageParameters`)."""

    num_inference_steps: int | None = Field(
        default=None, ge=1, le=1000, title="Steps", description="More take longer and draw finer. Empty: mostly 50."
    )
    guidance_scale: float | None = Field(
        default=None,
        ge=0,
        le=100,
        title="Guidance",
        description="How closely the picture follows the text; too high spoils it. Empty: the pipeline's, mostly 7.5.",
    )
    negative_prompt: str | None = Field(
        default=None, title="Negative prompt", description="What must not be in the picture."
    )
    width: int | None = Field(
        default=None,
        ge=SIDES[0],
        le=SIDES[1],
        title="Width",
        description=f"In pixels, a multiple of {FACTOR} mostly. Empty: what the model was trained with.",
    )
    height: int | None = Field(default=None, ge=SIDES[0], le=SIDES[1], title="Height", description="As the width.")
    scheduler: str | None = Field(
        default=None,
        title="Scheduler",
        description="The way from noise to picture by the name of its class, for example DDIMScheduler. Empty: the "
        "model's own.",
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**32 - 1, title="Seed", description="The same seed draws the same picture. Empty: 0."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """A pipeline of the list above; raises `WrongModel` for other ones."""
    return drawing.weighed(drawing.load(folder, base, device, PIPELINES))


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: TextToImageParams) -> list[bytes]:
    """A PNG for each text. Raises `InvalidInput` for a size or a scheduler that the model does not have."""
    return [alone(pipe, inputs, params, None) for inputs in batch]


def alone(pipe: Loaded, inputs: Mapping[str, Any], params: TextToImageParams, listener: Listener | None) -> bytes:
    """As `predict` for one text; the rest of the steps is left out when the listener has gone."""
    prompt = media.text(inputs)
    given = drawing.fitting(pipe.pipe, snippets.options(params))
    factor = drawing.factor(pipe.pipe)
    for side in ("width", "height"):
        if given.get(side, 0) % factor:
            raise InvalidInput(side, given[side], f"It has to be a multiple of {factor}.")
    return drawing.draw(pipe.pipe, prompt, given, params, listener)


SCRIPT = """import torch
from diffusers import DiffusionPipeline{kind}

pipe = DiffusionPipeline.from_pretrained({model}, use_safetensors=True)
{scheduler}generator = torch.Generator().manual_seed({seed})
picture = pipe({call}).images[0]
picture.save("{file}")
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:  # noqa: ARG001  there is none
    """A script that writes the picture beside it."""
    given = {name: value for name, value in snippets.options(params).items() if name not in drawing.OWN}
    kind = params.scheduler
    return SCRIPT.format(
        kind=f", {kind}" if kind else "",
        model=snippets.quoted(model),
        scheduler=f"pipe.scheduler = {kind}.from_config(pipe.scheduler.config)\n" if kind else "",
        seed=params.seed or SEED,
        call=snippets.arguments(snippets.quoted(inputs["inputs"]), "generator=generator", **given),
        file=FILE,
    )


TASK = Task(
    id=ID,
    title="Text to image",
    description="Draws what a text says.",
    inputs=(Slot("inputs", Modality.TEXT, "Prompt", "What the picture is to show."),),
    output=Slot("image", Modality.IMAGE, "Picture", "What the model draws."),
    params=TextToImageParams,
    models=("kit:tiny-sd", "stable-diffusion-v1-5/stable-diffusion-v1-5", "stabilityai/sdxl-turbo"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=PIPELINES,
    group="Several at once",
    alone=alone,
)
