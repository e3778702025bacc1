"""text-classification: one text → labels with scores.

Takes models with a sequence-classification head, whole or as a PEFT adapter; safetensors only.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studio.core.errors import InvalidInput, StudioError
from studio.core.types import Label, Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import dtype_of, load_model, load_tokenizer, weight_bytes

AUTO = "AutoModelForSequenceClassification"
EMPTY = "The text is empty; write what is to be classified."
MAX_TOKENS = 2048  # for models that state no limit of their own
CHARACTERS_PER_TOKEN = 64  # no tokenizer needs more text than this to fill a token; the rest need not be read
PADDED_TOKENS = 8192  # most that one forward pass holds, padding included
OFFSET_POSITIONS = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "data2vec-text"}
)


class TextClassificationParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TextClassificationParameters`)."""

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
    dtype: str


def load(folder: Path, base: Path | None, device: str) -> Classifier:
    """Load as `load_model` does; raises what that raises."""
    model = load_model([AUTO], folder, base, device)
    tokenizer, config = load_tokenizer(folder, base), model.config
    return Classifier(
        model=model,
        tokenizer=tokenizer,
        labels=tuple(str(config.id2label[index]) for index in range(config.num_labels)),
        limit=_limit(tokenizer, config),
        can_pad=tokenizer.pad_token is not None and getattr(config, "pad_token_id", None) is not None,
        activation=_activation(config),
        bytes=weight_bytes(model),
        dtype=dtype_of(model),
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
    texts = [media.text(inputs, empty=EMPTY)[: pipe.limit * CHARACTERS_PER_TOKEN] for inputs in batch]
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
    options = {"top_k": params.top_k} | snippets.options(params) | {"truncation": True}  # None: all labels
    call = snippets.arguments(snippets.quoted(str(inputs["inputs"])), **options)
    return snippets.with_pipeline("text-classification", model, call, (base, AUTO, "tokenizer") if base else None)


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


TASK = Task(
    id="text-classification",
    title="Text classification",
    description="Which of a model's labels fits a text: topic, sentiment, language, spam.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "One text; what is longer than the model reads is cut."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how sure the model is, from 0 to 1."),
    params=TextClassificationParams,
    models=(
        "kit:topic-classifier",
        "kit:sentiment",
        "kit:spam",
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
    ),
    examples=examples("text-classification"),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForSequenceClassification",),
    answer=lambda output: [output],  # InferenceClient takes one list of labels per input
)
