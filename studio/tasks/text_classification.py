"""text-classification: one text → labels with scores.

Takes models with a sequence-classification head, whole or as a PEFT adapter; safetensors only.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import ASSETS
from studio.core.types import Label, Modality, Slot
from studio.tasks.base import Example, Task

MAX_TOKENS = 2048  # for models that state no limit of their own
CHARACTERS_PER_TOKEN = 64  # no tokenizer needs more text than this to fill a token; the rest need not be read
PADDED_TOKENS = 8192  # most that one forward pass holds, padding included
OFFSET_POSITIONS = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "data2vec-text"}
)


class TextClassificationParams(BaseModel):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TextClassificationParameters`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = Field(
        default=None,
        title="Function for the scores",
        description="How raw outputs become scores. Empty: softmax for one label of several, sigmoid for several at "
        "once or a single one, none for regression, as the model says.",
    )
    top_k: int | None = Field(
        default=None,
        ge=1,
        title="Number of labels",
        description="How many of the best labels are shown. Empty: all of them.",
    )


@dataclass(frozen=True)
class Classifier:
    """A loaded model.

    Attributes:
        limit: most tokens of a text that it reads.
        can_pad: whether several texts may go through it at once.
        activation: the function that its configuration asks for.
    """

    model: Any
    tokenizer: Any
    labels: tuple[str, ...]
    limit: int
    can_pad: bool
    activation: Literal["sigmoid", "softmax", "none"]
    bytes: int


def load(folder: Path, base: Path | None, device: str) -> Classifier:
    """Load from local safetensors only, in float32; no code from the repository runs.

    Raises `StudioError` when weights that the answer depends on are in no file.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    local: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    config = AutoConfig.from_pretrained(folder if (folder / "config.json").is_file() else base, **local)
    if base is not None and not (folder / "config.json").is_file():
        _set_labels(config, _manifest_labels(folder))
    model, info = AutoModelForSequenceClassification.from_pretrained(
        base or folder, config=config, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **local
    )
    missing = set(info["missing_keys"])
    if base is not None:
        model, missing = _with_adapter(model, folder, missing)
    if missing:
        raise StudioError(
            f"These weights are in no file: {', '.join(sorted(missing)[:4])}. The model has no trained classification "
            "head; fine-tune it first."
        )
    tokenizer = AutoTokenizer.from_pretrained(folder if _has_tokenizer(folder) else base or folder, **local)
    model = model.to(device).eval()
    return Classifier(
        model=model,
        tokenizer=tokenizer,
        labels=tuple(str(config.id2label[index]) for index in range(config.num_labels)),
        limit=_limit(tokenizer, config),
        can_pad=tokenizer.pad_token is not None and getattr(config, "pad_token_id", None) is not None,
        activation=_activation(config),
        bytes=sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()]),
    )


def predict(
    pipe: Classifier, batch: Sequence[Mapping[str, Any]], params: TextClassificationParams
) -> list[list[Label]]:
    """One list of labels per text, best first; all labels unless `top_k` says otherwise.

    Raises `InvalidInput` for a text that is none, or a `top_k` above the model's number of labels.
    """
    import torch

    count = len(pipe.labels)
    if params.top_k is not None and params.top_k > count:
        raise InvalidInput("top_k", params.top_k, f"The model has {count} labels: 1 to {count}, or empty for all.")
    texts = [_text(inputs)[: pipe.limit * CHARACTERS_PER_TOKEN] for inputs in batch]
    encoded = pipe.tokenizer(texts, truncation=True, max_length=pipe.limit)
    names = list(encoded)
    scores: dict[int, list[float]] = {}
    with torch.inference_mode():
        for chunk in _chunks([len(ids) for ids in encoded["input_ids"]], pipe.can_pad):
            rows = [{name: encoded[name][index] for name in names} for index in chunk]
            if len(chunk) == 1:  # nothing to pad, and no pad token needed
                tensors = {name: torch.tensor([value]) for name, value in rows[0].items()}
            else:
                tensors = dict(pipe.tokenizer.pad(rows, return_tensors="pt"))
            moved = {name: tensor.to(pipe.model.device) for name, tensor in tensors.items()}
            logits = pipe.model(**moved).logits.float()
            values = _apply(logits, params.function_to_apply or pipe.activation).tolist()
            scores.update(zip(chunk, values, strict=True))
    return [_ranked(pipe.labels, scores[index], params.top_k) for index in range(len(texts))]


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels; for an adapter it puts base and adapter together first."""
    options = "top_k=None" if params.top_k is None else f"top_k={params.top_k}"
    if params.function_to_apply:
        options += f", function_to_apply={_quoted(params.function_to_apply)}"
    call = f"print(classifier({_quoted(str(inputs['inputs']))}, {options}, truncation=True))\n"
    if not base:
        return (
            "from transformers import pipeline\n\n"
            f'classifier = pipeline("text-classification", model={_quoted(model)})\n{call}'
        )
    return (
        "from peft import PeftModel\n"
        "from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline\n\n"
        f"base, adapter = {_quoted(base)}, {_quoted(model)}\n"
        "config = AutoConfig.from_pretrained(adapter)  # the labels\n"
        'model = AutoModelForSequenceClassification.from_pretrained(base, config=config, dtype="float32")\n'
        "model = PeftModel.from_pretrained(model, adapter).merge_and_unload()\n"
        "tokenizer = AutoTokenizer.from_pretrained(adapter)\n"
        f'classifier = pipeline("text-classification", model=model, tokenizer=tokenizer)\n{call}'
    )


def _quoted(text: str) -> str:
    """A string literal with double quotes: JSON's are Python's too."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)


