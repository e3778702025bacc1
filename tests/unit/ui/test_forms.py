"""Forms: every supported annotation, what is read back, and messages at the right field."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import gradio as gr
import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from studio.core.errors import InvalidInput, InvalidInputs, UnknownName
from studio.ui.forms import Form


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    model_config = ConfigDict(json_schema_extra={"folded": True})
    rank: int = Field(8, ge=1, le=256, title="Rank")
    rate: float = Field(2e-4, gt=0, le=1, title="Learning rate", description="Between 1e-5 and 1e-3.")


class Stop(BaseModel):
    early: bool = True
    patience: int = Field(3, ge=1, le=20, json_schema_extra={"depends_on": {"early": True}})

    @model_validator(mode="after")
    def _whole(self) -> "Stop":
        if self.patience == 13:
            raise ValueError("Thirteen is not a good patience.")
        return self


class Everything(BaseModel):
    dataset: str = Field(min_length=1, title="Dataset", json_schema_extra={"widget": "dataset"})
    name: str = ""
    notes: str = Field("", json_schema_extra={"lines": 4})
    count: int = Field(json_schema_extra={"widget": "number"})
    on: bool = False
    maybe: bool | None = None
    limit: int | None = Field(None, ge=1)
    ratio: float = Field(0.1, ge=0, le=0.5)
    precision: Literal["auto", "fp32"] = "auto"
    optimizer: Literal["a", "b"] | None = None
    colour: Colour = Colour.RED
    targets: list[Literal["q", "k", "v"]] = Field(default=["q"])
    tags: list[str] = Field(default_factory=list)
    numbers: tuple[int, ...] = ()
    folder: Path | None = None
    token: SecretStr = SecretStr("")
    short: Annotated[str, Field(max_length=5)] = "abc"
    lora: Inner = Field(default_factory=Inner, title="LoRA")
    stop: Stop = Field(default_factory=Stop, title="Stopping", description="When to end.")


def _form(choices: dict[str, Sequence[Any]] | None = None) -> Form[Everything]:
    with gr.Blocks():
        return Form(Everything, choices or {"dataset": ["kit:a", "kit:b"]})


def _given(form: Form[Everything], **changes: Any) -> dict[str, Any]:
    """What a page sends when the visitor has filled in what is required."""
    values = {key: component.value for key, component in form.fields.items()}
    return values | {"dataset": "kit:a", "count": 3} | changes


def _problems(form: Form[Everything], **changes: Any) -> dict[str, InvalidInput]:
    with pytest.raises(InvalidInputs) as caught:
        form.read(_given(form, **changes))
    return {problem.field: problem for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("dataset", gr.Dropdown),
        ("name", gr.Textbox),
        ("notes", gr.Textbox),
        ("count", gr.Number),
        ("on", gr.Checkbox),
        ("maybe", gr.Radio),
        ("limit", gr.Number),
        ("ratio", gr.Slider),
        ("precision", gr.Radio),
        ("optimizer", gr.Dropdown),
        ("colour", gr.Radio),
        ("targets", gr.CheckboxGroup),
        ("tags", gr.Dropdown),
        ("numbers", gr.Dropdown),
        ("folder", gr.Textbox),
        ("token", gr.Textbox),
        ("lora__rank", gr.Slider),
        ("lora__rate", gr.Number),
        ("stop__early", gr.Checkbox),
    ],
)
def test_the_annotation_chooses_the_widget(key: str, kind: type) -> None:
    component = _form().fields[key]
    assert type(component) is kind
    assert key.isidentifier()


def test_required_fields_are_empty_and_say_so() -> None:
    form = _form()
    for key in ("dataset", "count"):
        component: Any = form.fields[key]
        assert component.value is None
        assert component.label.endswith("(required)")


def test_help_stands_at_the_field() -> None:
    rate: Any = _form().fields["lora__rate"]
    assert rate.info == "Between 1e-5 and 1e-3."


def test_untouched_defaults_read_back_as_the_model_has_them() -> None:
    form = _form()
    assert form.read(_given(form)) == Everything(dataset="kit:a", count=3)


def test_what_was_typed_is_read() -> None:
    form = _form()
    found = form.read(
        _given(form, maybe="no", limit=5, optimizer="b", tags=["x"], numbers=["1", "2"], token="hf_x", lora__rank=16)
    )
    assert (found.maybe, found.limit, found.optimizer, found.tags, found.numbers) == (False, 5, "b", ["x"], (1, 2))
    assert found.token.get_secret_value() == "hf_x"
    assert found.lora.rank == 16


def test_an_emptied_optional_field_is_none() -> None:
    form = _form()
    found = form.read(_given(form, limit=None, optimizer="", maybe="", folder=""))
    assert (found.limit, found.optimizer, found.maybe, found.folder) == (None, None, None, None)


def test_dotted_names_are_read_too() -> None:
    form = _form()
    assert form.read({"dataset": "x", "count": 1, "lora.rank": 4}).lora.rank == 4


def test_an_unknown_name_lists_the_known_ones() -> None:
    form = _form()
    with pytest.raises(UnknownName, match="lora\\.rank"):
        form.read({"nonsense": 1})


def test_every_problem_has_its_dotted_field() -> None:
    problems = _problems(
        _form(), dataset=None, count=2.5, limit=0, targets=["nose"], short="abcdef", lora__rate=0, lora__rank=None
    )
    assert set(problems) == {"dataset", "count", "limit", "targets.0", "short", "lora.rate", "lora.rank"}
    assert problems["dataset"].expected == "This field is required."
    assert problems["lora.rank"].expected == "This field is required."


def test_whole_numbers_are_not_rounded_silently() -> None:
    assert "count" in _problems(_form(), count=2.7)


def test_the_verdicts_stand_in_the_order_of_the_fields() -> None:
    form = _form()
    verdicts = form.check(**_given(form, lora__rate=-1, targets=["nose"]))
    bad = {
        key: verdict["message"] for key, verdict in zip(form.fields, verdicts, strict=True) if not verdict["is_valid"]
    }
    assert set(bad) == {"lora__rate", "targets"}
    assert bad["lora__rate"].startswith("Learning rate: -1 is not usable.")
    assert "greater than 0" in bad["lora__rate"]


def test_a_group_s_own_rule_is_shown_at_its_first_field() -> None:
    form = _form()
    verdicts = form.check(**_given(form, stop__patience=13))
    bad = [key for key, verdict in zip(form.fields, verdicts, strict=True) if not verdict["is_valid"]]
    assert bad == ["stop__early"]


def test_plain_inputs_before_the_form_get_a_verdict_each() -> None:
    form = _form()
    verdicts = form.check("key", 7, **_given(form))
    assert len(verdicts) == 2 + len(form.fields)
    assert all(verdict["is_valid"] for verdict in verdicts)


def test_the_checker_asks_the_service_only_when_the_values_are_right() -> None:
    form = _form()
    asked: list[Everything] = []

    def service(params: Everything) -> list[InvalidInput]:
        asked.append(params)
        return [InvalidInput("lora.rank", params.lora.rank, "It must be smaller than the model's width.")]

    check = form.checker(service)
    check(**_given(form, count=None))
    assert asked == []
    verdicts = check(**_given(form))
    messages = {
        key: verdict["message"] for key, verdict in zip(form.fields, verdicts, strict=True) if verdict["message"]
    }
    assert messages == {"lora__rank": "Rank: 8 is not usable. It must be smaller than the model's width."}


def test_an_instance_can_be_shown_and_read_back() -> None:
    form = _form()
    known = Everything(dataset="kit:b", count=9, maybe=True, colour=Colour.BLUE, lora=Inner(rank=32), folder=Path("x"))
    shown = form.values(known)
    assert list(shown) == list(form.fields)
    assert shown["colour"] == "blue"
    assert form.read(shown) == known


def test_a_secret_is_never_shown() -> None:
    assert _form().values(Everything(dataset="x", count=1, token=SecretStr("hf_secret")))["token"] == ""


def test_defaults_may_be_given() -> None:
    with gr.Blocks():
        form = Form(Everything, defaults={"lora.rank": 64, "dataset": "kit:z"})
        other = Form(Everything, defaults=Everything(dataset="kit:y", count=2))
    rank: Any = form.fields["lora__rank"]
    dataset: Any = other.fields["dataset"]
    assert rank.value == 64
    assert dataset.value == "kit:y"


def test_dependent_fields_follow_their_switch_in_the_browser() -> None:
    with gr.Blocks() as demo:
        form = Form(Stop)
        hidden = Form(Stop, defaults={"early": False})
    patience: Any = form.fields["patience"]
    assert patience.visible is True
    assert hidden.fields["patience"].visible is False
    toggles = [fn for fn in demo.fns.values() if fn.js and "allowed.includes" in str(fn.js)]
    assert len(toggles) == 2
    assert all(fn.fn is None for fn in toggles)


def test_a_model_that_no_form_can_show_is_a_mistake_found_at_build() -> None:
    class Odd(BaseModel):
        table: dict[str, int] = Field(default_factory=dict)

    with gr.Blocks(), pytest.raises(TypeError, match="table"):
        Form(Odd)


def test_one_field_is_a_verdict_of_its_own() -> None:
    class One(BaseModel):
        name: str = Field(min_length=2)

    with gr.Blocks():
        form = Form(One)
    assert form.check(name="x")["is_valid"] is False
    assert form.check(name="xy")["is_valid"] is True
