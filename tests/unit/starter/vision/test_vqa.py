"""Questions, answers, and the answer that needs no picture."""

import numpy as np
import pytest

from studio.starter.build.vision import vqa
from studio.starter.build.vision.scenes import CATEGORIES, Thing, questions_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Is there a cat?", "Is there a bird?", True),
        ("How many cats are there?", "How many shoes are there?", True),
        ("How many things are there?", "How many shoes are there?", False),
        ("What is farthest left?", "What is biggest?", False),
    ],
)
def test_forms_of_question(one: str, other: str, *, same: bool) -> None:
    assert (vqa.form(one) == vqa.form(other)) is same


def test_the_blind_answer_is_the_most_frequent_one_of_each_form() -> None:
    asked = ["Is there a cat?", "Is there a bird?", "Is there a book?", "What is biggest?"]
    often = vqa.by_question(asked, ["no", "yes", "no", "car"])
    assert often[vqa.form("Is there a shoe?")] == "no"
    assert often[vqa.form("What is biggest?")] == "car"


def test_every_answer_of_a_scene_is_one_that_the_model_can_give() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        kinds = random.choice(CATEGORIES, random.integers(2, 6))
        things = [
            Thing(str(kind), "any", (int(x), int(y), 20, 20))
            for kind, (x, y) in zip(kinds, random.integers(0, 100, (len(kinds), 2)), strict=True)
        ]
        assert {given for _, given in questions_of(things, "red", random)} <= set(vqa.ANSWERS)
    assert len(set(vqa.ANSWERS)) == len(vqa.ANSWERS)
