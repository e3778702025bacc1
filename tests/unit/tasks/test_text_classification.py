"""text-classification: scores, functions, cut texts, adapters."""

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput
from studio.tasks import text_classification
from tests.contract.test_tasks import run, same
from tests.unit.inference import tiny


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> text_classification.Classifier:
    folder = tmp_path_factory.mktemp("classifier")
    tiny.save_classifier(folder)
    return text_classification.load(folder, None, "cpu")


@pytest.mark.parametrize("text", ["love the plot", "dull and bad " * 100, "fun"])
@pytest.mark.parametrize("function", [None, "softmax", "sigmoid", "none"])
@pytest.mark.parametrize("top_k", [None, 1, 2])
def test_agrees_with_transformers_pipeline(
    classifier: text_classification.Classifier, text: str, function: Any, top_k: int | None
) -> None:
    from transformers import pipeline

    theirs = pipeline("text-classification", model=classifier.model, tokenizer=classifier.tokenizer)
    expected = theirs(text, function_to_apply=function, top_k=top_k, truncation=True)
    params = text_classification.TextClassificationParams(function_to_apply=function, top_k=top_k)
    assert same(text_classification.predict(classifier, [{"inputs": text}], params)[0], expected)


@pytest.mark.parametrize(
    ("problem_type", "activation"),
    [
        (None, "softmax"),
        ("single_label_classification", "softmax"),
        ("multi_label_classification", "sigmoid"),
        ("regression", "none"),
    ],
)
def test_the_configuration_chooses_the_function(tmp_path: Path, problem_type: str | None, activation: str) -> None:
    tiny.save_classifier(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"problem_type": problem_type}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert text_classification.load(tmp_path, None, "cpu").activation == activation


@pytest.mark.parametrize("text", ["", "  \n", None, 3, ["a"]])
def test_what_is_no_text_is_named(classifier: text_classification.Classifier, text: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        text_classification.predict(classifier, [{"inputs": text}], text_classification.TextClassificationParams())
    assert caught.value.field == "inputs"


def test_texts_of_all_lengths_in_one_batch(classifier: text_classification.Classifier) -> None:
    inputs = [{"inputs": "love " * count} for count in (1, 500, 3, 40, 2, 1, 64, 20)]
    params = text_classification.TextClassificationParams()
    for one, alone in zip(text_classification.predict(classifier, inputs, params), inputs, strict=True):
        assert same(one, text_classification.predict(classifier, [alone], params)[0])


def test_models_without_a_pad_token_are_served_one_by_one(classifier: text_classification.Classifier) -> None:
    lone = dataclasses.replace(classifier, can_pad=False)
    inputs = [{"inputs": "love"}, {"inputs": "dull and bad"}]
    params = text_classification.TextClassificationParams()
    ours, theirs = (text_classification.predict(pipe, inputs, params) for pipe in (lone, classifier))
    assert all(same(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft's, about transformers
def test_the_adapters_snippet_prints_the_same(tmp_path: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny.save_encoder(base)
        tiny.save_adapter(adapter, base)
    params = text_classification.TextClassificationParams(function_to_apply="sigmoid", top_k=2)
    inputs = {"inputs": 'the "film" \\ was\nfun'}
    pipe = text_classification.load(adapter, base, "cpu")
    folder = tmp_path / "run"
    folder.mkdir()
    printed = run(text_classification.snippet(str(adapter), inputs, params, base=str(base)), folder)
    assert same(printed, text_classification.predict(pipe, [inputs], params)[0])
    assert pipe.labels == tiny.LABELS
