"""What every entry of TASKS keeps: the Hub's names, JSON in and out, examples and snippets that run."""

import dataclasses
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import huggingface_hub
import pytest
from pydantic import ValidationError

import studio.tasks
from studio.core.errors import InvalidInput
from studio.tasks import TASKS, text_classification
from studio.tasks.base import Task
from tests.unit.inference import tiny

# A new task: one line here, so that its examples and snippets run on a model of a few thousand weights.
TINY: dict[str, Callable[[Path], None]] = {"text-classification": tiny.save_classifier}
NAMES = sorted(TASKS)
Loaded = tuple[Task, Any, Path]


@pytest.fixture(scope="module", params=NAMES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        TINY[name](folder)
    return TASKS[name], TASKS[name].load(folder, None, "cpu"), folder


def parameters_of(task: Task) -> Any:
    """The Hub's own dataclass of a task's parameters."""
    return getattr(huggingface_hub, "".join(word.title() for word in task.id.split("-")) + "Parameters")


def output_of(task: Task) -> Any:
    return getattr(huggingface_hub, "".join(word.title() for word in task.id.split("-")) + "OutputElement")


def test_every_file_is_in_the_table() -> None:
    folder = Path(studio.tasks.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert files == {name.replace("-", "_") for name in NAMES}
    assert set(TINY) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_the_hubs_pipeline_tags(name: str) -> None:
    from transformers.pipelines import PIPELINE_REGISTRY

    assert TASKS[name].id == name
    assert name in PIPELINE_REGISTRY.get_supported_tasks()


@pytest.mark.parametrize("name", NAMES)
def test_a_task_says_what_it_is(name: str) -> None:
    task = TASKS[name]
    assert task.title
    assert task.description.endswith(".")
    assert task.models
    assert task.examples
    slots = {slot.name for slot in task.inputs}
    assert all(set(example.inputs) == slots for example in task.examples)
    for field in task.params.model_fields.values():
        assert field.title
        assert field.description


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_the_hubs(name: str) -> None:
    theirs = {field.name: field.default for field in dataclasses.fields(parameters_of(TASKS[name]))}
    ours = {field: info.default for field, info in TASKS[name].params.model_fields.items()}
    assert ours == theirs


def test_choices_are_the_hubs() -> None:
    theirs = get_type_hints(huggingface_hub.TextClassificationParameters)["function_to_apply"]
    ours = text_classification.TextClassificationParams.model_fields["function_to_apply"].annotation
    assert _choices(ours) == _choices(theirs) == {"sigmoid", "softmax", "none"}


def _choices(annotation: Any) -> set[Any]:
    inner = {choice for part in get_args(annotation) for choice in get_args(part)}
    return inner or {part for part in get_args(annotation) if isinstance(part, str)}


@pytest.mark.parametrize("name", NAMES)
def test_unknown_parameters_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="bogus"):
        TASKS[name].params(bogus=1)


def test_examples_give_what_the_hub_would(loaded: Loaded) -> None:
    task, pipe, _ = loaded
    outputs = task.predict(pipe, [example.inputs for example in task.examples], task.params())
    assert len(outputs) == len(task.examples)
    assert json.loads(json.dumps(outputs, allow_nan=False)) == outputs
    for output in outputs:
        parsed = output_of(task).parse_obj_as_list(json.dumps(output))
        assert [dict(element) for element in parsed] == output
        assert all(type(element[key]) in {str, float, int} for element in output for key in element)


def test_a_batch_gives_what_each_gives_alone(loaded: Loaded) -> None:
    task, pipe, _ = loaded
    inputs = [example.inputs for example in task.examples] * 3
    together = task.predict(pipe, inputs, task.params())
    alone = [task.predict(pipe, [one], task.params())[0] for one in inputs]
    for one, other in zip(together, alone, strict=True):
        assert [element["label"] for element in one] == [element["label"] for element in other]
        assert [element["score"] for element in one] == pytest.approx([element["score"] for element in other], abs=1e-5)


def test_loaded_models_know_their_memory(loaded: Loaded) -> None:
    _, pipe, folder = loaded
    weights = (folder / "model.safetensors").stat().st_size
    assert 0.8 * weights < pipe.bytes < 1.2 * weights + 10_000


def test_snippets_print_the_same(loaded: Loaded) -> None:
    task, pipe, folder = loaded
    example = task.examples[0]
    printed = run(task.snippet(str(folder), example.inputs, task.params()))
    assert same(printed, task.predict(pipe, [example.inputs], task.params())[0])


# ---- text-classification


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
    printed = run(text_classification.snippet(str(adapter), inputs, params, base=str(base)))
    assert same(printed, text_classification.predict(pipe, [inputs], params)[0])
    assert pipe.labels == tiny.LABELS


def run(code: str) -> Any:
    """What a snippet prints, in a process of its own, without a Hub."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.replace("'", '"'))


def same(ours: Any, theirs: Any) -> bool:
    """Equal labels in equal order, and scores within float32's rounding."""
    return [element["label"] for element in ours] == [element["label"] for element in theirs] and [
        element["score"] for element in ours
    ] == pytest.approx([element["score"] for element in theirs], abs=1e-5)
