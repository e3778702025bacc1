"""Every wrong value is named at its field, before anything is started, without torch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput, InvalidInputs
from studio.core.settings import Settings
from studio.jobs.artifacts import load
from studio.recipes import RECIPES
from tests.unit.recipes import tiny

RECIPE = RECIPES["text-classification"]
LONG = "the cat sleeps again and again and the dog barks and the horse runs and the fish swims and birds sing "


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    tiny.save_model(settings)
    tiny.save_model(settings, "others", owner="hf:somebody")
    no_tokenizer = tiny.save_model(settings, "no-tokenizer")
    (no_tokenizer / "tokenizer.json").unlink()
    vision = tiny.save_model(settings, "vision")
    config = json.loads((vision / "config.json").read_text())
    del config["vocab_size"]
    (vision / "config.json").write_text(json.dumps(config))
    return settings


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save_rows(
        tmp_path_factory.mktemp("rows"),
        train=tiny.some_rows(),
        validation=tiny.some_rows(4),
        test=[("a new thing", "unheard"), *tiny.some_rows(2)],
    )


def problems(settings: Settings, dataset: str, **values: Any) -> dict[str, str]:
    found: list[InvalidInput] = RECIPE.validate(tiny.make_params(dataset, **values), settings, tiny.OWNER)
    assert len({problem.field for problem in found}) == len(found), "one problem per field"
    return {problem.field: str(problem) for problem in found}


def test_good_values_have_no_problem(settings: Settings, rows: str) -> None:
    assert problems(settings, rows) == {}
    assert problems(settings, rows, **{"data.eval_split": "validation", "model.long_texts": "truncate"}) == {}


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"data.dataset": "kit:nothing"}, "data.dataset", "Known"),
        ({"data.dataset": "/no/such/place"}, "data.dataset", "no file or folder"),
        ({"data.dataset": "?"}, "data.dataset", "kit:ID"),
        ({"data.train_split": "trian"}, "data.train_split", "It has: train, validation, test"),
        ({"data.eval_split": "dev"}, "data.eval_split", "no such split"),
        ({"data.eval_split": "train"}, "data.eval_split", "prove nothing"),
        ({"data.eval_split": "validation", "data.test_split": "validation"}, "data.test_split", "prove nothing"),
        ({"data.eval_split": "test"}, "data.eval_split", "'unheard'"),
        ({"data.text_column": "txt"}, "data.text_column", "It has: text, label, number"),
        ({"data.text_column": "number"}, "data.text_column", "choose a column of texts"),
        ({"data.label_column": "number"}, "data.label_column", "words or whole numbers"),
        ({"data.label_column": "text"}, "data.label_column", "text column too"),
        ({"data.max_train_samples": 3}, "data.max_train_samples", "at least 4 rows"),
        ({"model.base_model": "kit:nothing"}, "model.base_model", "Known"),
        ({"model.base_model": "artifact:others"}, "model.base_model", "no artifact"),
        ({"model.base_model": "artifact:no-tokenizer"}, "model.base_model", "no tokenizer.json"),
        ({"model.base_model": "artifact:vision"}, "model.base_model", "does not read text"),
        ({"model.max_length": 64}, "model.max_length", "takes 32 tokens at most"),
        ({"model.max_length": 4}, "model.max_length", "Raise it to"),
    ],
)
def test_each_is_named_at_its_field(
    settings: Settings, rows: str, values: dict[str, Any], field: str, message: str
) -> None:
    found = problems(settings, rows, **values)
    assert list(found) == [field]
    assert message in found[field]


@pytest.mark.parametrize(
    ("train", "field", "message"),
    [
        ([(text, "animal") for text in tiny.ANIMALS], "data.label_column", "one class only, 'animal'"),
        ([(f"text {i}", f"label {i}") for i in range(60)], "data.label_column", "60 different values in 60 rows"),
        ([*tiny.some_rows(4), ("a frog", "rare")], "data.label_column", "'rare' has one row only"),
        ([("", "a"), ("", "b")] * 3, "data.text_column", "No row of the training split has a text"),
        ([("a", "x"), ("b", "")], "data.label_column", "one class only"),
        ([(LONG, "long"), *tiny.some_rows(4), (LONG * 9, "long")], "model.max_length", "2 texts are longer"),
    ],
)
def test_unfit_data(settings: Settings, tmp_path: Path, train: list[Any], field: str, message: str) -> None:
    found = problems(settings, tiny.save_rows(tmp_path / "unfit", train=train))
    assert list(found) == [field]
    assert message in found[field]


def test_a_class_missing_from_the_evaluation_split(settings: Settings, tmp_path: Path) -> None:
    only_animals = [(text, "animal") for text in tiny.ANIMALS]
    rows = tiny.save_rows(tmp_path / "missing", train=tiny.some_rows(), validation=only_animals)
    message = problems(settings, rows, **{"data.eval_split": "validation"})["data.eval_split"]
    assert "no row labelled 'machine'" in message


def test_long_texts_say_the_way_out_and_may_be_cut(settings: Settings, tmp_path: Path) -> None:
    rows = tiny.save_rows(tmp_path / "long", train=[*tiny.some_rows(4), (LONG * 9, "animal")])
    message = problems(settings, rows)["model.max_length"]
    assert "1 text is longer" in message
    assert "The model takes 32 at most" in message
    assert 'long_texts="truncate"' in message
    assert problems(settings, rows, **{"model.long_texts": "truncate"}) == {}

    params = tiny.make_params(rows)
    context, _ = tiny.make_context(settings, params, "job-long")
    with pytest.raises(InvalidInput) as caught:
        RECIPE.run(params, context)
    assert caught.value.field == "model.max_length"


def test_several_problems_come_at_once(settings: Settings, rows: str) -> None:
    values = {"data.text_column": "a", "data.label_column": "b", "data.train_split": "c", "model.base_model": "d"}
    assert set(problems(settings, rows, **values)) == set(values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("training.learning_rate", 1.0),
        ("training.learning_rate", "nan"),
        ("training.num_train_epochs", 0),
        ("lora.target_modules", "everything"),
        ("stopping.metric_for_best_model", "bleu"),
        ("advanced.seed", -1),
        ("project", "../up"),
        ("project", "a b"),
    ],
)
def test_bounds_name_the_field(rows: str, field: str, value: Any) -> None:
    with pytest.raises(InvalidInputs) as caught:
        tiny.make_params(rows, **{field: value})
    assert [problem.field for problem in caught.value.problems] == [field]


def test_an_adapter_is_no_base(settings: Settings, rows: str) -> None:
    params = tiny.make_params(rows, **{"training.num_train_epochs": 0.2})
    context, _ = tiny.make_context(settings, params, "adapter-1")
    RECIPE.run(params, context)
    assert load(settings.artifacts_dir, "adapter-1").manifest.kind == "adapter"
    found = problems(settings, rows, **{"model.base_model": "artifact:adapter-1"})
    assert "start from its base, artifact:tiny-bert" in found["model.base_model"]


def test_checking_needs_no_torch(settings: Settings, rows: str) -> None:
    code = (
        "import sys, pathlib\n"
        "from studio.core.settings import Settings\n"
        "from studio.recipes import RECIPES\n"
        "from tests.unit.recipes import tiny\n"
        "recipe, settings = RECIPES['text-classification'], Settings(home=pathlib.Path(sys.argv[1]))\n"
        "params = tiny.make_params(sys.argv[2])\n"
        "assert recipe.validate(params, settings, tiny.OWNER) == []\n"
        "assert recipe.resources(params, settings, 'local').memory_bytes > 0\n"
        "heavy = {'torch', 'transformers', 'peft', 'datasets', 'gradio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code, str(settings.home), rows], check=True, timeout=60)
