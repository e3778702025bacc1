"""How pipelines of diffusers draw: loaded from safetensors, told what they take, stopped when nobody waits.

Only a local folder is read; `studio.inference.folders` has refused code and pickles before.
"""

import inspect
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput
from studio.tasks import generation, media
from studio.tasks.base import Listener
from studio.tasks.generation import SEED
from studio.tasks.loading import LOCAL, Loaded, WrongModel, loaded, weight_dtype

INDEX = "model_index.json"
FACTOR = 8  # by which sides are divided, where a pipeline does not say
OWN = {"seed", "scheduler"}  # parameters that are no arguments of a pipeline


def is_pipeline(folder: Path) -> bool:
    """Whether a folder holds a pipeline of diffusers."""
    return (folder / INDEX).is_file()


def load(folder: Path, base: Path | None, device: str, kinds: Collection[str], auto: str = "DiffusionPipeline") -> Any:
    """A pipeline of one of the kinds as diffusers' class `auto` loads it; raises `WrongModel` for other ones."""
    import diffusers

    kind = json.loads((folder / INDEX).read_text(encoding="utf-8")).get("_class_name") if is_pipeline(folder) else None
    if kind not in kinds or base is not None:
        raise WrongModel("It is no pipeline of diffusers that does this task; choose another model.")
    pipe = (
        getattr(diffusers, auto)
        .from_pretrained(folder, use_safetensors=True, dtype=weight_dtype(folder, device), **LOCAL)
        .to(device)
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def weighed(pipe: Any) -> Loaded:
    """The record of a pipeline, with the weights of all its parts."""
    import torch

    return loaded(pipe, *[part for part in pipe.components.values() if isinstance(part, torch.nn.Module)])


def draw(drawer: Any, prompt: str, given: Mapping[str, Any], wish: Any, listener: Listener | None) -> bytes:
    """A PNG; the rest of the steps is left out when the listener has gone.

    Args:
        drawer: a pipeline.
        prompt: what the picture is to show.
        given: further arguments of the call.
        wish: parameters with `seed`, and maybe `scheduler`.
        listener: whoever waits.
    """
    import torch

    own, drawer.scheduler = drawer.scheduler, _scheduler(drawer, getattr(wish, "scheduler", None))

    def look_up(drawing: Any, _step: int, _time: Any, tensors: Any) -> Any:
        drawing._interrupt = listener is not None and listener.gone
        return tensors

    # on the CPU, whatever the device: the same seed draws the same noise everywhere
    generator = torch.Generator().manual_seed(SEED if wish.seed is None else wish.seed)
    try:
        with generation.refusing("parameters", given), torch.inference_mode():
            found = drawer(prompt, generator=generator, callback_on_step_end=look_up, **given)
    finally:
        drawer.scheduler = own
    return media.png(found.images[0])


def fitting(drawer: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the call that are not None; raises `InvalidInput` for what this pipeline does not take."""
    wanted = {name: value for name, value in given.items() if value is not None and name not in OWN}
    for name, value in wanted.items():
        if name not in taken(drawer):
            raise InvalidInput(name, value, f"{type(drawer).__name__} takes none; leave it empty.")
    return wanted


def taken(drawer: Any) -> Mapping[str, inspect.Parameter]:
    """What a pipeline takes."""
    return inspect.signature(drawer.__call__).parameters


def factor(drawer: Any) -> int:
    """By what the sides of its pictures are divided."""
    return int(getattr(drawer, "vae_scale_factor", FACTOR))


def _scheduler(drawer: Any, name: str | None) -> Any:
    """A scheduler of that name with the settings of the model's own, which is the default."""
    if not name:
        return drawer.scheduler
    kinds = {kind.__name__: kind for kind in [type(drawer.scheduler), *drawer.scheduler.compatibles]}
    if name not in kinds:
        raise InvalidInput("scheduler", name, f"This model can use: {', '.join(sorted(kinds))}.")
    try:
        return kinds[name].from_config(drawer.scheduler.config)
    except ImportError as error:
        raise InvalidInput("scheduler", name, str(error).strip().splitlines()[0]) from None
