"""feature-extraction: a text as numbers, for search, clusters and classifiers of one's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_model, load_tokenizer, loaded

ID = "feature-extraction"
AUTO = "AutoModel"


class FeatureExtractionParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.FeatureExtractionInput`), and `pooling`."""

    pooling: Literal["mean", "cls", "none"] = Field(
        default="mean",
        title="Pooling",
        description="mean: the average over the tokens, one vector, as sentence encoders are meant; cls: the first "
        "token's; none: one vector a token.",
    )
    normalize: bool | None = Field(
        default=None, title="Length 1", description="Whether vectors are scaled to length 1. Empty: they are not."
    )
    truncate: bool | None = Field(
        default=None, title="Cut long texts", description="Whether what the model cannot read is cut. Empty: it is."
    )
    truncation_direction: Literal["left", "right"] | None = Field(
        default=None, title="Cut from", description="Which end of a long text is cut. Empty: the right one."
    )
    prompt_name: str | None = Field(
        default=None,
        title="Prompt",
        description="Name of a prompt of the model's sentence-transformers configuration that is put before the text.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Encoders of text; raises what `load_model` raises."""
    model = load_model([AUTO], folder, base, device)
    prompts = _prompts(base or folder)
    return loaded((model, load_tokenizer(folder, base), prompts), model)


def _prompts(folder: Path) -> dict[str, str]:
    import json

    file = folder / "config_sentence_transformers.json"
    found = json.loads(file.read_text(encoding="utf-8")).get("prompts", {}) if file.is_file() else {}
    return {str(name): str(text) for name, text in found.items()}


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: FeatureExtractionParams) -> list[list[Any]]:
    """A vector for each text, or one for each of its tokens without pooling.

    Raises `InvalidInput` for an unknown prompt, and for a text that is too long where nothing may be cut.
    """
    import torch

    model, tokenizer, prompts = pipe.pipe
    if params.prompt_name is not None and params.prompt_name not in prompts:
        known = ", ".join(prompts) or "none"
        raise InvalidInput("prompt_name", params.prompt_name, f"Prompts of this model: {known}.")
    prefix = prompts.get(params.prompt_name or "", "")
    positions = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    limit = min(int(tokenizer.model_max_length), int(positions))
    tokenizer.truncation_side = params.truncation_direction or "right"
    found = []
    for inputs in batch:  # one by one: padding would change nothing but the time, and little of that
        text = prefix + media.text(inputs)
        encoded = tokenizer(text, truncation=params.truncate is not False, max_length=limit, return_tensors="pt")
        if encoded["input_ids"].shape[1] > limit:
            count = encoded["input_ids"].shape[1]
            raise InvalidInput("inputs", f"{count} tokens", f"The model reads {limit}; shorten it, or allow cutting.")
        with torch.inference_mode():
            states = model(**encoded.to(model.device)).last_hidden_state[0].float()
        if params.pooling != "none":
            states = states.mean(0) if params.pooling == "mean" else states[0]
        if params.normalize:
            states = torch.nn.functional.normalize(states, dim=-1)
        found.append(states.tolist())
    return found


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the vectors."""
    lines = [
        "import torch",
        snippets.load_lines(AUTO, model, base),
        f"tokenizer.truncation_side = {snippets.quoted(params.truncation_direction or 'right')}",
        "limit = min(tokenizer.model_max_length, model.config.max_position_embeddings)",
        f"encoded = tokenizer({snippets.quoted(inputs['inputs'])}, truncation=True, max_length=limit, "
        'return_tensors="pt")',
        "with torch.inference_mode():",
        "    states = model(**encoded).last_hidden_state[0]",
    ]
    if params.pooling != "none":
        lines.append("states = states.mean(0)" if params.pooling == "mean" else "states = states[0]")
    if params.normalize:
        lines.append("states = torch.nn.functional.normalize(states, dim=-1)")
    return "\n".join([*lines, "print(states.tolist())\n"])


TASK = Task(
    id=ID,
    title="Feature extraction",
    description="A text as a vector of numbers: what search, clusters and classifiers start from.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "One text; what is longer than the model reads is cut."),),
    output=Slot("vector", Modality.VECTORS, "Vector", "Texts that mean the same lie close together."),
    params=FeatureExtractionParams,
    models=("kit:minilm-l6", "sentence-transformers/all-MiniLM-L6-v2", "BAAI/bge-small-en-v1.5"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
)
