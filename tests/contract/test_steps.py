"""What holds for every step of the table: its form, its checks, the same rows everywhere, streaming, and its script."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gradio as gr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from studio.core.errors import InvalidInput, InvalidInputs, StudioError
from studio.core.settings import ROOT, Settings
from studio.data import mending, previews, scripts, shapes
from studio.data.cells import plain
from studio.data.records import Dataset
from studio.data.steps import STEPS, docs
from studio.data.steps.base import NO_TOOLS, Against, Rows, Tools
from studio.jobs.artifacts import stage
from studio.recipes.transform.tools import full
from studio.ui.forms import Form
from tests.contract import fresh
from tests.contract.test_recipes import fields
from tests.mended import SCHEMA, dataset, mended, some_rows
from tests.tiny import TINY
from tests.unit.inference.tiny import add_artifact

MODEL = "artifact:tiny-translation"
NAMES = list(STEPS)
KEYS = {name: {"step": name, **STEPS[name].example} for name in STEPS}
KEYS["back-translate"] |= {"forth": MODEL, "back": MODEL}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """What a job has: the kit's tokenizers, and a tiny model that translates."""
    settings = Settings(home=tmp_path_factory.mktemp("tools") / "home", offline=True)
    staged = stage(settings.artifacts_dir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        TINY["translation"](staged)
    config = staged / "tokenizer_config.json"  # what is untrained never ends a sentence by itself
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_max_length": 12}))
    add_artifact(settings, staged, "tiny-translation", task="translation")
    return full(settings, "local", "cpu")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return dataset(tmp_path_factory.mktemp("rows") / "data", train=some_rows())


@pytest.fixture
def given(name: str, rows: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Rows that the step can be done over; where it compares splits, there is another that holds some of them."""
    if not isinstance(STEPS[name].work, Against):
        return rows
    return dataset(tmp_path_factory.mktemp("pairs") / "data", **splits_for(name, some_rows()))


def splits_for(name: str, table: pa.Table) -> dict[str, pa.Table]:
    """The table as the split that is shown, and what it is compared with."""
    if not isinstance(STEPS[name].work, Against):
        return {"train": table}
    return {"train": table.slice(0, 3), "test": table}


def shown_of(given: Dataset) -> str:
    """The split that the step changes."""
    return "test" if "test" in given.files else "train"


def wrong(given: Dataset, *steps: dict[str, Any]) -> str:
    """The field that is at fault."""
    try:
        shapes.shapes(given, mending.read(steps))
    except InvalidInputs as error:
        return error.problems[0].field
    except InvalidInput as error:
        return error.field
    raise AssertionError("nothing is wrong")


def as_lists(found: dict[str, pa.Table]) -> dict[str, list[Any]]:
    return {split: table.to_pylist() for split, table in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_record(name: str) -> None:
    step = STEPS[name]
    assert step.name == name
    assert step.title
    assert step.description.endswith(".")
    silent = [path for path, field in fields(step.params) if not field.title or not field.description]
    assert silent == []
    assert json.dumps(step.params.model_json_schema())
    with pytest.raises(ValidationError):
        step.params.model_validate({**step.example, "no_such_field": 1})


@pytest.mark.parametrize("name", NAMES)
def test_form(name: str) -> None:
    entry = mending.read([KEYS[name]]).steps[0]
    with gr.Blocks():
        form = Form(STEPS[name].params)
    assert form.read(form.values(entry.params)) == entry.params


@pytest.mark.parametrize("name", NAMES)
def test_yaml_gives_it_back(name: str) -> None:
    recipe = mending.read([KEYS[name]])
    assert mending.read(mending.dumped(recipe)) == recipe
    assert mending.read(json.loads(json.dumps(recipe.plain()))) == recipe


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_and_columns_are_named(name: str, given: Dataset) -> None:
    assert wrong(given, {"step": "shuffle"}, KEYS[name] | {"no_such_field": 1}) == "steps.2.no_such_field"
    assert wrong(given, KEYS[name] | {"splits": ["nowhere"]}) in ("steps.1.splits",)
    for field in {"column", "columns", "condition", "expression", "stratify_by"} & set(STEPS[name].params.model_fields):
        bad = ["nowhere"] if field == "columns" else "nowhere"
        if field == "columns" and name == "deduplicate" and not KEYS[name].get("columns"):
            continue
        assert wrong(given, {"step": "shuffle"}, KEYS[name] | {field: bad}) == f"steps.2.{field}"


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_foretold(name: str, given: Dataset, tools: Tools, tmp_path: Path) -> None:
    recipe = mending.read([KEYS[name]])
    foretold = shapes.shapes(given, recipe)[-1]
    found = mended(given, [KEYS[name]], tmp_path, tools=tools)
    assert set(foretold) == set(found)
    written = dataset(tmp_path / "written", **found)
    assert shapes.shapes(written, mending.read([{"step": "shuffle"}]))[0] == foretold


@pytest.mark.parametrize("name", NAMES)
def test_same_rows_for_any_batches(name: str, given: Dataset, tools: Tools, tmp_path: Path) -> None:
    whole = mended(given, [KEYS[name]], tmp_path, tools=tools)
    assert sum(map(len, whole.values())) > 0
    for batch in (1, 7):
        assert as_lists(mended(given, [KEYS[name]], tmp_path, batch, tools)) == as_lists(whole)


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_and_nothing_in_them(name: str, tools: Tools, tmp_path: Path) -> None:
    step = {"step": "edit", "add": [{"text": "new"}]} if name == "edit" else KEYS[name]
    empty = dataset(tmp_path / "empty", **splits_for(name, SCHEMA.empty_table()))
    found = mended(empty, [step], tmp_path / "of-empty", tools=tools)
    assert sum(map(len, found.values())) == (name == "edit")
    nulls = pa.table([pa.nulls(5, field.type) for field in SCHEMA], schema=SCHEMA)
    left = {"filter": 0, "deduplicate": 1, "sample": 2, "edit": 6, "drop-leaked": 3}
    doubled = 10 if KEYS[name].get("keep") or name == "back-translate" else 5
    found = mended(dataset(tmp_path / "nulls", **splits_for(name, nulls)), [step], tmp_path / "of-nulls", tools=tools)
    assert sum(map(len, found.values())) == left.get(name, doubled)
    for table in found.values():
        assert table.num_rows == 0 or table.column(0).null_count >= 0


@pytest.mark.parametrize("name", NAMES)
def test_preview_is_what_the_run_gives(name: str, given: Dataset, tools: Tools, tmp_path: Path) -> None:
    found = previews.preview(given, shown_of(given), mending.read([KEYS[name]]), 20, tools)
    table = mended(given, [KEYS[name]], tmp_path, tools=tools)[found.split]
    names = [column.name for column in found.columns]
    assert names == table.column_names
    shown = [[plain(value) for value in row.values()] for row in table.slice(0, 20).to_pylist()]
    for row, whole in zip(found.after, shown, strict=False):
        for cell, value, column in zip(row.cells, whole, found.columns, strict=True):
            assert column.name in ("image", "audio") or cell == value
    assert found.basis.whole
    if not getattr(STEPS[name].work, "costly", False):
        assert found.parts[found.split] == len(table)
        assert len(found.after) == min(20, len(table))


@pytest.mark.parametrize("name", NAMES)
def test_script_gives_the_same_rows(name: str, given: Dataset, tools: Tools, tmp_path: Path) -> None:
    recipe = mending.read([KEYS[name]])
    code = scripts.python(given, recipe, tools)
    assert "import studio" not in code
    assert "from studio" not in code
    fresh.printed(code, tmp_path)
    found = {file.stem: pq.read_table(file) for file in (tmp_path / "mended").glob("*.parquet")}
    expected = mended(given, [KEYS[name]], tmp_path / "job", tools=tools)
    assert as_lists(found) == as_lists(expected)
    assert {split: table.column_names for split, table in found.items()} == {
        split: table.column_names for split, table in expected.items()
    }


def test_a_script_sets_decimals_and_times_exactly(tmp_path: Path) -> None:
    kinds = {
        "price": pa.decimal128(38, 10),
        "day": pa.date32(),
        "time": pa.time64("us"),
        "when": pa.timestamp("us"),
        "there": pa.timestamp("us", "UTC"),
    }
    given = dataset(tmp_path / "data", train=pa.table({name: pa.nulls(2, kind) for name, kind in kinds.items()}))
    new = {
        "price": "1234567890123456789012345678.0123456789",
        "day": "2024-02-29",
        "time": "23:59:00.123456",
        "when": "2024-02-29 01:02:03.000004",
        "there": "2024-02-29 01:02:03+01:00",
    }
    step = {"step": "edit", "cells": [{"row": 1, "column": name, "value": new[name]} for name in new], "add": [new, {}]}
    fresh.printed(scripts.python(given, mending.read([step])), tmp_path)
    found = pq.read_table(tmp_path / "mended" / "train.parquet")
    assert found.to_pylist() == mended(given, [step], tmp_path / "job")["train"].to_pylist()
    assert [found.field(name).type for name in kinds] == list(kinds.values())


def test_models_are_for_jobs() -> None:
    for name in ("tokenize", "back-translate"):
        entry = mending.read([KEYS[name]]).steps[0]
        assert isinstance(entry.step.work, Rows)
        with pytest.raises(StudioError, match="job"):
            entry.step.work.function(entry.params, NO_TOOLS)


def test_the_table_loads_light() -> None:
    code = (
        "import sys\nfrom studio.data.steps import STEPS\nfrom studio.data import previews, scripts\n"
        "for step in STEPS.values():\n    step.params.model_json_schema()\n"
        "heavy = {'torch', 'transformers', 'datasets', 'gradio', 'scipy', 'tokenizers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_file_of_the_folder_is_in_the_table() -> None:
    folder = ROOT / "studio" / "data" / "steps"
    files = {file.stem for file in folder.glob("*.py") if "\nSTEP = Step(" in file.read_text(encoding="utf-8")}
    assert files == {target.partition(":")[0].rpartition(".")[2] for target in STEPS.targets.values()}


def test_docs_hold_the_table() -> None:
    page = docs.PAGE.read_text(encoding="utf-8")
    assert docs.with_table(page) == page, "python -m studio.data.steps.docs"
