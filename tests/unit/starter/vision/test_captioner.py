"""What captions are judged by."""

import pytest

from studio.starter.build.vision import words
from studio.starter.build.vision.captioner import named, scores
from studio.starter.build.vision.scenes import Thing, caption_of


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("a cat left of a heart on a blue ground", {"cat": 1, "heart": 1}),
        ("two cats, a fruit and three balls on an orange ground", {"cat": 2, "fruit": 1, "ball": 3}),
        ("five shoes on a red ground", {"shoe": 5}),
        ("a a on ground", {}),
    ],
)
def test_the_things_that_a_caption_names(text: str, things: dict[str, int]) -> None:
    assert named(text) == things


def test_every_caption_of_a_scene_names_its_things() -> None:
    things = [Thing(kind, "any", (10 * place, 0, 5, 5)) for place, kind in enumerate(["cat", "fruit", "cat", "bird"])]
    assert named(caption_of(things, "orange")) == {"cat": 2, "fruit": 1, "bird": 1}
    assert named(caption_of(things[:2], "blue")) == {"cat": 1, "fruit": 1}


def test_figures_of_a_caption() -> None:
    found = scores(
        ["two cats and a dog on a red ground", "a cat above a bird on a pink ground"],
        ["a cat above a bird on a red ground", "a cat above a bird on a pink ground"],
    )
    assert found["things_f1"] == [pytest.approx(2 * 1 / 4), 1]
    assert found["ground_accuracy"] == [1, 1]
    assert found["exact_match"] == [0, 1]
    assert scores(["a cat on a red ground"], [""])["things_f1"] == [0]


def test_words_come_back_as_they_were() -> None:
    text = "two cats, a bird and a heart on a red ground"
    made = words.tokenizer([text], 16, cut_marks=False)
    numbers = made(text)["input_ids"]
    assert made.decode(numbers, skip_special_tokens=True) == text
    assert (numbers[0], numbers[-1]) == (made.cls_token_id, made.sep_token_id)


def test_marks_are_cut_off_and_strangers_are_known_as_such() -> None:
    made = words.tokenizer(["Is there a cat?"], 16, cut_marks=True)
    assert made.convert_ids_to_tokens(made("is there a DOG?")["input_ids"]) == [
        "[CLS]",
        "is",
        "there",
        "a",
        "[UNK]",
        "?",
        "[SEP]",
    ]
