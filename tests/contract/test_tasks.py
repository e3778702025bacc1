"""What every entry of TASKS keeps: the Hub's names, JSON in and out, examples and snippets that run."""

import ast
import dataclasses
import json
import types
import warnings
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import huggingface_hub
import pytest
from huggingface_hub.inference._generated import types as hub_types
from pydantic import BaseModel, ValidationError

from studio.core.errors import InvalidInput
from studio.core.types import MEDIA, Modality
from studio.tasks import TASKS, docs
from studio.tasks.base import EXAMPLES, Task, with_media
from tests.contract import fresh
from tests.tiny import TINY

NAMES = sorted(TASKS)
CLASSIC = {  # pipelines that transformers 5 removed; the Hub still has their tags
    "conversational",
    "image-to-image",
    "image-to-text",
    "question-answering",
    "sentence-similarity",
    "summarization",
    "text-to-image",
    "text-to-speech",
    "text2text-generation",
    "translation",
    "visual-question-answering",
}
OWN = {"cross-lingual-zero-shot", "few-shot-text-generation", "semantic-search"}  # ways to use models that have no tag
OUTPUTS = {  # the Hub's type of an answer, where its name does not follow from the task's
    "text-to-speech": None,  # sound itself
    "text-to-audio": None,
    "text-to-image": None,
    "image-to-image": None,
}
NOT_HERE = {  # parameters of servers for many users at once, which no single model's `generate` has
    "text-generation": {
        "adapter_id",
        "best_of",
        "decoder_input_details",
        "details",
        "grammar",
        "top_n_tokens",
        "watermark",
    }
}
TOLD = {"conversational": {"role", "content"}}  # what a snippet prints, where the output holds more
Loaded = tuple[Task, Any, Path]