def _text(inputs: Mapping[str, Any]) -> str:
    text = inputs.get("inputs")
    if not isinstance(text, str):
        raise InvalidInput("inputs", text, "Give one text.")
    if not text.strip():
        raise InvalidInput("inputs", text, "The text is empty; write what is to be classified.")
    return text.encode("utf-8", "replace").decode()  # lone surrogates stop the tokenizer


def _chunks(lengths: Sequence[int], can_pad: bool) -> Iterator[list[int]]:
    """Indices that go through the model together: of similar length, so that little is computed for padding."""
    chunk: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        longest = lengths[index]
        if chunk and (
            not can_pad
            or longest * (len(chunk) + 1) > PADDED_TOKENS
            or longest > 2 * lengths[chunk[0]] + 16  # short ones would pay for the long
        ):
            yield chunk
            chunk = []
        chunk.append(index)
    if chunk:
        yield chunk


def _apply(logits: Any, function: str) -> Any:
    if function == "softmax":
        return logits.softmax(-1)
    return logits.sigmoid() if function == "sigmoid" else logits


def _ranked(labels: Sequence[str], scores: Sequence[float], top_k: int | None) -> list[Label]:
    if not all(map(math.isfinite, scores)):
        raise StudioError("The model's output is not a number; its weights are damaged.")
    ranked = [Label(label=label, score=score) for label, score in zip(labels, scores, strict=True)]
    return sorted(ranked, key=lambda label: -label["score"])[:top_k]


def _with_adapter(model: Any, folder: Path, missing: set[str]) -> tuple[Any, set[str]]:
    """The model with its adapter, and which of the base's missing weights the adapter does not bring either."""
    from peft import PeftModel
    from safetensors import safe_open

    with safe_open(folder / "adapter_model.safetensors", framework="pt") as weights:
        brought = {key.removeprefix("base_model.model.") for key in weights.keys()}  # noqa: SIM118  no mapping
    adapted = PeftModel.from_pretrained(model, folder, local_files_only=True)
    if hasattr(adapted.base_model, "merge_and_unload"):  # one matrix product per layer instead of three
        adapted = adapted.merge_and_unload()
    return adapted, missing - brought


def _set_labels(config: Any, labels: Sequence[str]) -> None:
    if not labels:
        raise StudioError("The adapter's folder has no config.json that names its labels.")
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}


def _manifest_labels(folder: Path) -> list[str]:
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("labels", [])
    except (OSError, ValueError):
        return []
    return [str(label) for label in found]


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))


def _limit(tokenizer: Any, config: Any) -> int:
    positions = int(getattr(config, "max_position_embeddings", None) or MAX_TOKENS)
    if config.model_type in OFFSET_POSITIONS:  # their first positions are taken by padding
        positions -= (getattr(config, "pad_token_id", None) or 0) + 1
    return min(int(tokenizer.model_max_length), positions)


def _activation(config: Any) -> Literal["sigmoid", "softmax", "none"]:
    """As transformers' `TextClassificationPipeline.postprocess` chooses."""
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"


def _examples() -> tuple[Example, ...]:
    file = ASSETS / "examples" / "text-classification.json"
    if not file.is_file():  # installed without the repository: the task works, its examples are not there
        return ()
    found = json.loads(file.read_text(encoding="utf-8"))
    return tuple(Example(one["title"], {"inputs": one["text"]}) for one in found)


TASK = Task(
    id="text-classification",
    title="Text classification",
    description="Which of a model's labels fits a text: topic, sentiment, language, spam.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "One text; what is longer than the model reads is cut."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how sure the model is, from 0 to 1."),
    params=TextClassificationParams,
    models=("kit:topic-classifier",),
    examples=_examples(),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForSequenceClassification",),
)
