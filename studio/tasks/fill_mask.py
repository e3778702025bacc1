"""fill-mask: the words that may stand where one was left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_pipeline

ID = "fill-mask"
AUTO = "AutoModelForMaskedLM"
MASKS = ("[MASK]", "<mask>")  # what people write; a model's own may be another


class FillMaskParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.FillMaskParameters`)."""

    top_k: int | None = Field(
        default=None, ge=1, le=1000, title="Number of words", description="How many of the likeliest. Empty: five."
    )
    targets: list[str] | None = Field(
        default=None, title="Only these words", description="Words to choose from. Empty: the whole vocabulary."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return load_pipeline(ID, [AUTO], folder, base, device, "tokenizer")


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: FillMaskParams) -> list[list[Any]]:
    """The likeliest words for each text, or one such list for each gap where there are several.

    Raises `InvalidInput` for a text without a gap, a target that is no word of the model's, and a `top_k` above the
    size of its vocabulary.
    """
    tokenizer = pipe.pipe.tokenizer
    vocabulary = tokenizer.get_vocab()
    unknown = [word for word in params.targets or () if not _in(word, vocabulary)]
    if unknown:
        raise InvalidInput("targets", unknown[0], "It is no single word of the model's vocabulary.")
    if params.top_k and params.top_k > len(vocabulary):
        raise InvalidInput("top_k", params.top_k, f"The model knows {len(vocabulary)} words.")
    texts = [_masked(media.text(inputs), tokenizer.mask_token) for inputs in batch]
    options = snippets.options(params) | {"tokenizer_kwargs": {"truncation": True}}
    return [pipe.pipe(text, **options) for text in texts]


def _in(word: str, vocabulary: Mapping[str, int]) -> bool:
    return any(form in vocabulary for form in (word, f"Ġ{word}", f"▁{word}"))


def _masked(text: str, token: str) -> str:
    for mask in MASKS:
        text = text.replace(mask, token)
    if token not in text:
        raise InvalidInput("inputs", text, f"Write {token} where a word is left out.")
    return text


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the words."""
    text = snippets.quoted(inputs["inputs"])
    for mask in MASKS:
        text += f".replace({snippets.quoted(mask)}, pipe.tokenizer.mask_token)" if mask in inputs["inputs"] else ""
    call = snippets.arguments(text, **snippets.options(params))
    return snippets.with_pipeline(ID, model, call, (base, AUTO, "tokenizer") if base else None)


TASK = Task(
    id=ID,
    title="Fill mask",
    description="Guesses the word that was left out of a sentence.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "Write [MASK] where a word is left out."),),
    output=Slot("fills", Modality.FILLS, "Words", "What may stand in the gap, likeliest first."),
    params=FillMaskParams,
    models=("kit:fill-mask", "distilbert/distilroberta-base"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForMaskedLM",),
)
