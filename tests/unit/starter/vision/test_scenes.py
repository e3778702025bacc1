"""That everything a scene says of itself is true."""

import re
from itertools import combinations

import numpy as np
import pytest

from studio.starter.build.vision import emoji_scenes, scenes
from studio.starter.build.vision.scenes import CATEGORIES, LOOKS, SIZE, Scene, Split, Thing, caption_of, questions_of

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@pytest.fixture(scope="module")
def drawn() -> list[Scene]:
    return list(scenes.generate(7, 40, "test"))


def thing(category: str, left: int, top: int, side: int = 20) -> Thing:
    return Thing(category, "", (left, top, side, side))


def test_the_same_seed_draws_the_same_scenes(drawn: list[Scene]) -> None:
    for one, again in zip(drawn[:3], scenes.generate(7, 3, "test"), strict=True):
        assert np.array_equal(one.image, again.image)
        assert one.questions == again.questions


def test_boxes_are_tight_and_from_left_to_right(drawn: list[Scene]) -> None:
    for scene in drawn:
        assert scene.image.shape == (SIZE, SIZE, 3)
        assert 2 <= len(scene.things) <= 5
        assert scene.instances.max() == len(scene.things)
        for number, one in enumerate(scene.things, start=1):
            rows, columns = np.nonzero(scene.instances == number)
            assert list(one.box) == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert set(scene.classes[rows, columns]) == {CATEGORIES.index(one.category) + 1}
        centres = [one.centre[0] for one in scene.things]
        assert centres == sorted(centres)


def test_what_is_pasted_differs_from_the_ground(drawn: list[Scene]) -> None:
    clear = [
        np.abs(scene.image[scene.instances > 0].mean(0) - scene.image[scene.instances == 0].mean(0)).max()
        for scene in drawn
    ]
    assert np.mean(clear) > 30


def test_no_look_stands_in_two_splits() -> None:
    for category, by_split in LOOKS.items():
        looks = [set(by_split[split].split()) for split in SPLITS]
        assert all(looks), category
        assert not any(one & other for one, other in combinations(looks, 2)), category


def test_a_scene_shows_only_its_splits_looks(drawn: list[Scene]) -> None:
    assert {one.look for scene in drawn for one in scene.things} <= {
        look for by_split in LOOKS.values() for look in by_split["test"].split()
    }


def test_captions_say_what_is_where() -> None:
    cat, heart = thing("cat", 0, 50), thing("heart", 80, 40)
    assert caption_of([cat, heart], "orange") == "a cat left of a heart on an orange ground"
    assert caption_of([thing("cat", 0, 90), thing("heart", 10, 0)], "blue") == "a heart above a cat on a blue ground"
    assert caption_of([cat, cat, heart], "red") == "two cats and a heart on a red ground"
    assert caption_of([cat, cat], "red") == "two cats on a red ground"


def test_answers_are_true(drawn: list[Scene]) -> None:
    for scene in drawn:
        shown = [one.category for one in scene.things]
        for question, answer in scene.questions:
            if found := re.match(r"How many (\w+) are there", question):
                known = len(shown) if found[1] == "things" else sum(f"{one}s" == found[1] for one in shown)
                assert answer == str(known)
            elif found := re.match(r"Is there an? (\w+)", question):
                assert answer == ("yes" if found[1] in shown else "no")
            elif question == "What is farthest left?":
                assert answer == min(scene.things, key=lambda one: one.centre[0]).category
            elif question == "What is at the bottom?":
                assert answer == max(scene.things, key=lambda one: one.centre[1]).category
            elif "colour" in question:
                assert answer == scene.ground


def test_places_are_asked_only_where_they_are_clear() -> None:
    level = [thing("cat", 0, 50), thing("heart", 60, 51)]
    questions = [question for question, _ in questions_of(level, "red", np.random.default_rng(1))]
    assert "What is at the top?" not in questions
    assert "What is biggest?" not in questions


def test_columns_are_as_detection_data_has_them(drawn: list[Scene]) -> None:
    columns = emoji_scenes._columns(drawn[:2])
    boxes = columns["objects"][0]
    assert len(boxes["bbox"]) == len(boxes["category"]) == len(drawn[0].things)
    assert boxes["bbox"][0] == [float(side) for side in drawn[0].things[0].box]
    assert columns["image"][0]["bytes"][:2] == b"\xff\xd8"
    assert columns["question"][1] == drawn[1].questions[0][0]