@pytest.fixture(scope="module", params=NAMES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        TINY[name](folder)
    return TASKS[name], TASKS[name].load(folder, None, "cpu"), folder


def hubs(task: str, ending: str) -> Any:
    """The Hub's own dataclass for a task, or None."""
    name = "".join(word.title() for word in task.split("-")) + ending
    return getattr(huggingface_hub, name, None) or getattr(hub_types, name, None)


def given(task: Task) -> list[tuple[dict[str, Any], Any]]:
    """Inputs and parameters of each example, as `predict` takes them."""
    return [(with_media(task, example.inputs), task.params(**example.params)) for example in task.examples]


def test_every_task_has_a_file_of_its_name_and_a_tiny_model() -> None:
    assert [target.split(":")[0].rpartition(".")[2] for target in TASKS.targets.values()] == [
        name.replace("-", "_") for name in TASKS
    ]
    assert set(TINY) == set(NAMES)


def test_the_docs_list_them_as_they_are() -> None:
    page = docs.PAGE.read_text(encoding="utf-8")
    assert docs.with_table(page) == page, "python -m studio.tasks.docs"


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_the_hubs_pipeline_tags(name: str) -> None:
    from transformers.pipelines import PIPELINE_REGISTRY

    assert TASKS[name].id == name
    assert name in {*PIPELINE_REGISTRY.get_supported_tasks(), *CLASSIC, *OWN}


@pytest.mark.parametrize("name", NAMES)
def test_a_task_says_what_it_is(name: str) -> None:
    task = TASKS[name]
    assert task.title
    assert task.description.endswith(".")
    assert task.models
    assert task.examples
    slots = {slot.name: slot for slot in task.inputs}
    needed = {name for name, slot in slots.items() if not slot.optional}
    for example in task.examples:
        assert needed <= set(example.inputs) <= set(slots)
        assert all((EXAMPLES / example.inputs[one]).is_file() for one in example.inputs if slots[one].modality in MEDIA)
    for _, field in leaves(task.params):
        assert field.title
        assert field.description


def group(field: Any) -> type[BaseModel] | None:
    """The model of a field that is a group of fields."""
    inner = field.annotation
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def leaves(model: type[BaseModel], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        inner = group(field)
        found += leaves(inner, f"{prefix}{name}.") if inner else [(prefix + name, field)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_the_hubs(name: str) -> None:
    """Every parameter of the Hub's API is there by its name, required or with the same default; groups are groups."""
    theirs = hubs(name, "Parameters") or hubs(name, "InputGenerateParameters")
    if theirs is None:
        return
    ours = TASKS[name].params.model_fields
    for field in dataclasses.fields(theirs):
        if field.name in NOT_HERE.get(name, ()):
            continue
        assert field.name in ours, field.name
        mine = ours[field.name]
        if group(mine):
            continue
        assert mine.is_required() == (field.default is dataclasses.MISSING), field.name
        if not mine.is_required():
            assert mine.default == field.default, field.name


@pytest.mark.parametrize("name", NAMES)
def test_choices_are_the_hubs(name: str) -> None:
    theirs = hubs(name, "Parameters")
    if theirs is None:
        return
    hints = get_type_hints(
        theirs,
        vars(hub_types) | vars(huggingface_hub) | {"Optional": None or __import__("typing").Optional},
    )
    for field, annotation in hints.items():
        wanted = choices(annotation)
        if wanted:
            assert choices(TASKS[name].params.model_fields[field].annotation) == wanted, field


def choices(annotation: Any) -> set[Any]:
    """The literal values that an annotation allows."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return {choice for part in get_args(annotation) for choice in choices(part)}
    return {part for part in get_args(annotation) if isinstance(part, str)}


@pytest.mark.parametrize("name", NAMES)
def test_bad_parameters_are_refused(name: str) -> None:
    required = TASKS[name].examples[0].params
    with pytest.raises(ValidationError, match="bogus"):
        TASKS[name].params(**required, bogus=1)
    for path, field in leaves(TASKS[name].params):
        if "." not in path and field.annotation in {float, float | None, int, int | None}:
            with pytest.raises(ValidationError, match=path):
                TASKS[name].params(**{**required, path: float("nan")})


def test_examples_give_what_the_hub_would(loaded: Loaded) -> None:
    task, pipe, _ = loaded
    element, whole = hubs(task.id, "OutputElement"), hubs(task.id, "Output")
    for inputs, params in given(task):
        answer = as_json(task.answer(task.predict(pipe, [inputs], params)[0]))
        json.dumps(answer, allow_nan=False)
        if task.id in OUTPUTS:
            continue
        if element is not None:
            rows = answer if isinstance(answer, list) else [answer]
            rows = rows[0] if rows and isinstance(rows[0], list) else rows
            found = element.parse_obj_as_list(json.dumps(rows))
            required = {field.name for field in dataclasses.fields(element) if field.default is dataclasses.MISSING}
            assert all(required <= set(dict(row)) for row in found)
        elif whole is not None:
            one = answer[0] if isinstance(answer, list) else answer
            assert set(dict(whole.parse_obj(json.dumps(one)))) <= {field.name for field in dataclasses.fields(whole)}


def as_json(value: Any) -> Any:
    """Files as REST gives them."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list) else value


def test_a_batch_gives_what_each_gives_alone(loaded: Loaded) -> None:
    task, pipe, _ = loaded
    shared = given(task)[0][1]
    batch = [inputs for inputs, params in given(task) if params == shared][:2] * 2
    together = task.predict(pipe, batch, shared)
    alone = [task.predict(pipe, [one], shared)[0] for one in batch]
    assert same(together, alone)


def test_loaded_models_know_their_memory(loaded: Loaded) -> None:
    _, pipe, folder = loaded
    weights = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    assert 0.8 * weights < pipe.bytes < 1.3 * weights + 20_000


def test_snippets_print_the_same(loaded: Loaded, tmp_path: Path) -> None:
    task, pipe, folder = loaded
    example, (inputs, params) = task.examples[0], given(task)[0]
    files = {slot.name for slot in task.inputs if slot.modality in MEDIA}
    named = {name: str(EXAMPLES / value) if name in files else value for name, value in example.inputs.items()}
    printed = run(task.snippet(str(folder), named, params), tmp_path)
    output = task.predict(pipe, [inputs], params)[0]
    if task.id in TOLD:
        output = {name: output[name] for name in TOLD[task.id]}
    assert same(printed, without_files(output))
    assert len(list(tmp_path.iterdir())) == count_files(output)  # media are written beside the script


def without_files(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_files(one) for name, one in value.items() if not isinstance(one, bytes)}
    return (
        [without_files(one) for one in value]
        if isinstance(value, list)
        else None
        if isinstance(value, bytes)
        else value
    )


def count_files(value: Any) -> int:
    if isinstance(value, bytes):
        return 1
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(count_files, inner))


def test_what_is_missing_or_of_another_kind_is_named(loaded: Loaded) -> None:
    task, pipe, _ = loaded
    inputs, params = given(task)[0]
    for slot in task.inputs:
        if slot.optional:
            continue
        for wrong in (None, 3, "" if slot.modality == Modality.TEXT else [], b"" if slot.modality in MEDIA else b"no"):
            with pytest.raises(InvalidInput) as caught:
                task.predict(pipe, [{**inputs, slot.name: wrong}], params)
            assert caught.value.field == slot.name
        if slot.modality in MEDIA:
            with pytest.raises(InvalidInput, match=r"can be read|no picture|no sound"):
                task.predict(pipe, [{**inputs, slot.name: b"<html>not what it says</html>"}], params)


def test_texts_that_are_written_come_in_parts(loaded: Loaded) -> None:
    task, pipe, _ = loaded
    if task.stream is None:
        return
    inputs, params = given(task)[0]
    listener = Reader()
    output = task.stream(pipe, inputs, params, listener)
    assert same(output, task.predict(pipe, [inputs], params)[0])
    assert "".join(listener.parts).strip() in {str(value).strip() for value in output.values()}
    assert len([part for part in listener.parts if part]) > 1
    leaver = Reader(patience=1)
    task.stream(pipe, inputs, params, leaver)
    assert len("".join(leaver.parts)) < len("".join(listener.parts))  # it stops soon after its reader has gone


@dataclasses.dataclass
class Reader:
    """Reads along; goes after `patience` parts."""

    patience: int = 10_000
    parts: list[str] = dataclasses.field(default_factory=list)

    def part(self, text: str) -> None:
        self.parts.append(text)

    @property
    def gone(self) -> bool:
        return sum(map(bool, self.parts)) >= self.patience


def run(code: str, folder: Path) -> Any:
    """What a snippet prints, in a process of its own, without a Hub."""
    return ast.literal_eval(fresh.printed(code, folder) or "None")  # what only writes files prints nothing


def same(ours: Any, theirs: Any) -> bool:
    """Equal but for float32's rounding."""
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return ours == pytest.approx(theirs, abs=1e-4)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return set(ours) == set(theirs) and all(same(one, theirs[name]) for name, one in ours.items())
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(same(one, other) for one, other in zip(ours, theirs, strict=True))
    return bool(ours == theirs)
