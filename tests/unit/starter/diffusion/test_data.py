"""What is drawn and how it is asked for."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from studio.starter.build.diffusion import data
from studio.starter.build.diffusion.data import COLOURS, OWN, SUBJECTS


def number_of(name: str) -> int:
    return next(number for number, one in enumerate(SUBJECTS) if one.name == name)


def test_no_two_subjects_share_a_name() -> None:
    names = [name for one in SUBJECTS for name in one.names]
    assert len(names) == len(set(names))
    assert not set(names) & set(COLOURS)


@pytest.mark.parametrize(
    ("name", "colour", "asked"),
    [
        ("apple", "red", "a red apple"),
        ("apple", OWN, "an apple"),
        ("unicorn", OWN, "a unicorn"),
        ("trousers", "orange", "orange trousers"),
        ("digit eight", "blue", "a blue digit eight"),
    ],
)
def test_the_usual_prompt_is_english(name: str, colour: str, asked: str) -> None:
    assert data.usual_phrase(number_of(name), colour) == asked


def test_prompts_use_known_words_only() -> None:
    choice, known = random.Random(0), set(data.words())
    for number in range(len(SUBJECTS)):
        for colour in (OWN, *COLOURS):
            assert set(data.phrase(number, colour, choice).split()) <= known


def test_held_out_pairs_are_trained_in_no_colour_list_and_every_subject_keeps_most_colours() -> None:
    for number, one in enumerate(SUBJECTS):
        trained = data.colours_of(number)
        assert not any(data.is_held_out(number, colour) for colour in trained)
        assert len(set(trained) & set(COLOURS)) >= len(COLOURS) - 1
        assert (OWN in trained) == (one.family == "emoji")
    held_out = sum(data.is_held_out(number, colour) for number in range(len(SUBJECTS)) for colour in COLOURS)
    assert held_out / (len(SUBJECTS) * len(COLOURS)) == pytest.approx(1 / data.HELD_OUT, abs=0.01)


def test_each_colour_is_held_out_for_some_subject() -> None:
    for colour in COLOURS:
        assert any(data.is_held_out(number, colour) for number in range(len(SUBJECTS)))


def test_full_ink_takes_the_colour_and_paper_stays_white() -> None:
    ink = np.zeros((28, 28), np.uint8)
    ink[8:20, 8:20] = 255
    pixels = torch.from_numpy(data.enlarge(ink))[None]
    tinted = (data.tint(pixels, ["teal"])[0] + 1) / 2
    assert tinted.shape == (3, 64, 64)
    assert tinted[:, 32, 32].tolist() == pytest.approx(list(COLOURS["teal"]), abs=0.01)
    assert tinted[:, 0, 0].tolist() == pytest.approx([1, 1, 1])


def test_a_picture_in_its_own_colours_is_left_alone() -> None:
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    own, red = data.tint(pixels, [OWN, "red"])
    assert torch.allclose((own + 1) / 2, pixels[0].permute(2, 0, 1) / 255)
    assert not torch.allclose((red + 1) / 2, pixels[1].permute(2, 0, 1) / 255)


def test_a_placed_picture_is_whole_and_on_white() -> None:
    picture = Image.new("RGB", (160, 160), "red")
    choice = random.Random(1)
    for _ in range(20):
        placed = data.place(picture, choice)
        red = (placed == (255, 0, 0)).all(-1)
        height, width = red.any(1).sum(), red.any(0).sum()
        assert placed.shape == (64, 64, 3)
        assert 51 <= height == width <= 64
        assert (placed[~red] > 250).all(-1).any() or height == 64


@pytest.mark.parametrize("name", data.SHAPES)
def test_shapes_stay_within_the_picture_and_differ(name: str) -> None:
    drawn = data.draw_shape(name, random.Random(3))
    assert (drawn[[0, -1]] == 255).all()
    assert (drawn[:, [0, -1]] == 255).all()
    others = [data.draw_shape(other, random.Random(3)) for other in data.SHAPES if other != name]
    assert all(np.abs(drawn.astype(int) - other).mean() > 1 for other in others)
