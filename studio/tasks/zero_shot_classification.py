"""zero-shot-classification: which of the labels that a visitor names fits a text.

By a model of entailment, as Yin et al. (2019) do it: does the text imply "This example is LABEL."? Or, with
`kit:zero-shot`, by the nearness of sentences. A model of many languages takes labels in one and texts in another.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Label, Modality, Slot
from studio.starter.sentences import encode
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.candidates import Candidates, check_candidates, check_template
from studio.tasks.loading import Loaded, WrongModel, load_model, load_pipeline, load_tokenizer, loaded

ID = "zero-shot-classification"
AUTO = "AutoModelForSequenceClassification"
SIMILARITY = "similarity.json"


class ZeroShotClassificationParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ZeroShotClassificationParameters`)."""

    candidate_labels: Candidates
    hypothesis_template: str | None = Field(
        default=None,
        title="Sentence around a label",
        description='With "{}" in the label\'s place. Empty: the model\'s own, mostly "This example is {}.".',
    )
    multi_label: bool | None = Field(
        default=None, title="Several may fit", description="Whether each label is judged by itself."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models of entailment, and the kit's entry that compares sentences; raises what `load_model` raises."""
    if base is not None and (folder / SIMILARITY).is_file():
        settings = json.loads((folder / SIMILARITY).read_text(encoding="utf-8"))
        model = load_model(["AutoModel"], base, None, device)
        return loaded((model, load_tokenizer(base, None), settings), model)
    pipe = load_pipeline(ID, [AUTO], folder, base, device, "tokenizer")
    if pipe.pipe.entailment_id == -1:
        raise WrongModel(
            "It has no label called entailment: zero-shot classification takes a model of entailment (NLI)."
        )
    return pipe


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ZeroShotClassificationParams
) -> list[list[Label]]:
    """One list of labels per text, best first. Raises `InvalidInput` for labels that are none or twice there."""
    labels = check_candidates(params.candidate_labels)
    check_template(params.hypothesis_template)
    texts = [media.text(inputs) for inputs in batch]
    if isinstance(pipe.pipe, tuple):
        rows = _by_similarity(pipe.pipe, texts, labels, params)
        return [_ranked(labels, row) for row in rows]
    found = pipe.pipe(texts, candidate_labels=labels, **_options(params))
    return [_ranked(one["labels"], one["scores"]) for one in found]


def _options(params: ZeroShotClassificationParams) -> dict[str, Any]:
    return {name: value for name, value in snippets.options(params).items() if name != "candidate_labels"}


def _by_similarity(
    parts: tuple[Any, Any, Any], texts: list[str], labels: list[str], params: ZeroShotClassificationParams
) -> list[list[float]]:
    model, tokenizer, settings = parts
    if params.multi_label:
        expected = "This model compares the labels with each other; choose a model of entailment for several."
        raise InvalidInput("multi_label", True, expected)
    template, longest = params.hypothesis_template or settings["template"], settings["max_length"]
    told = encode(model, tokenizer, [template.replace("{}", label) for label in labels], longest)
    near = encode(model, tokenizer, texts, longest) @ told.T
    rows: list[list[float]] = (settings["sharpness"] * near).softmax(-1).tolist()
    return rows


def _ranked(labels: Sequence[str], scores: Sequence[float]) -> list[Label]:
    pairs = [Label(label=label, score=float(score)) for label, score in zip(labels, scores, strict=True)]
    return sorted(pairs, key=lambda one: -one["score"])


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    if base and not model.startswith("artifact") and (Path(model) / SIMILARITY).is_file():
        return _similarity_snippet(model, inputs, params, base)
    named = {"candidate_labels": params.candidate_labels} | _options(params)
    call = snippets.arguments(snippets.quoted(inputs["inputs"]), **named)
    code = snippets.with_pipeline(ID, model, call, (base, AUTO, "tokenizer") if base else None)
    shown = '[{"label": label, "score": score} for label, score in zip(found["labels"], found["scores"])]'
    return code.replace(f"print(pipe({call}))", f"found = pipe({call})\nprint({shown})")


def _similarity_snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str) -> str:
    settings = json.loads((Path(model) / SIMILARITY).read_text(encoding="utf-8"))
    template = params.hypothesis_template or settings["template"]
    return f"""import torch
from transformers import AutoModel, AutoTokenizer

model = AutoModel.from_pretrained({snippets.quoted(base)})
tokenizer = AutoTokenizer.from_pretrained({snippets.quoted(base)})
labels = {snippets.quoted(params.candidate_labels)}


{snippets.encoder(settings["max_length"])}


told = encode([{snippets.quoted(template)}.replace("{{}}", label) for label in labels])
scores = ({settings["sharpness"]} * encode([{snippets.quoted(inputs["inputs"])}]) @ told.T).softmax(-1)[0].tolist()
found = [{{"label": label, "score": score}} for label, score in zip(labels, scores)]
print(sorted(found, key=lambda one: -one["score"]))
"""


TASK = Task(
    id=ID,
    title="Zero-shot classification",
    description="Which of your own labels fits a text, without any training.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "One text; what is longer than the model reads is cut."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how well each fits, from 0 to 1."),
    params=ZeroShotClassificationParams,
    models=("kit:zero-shot", "MoritzLaurer/deberta-v3-base-zeroshot-v2.0", "joeddav/xlm-roberta-large-xnli"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForSequenceClassification",),
)
