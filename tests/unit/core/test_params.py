"""Values → model: dotted, nested and bare names; every error names its field."""

import pytest
from pydantic import BaseModel, Field

from studio.core.errors import InvalidInputs, UnknownName
from studio.core.params import flatten, leaf_names, nest, parse, texts_in


class Training(BaseModel):
    epochs: int = Field(3, ge=1, title="Rounds of all")
    rate: float = 0.1


class Other(BaseModel):
    rate: float = 0.2


class Params(BaseModel):
    dataset: str
    training: Training = Training()
    other: Other = Other()


def test_bare_dotted_and_nested_names_mean_the_same() -> None:
    for values in ({"epochs": 5}, {"training.epochs": 5}, {"training": {"epochs": 5}}):
        assert parse(Params, {"dataset": "kit:x", **values}).training.epochs == 5


def test_the_title_on_the_form_is_a_name_too() -> None:
    assert parse(Params, {"dataset": "kit:x", "rounds_of_all": 5}).training.epochs == 5


def test_an_ambiguous_name_lists_what_it_may_mean() -> None:
    with pytest.raises(UnknownName) as caught:
        nest(Params, {"rate": 1})
    assert caught.value.known == ("training.rate", "other.rate")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InvalidInputs, match=r"epoch: 3 is not usable.*training\.epochs") as caught:
        parse(Params, {"dataset": "kit:x", "epoch": 3})
    assert [problem.field for problem in caught.value.problems] == ["epoch"]


def test_an_unknown_name_inside_a_group_is_refused_too() -> None:
    with pytest.raises(InvalidInputs, match=r"training\.epoch: 3 is not usable"):
        parse(Params, {"dataset": "kit:x", "training": {"epoch": 3}})


def test_a_field_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InvalidInputs, match=r"training\.epochs: 4 is not usable.*twice"):
        parse(Params, {"dataset": "kit:x", "epochs": 3, "training.epochs": 4})


def test_every_problem_is_reported_at_its_dotted_field() -> None:
    with pytest.raises(InvalidInputs) as caught:
        parse(Params, {"epochs": 0})
    assert [problem.field for problem in caught.value.problems] == ["dataset", "training.epochs"]
    assert "required" in str(caught.value.problems[0])
    assert "0 is not usable" in str(caught.value.problems[1])


def test_leaves_and_flatten_agree() -> None:
    whole = Params(dataset="kit:x").model_dump()
    assert [name for name, _ in flatten(whole)] == list(leaf_names(Params))


def test_every_text_is_found_however_deep() -> None:
    value = {"a": " kit:x ", "b": {"c": ["artifact:1", 2, None, ("upload:3",)]}, "d": 1.5}
    assert list(texts_in(value)) == ["kit:x", "artifact:1", "upload:3"]
