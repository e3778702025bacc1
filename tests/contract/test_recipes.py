"""What holds for every recipe of the table: a form can be made of it, it can be stored, and it starts without torch."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from studio.jobs.job import Resources
from studio.recipes import RECIPES

FIRST_VALUES: dict[str, Any] = {"artifact": "job-1", "repo_id": "owner/name", "columns": ["text"]}


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")


def an_instance(name: str) -> BaseModel:
    """The defaults, with something plausible where a value is required."""
    model = RECIPES[name].params
    required = {key: FIRST_VALUES.get(key, "x") for key, field in model.model_fields.items() if field.is_required()}
    instance: BaseModel = model.model_validate(required)
    return instance


@pytest.mark.parametrize("name", list(RECIPES))
def test_record(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.title
    assert recipe.kind
    assert recipe.max_attempts >= 1


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_field_says_what_it_is(name: str) -> None:
    silent = [path for path, field in fields(RECIPES[name].params) if not field.title or not field.description]
    assert silent == [], "a form shows a title and a line of help for each"


@pytest.mark.parametrize("name", list(RECIPES))
def test_defaults_are_valid(name: str) -> None:
    instance = an_instance(name)
    assert type(instance).model_validate(instance.model_dump()) == instance


@pytest.mark.parametrize("name", list(RECIPES))
def test_parameters_survive_storage(name: str) -> None:
    instance = an_instance(name)
    stored = json.loads(json.dumps(instance.model_dump(mode="json"), allow_nan=False))
    assert type(instance).model_validate(stored) == instance
    assert json.dumps(RECIPES[name].params.model_json_schema())


@pytest.mark.parametrize("name", list(RECIPES))
def test_unknown_fields_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        RECIPES[name].params.model_validate({**an_instance(name).model_dump(), "no_such_field": 1})


@pytest.mark.parametrize("name", list(RECIPES))
def test_dependent_fields_name_a_sibling(name: str) -> None:
    wrong: list[str] = []
    everything = dict(fields(RECIPES[name].params))
    for path, field in everything.items():
        extra: Any = field.json_schema_extra
        for other in extra.get("depends_on", {}) if isinstance(extra, dict) else ():
            sibling = f"{path.rpartition('.')[0]}.{other}".lstrip(".")
            wrong += [] if sibling in everything else [f"{path} → {other}"]
    assert wrong == []


@pytest.mark.parametrize("name", list(RECIPES))
def test_describes_itself(name: str) -> None:
    assert isinstance(RECIPES[name].describe(an_instance(name)), str)


def test_the_table_loads_without_torch() -> None:
    code = (
        "import sys\nfrom studio.core.settings import Settings\nfrom studio.recipes import RECIPES\n"
        "for recipe in RECIPES.values():\n    recipe.params.model_json_schema()\n"
        "heavy = {'torch', 'transformers', 'peft', 'datasets', 'sklearn', 'gradio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_training_recipes_predict_their_memory(tmp_path: Any) -> None:
    from studio.core.settings import Settings

    settings = Settings(home=tmp_path)
    for name, recipe in RECIPES.items():
        if recipe.kind == "train":
            predicted = recipe.resources(an_instance(name), settings, "local")
            assert isinstance(predicted, Resources)
            assert predicted.memory_bytes > 500 * 2**20
