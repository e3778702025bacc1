"""Models that make vectors of texts and pictures for the check of labels; each is loaded when it is first asked."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from studio.core.settings import Settings
from studio.data.checks.labelled import Encoder, Encoders
from studio.inference.border import border
from studio.inference.models import resolve_model
from studio.recipes.check.params import ENCODES, SEES, CheckJobParams
from studio.tasks import TASKS

LONGEST = 256  # word pieces of a text that count
LOG = "the job's log"


def encoders(params: CheckJobParams, settings: Settings, owner: str, device: str) -> Encoders:
    """Those that the form names."""

    def loader(ref: str, task: str) -> Callable[[], tuple[Any, Any]]:
        @cache
        def load() -> tuple[Any, Any]:
            files = resolve_model(ref, settings, owner, task)
            with border(files.ref, LOG):
                loaded: Any = TASKS[task].load(files.path, files.base, device)
            model, reads = loaded.pipe
            return model, reads

        return load

    def texts(load: Callable[[], tuple[Any, Any]], given: Sequence[str]) -> Any:
        from studio.starter.sentences import encode

        model, tokenizer = load()
        longest = min(LONGEST, int(getattr(model.config, "max_position_embeddings", None) or LONGEST))
        with border("A row", LOG):
            return encode(model, tokenizer, given, longest).float().cpu().numpy()

    def pictures(load: Callable[[], tuple[Any, Any]], given: Sequence[Any]) -> Any:
        with border("A row", LOG):
            return seen(*load(), given)

    words, images = loader(params.encoder, ENCODES), loader(params.picture_encoder, SEES)
    return Encoders(
        Encoder(params.encoder, lambda given: texts(words, given)) if params.encoder else None,
        Encoder(params.picture_encoder, lambda given: pictures(images, given)) if params.picture_encoder else None,
    )


def seen(model: Any, processor: Any, pictures: Sequence[Any]) -> Any:
    """A vector for each picture; what is clear in it counts as white."""
    import torch
    from PIL import Image

    if not pictures:
        return []
    whole = [Image.alpha_composite(Image.new("RGBA", one.size, "white"), one.convert("RGBA")) for one in pictures]
    inputs = processor(images=[one.convert("RGB") for one in whole], return_tensors="pt")
    inputs = inputs.to(model.device, model.dtype)
    with torch.inference_mode():
        output = model.get_image_features(**inputs) if hasattr(model, "get_image_features") else model(**inputs)
    found = getattr(output, "pooler_output", None)
    if found is None:
        parts = output.last_hidden_state
        found = parts.flatten(2).mean(-1) if parts.ndim == 4 else parts.mean(1)
    return found.flatten(1).float().cpu().numpy()
