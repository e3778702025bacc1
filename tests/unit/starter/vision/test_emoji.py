"""How emoji are named, drawn, grouped into families and split."""

import numpy as np
import pytest

from studio.starter.build.vision import emoji
from studio.starter.build.vision.emoji import Emoji, families, name_of, root_of, split


def one(slug: str, seed: int, group: str = "Symbols") -> Emoji:
    image = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    return Emoji(slug, name_of(slug), "", group, image, np.full((16, 16), 255, np.uint8))


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("red-heart", "red heart"),
        ("womans-boot", "woman's boot"),
        ("t-shirt", "t-shirt"),
        ("two-oclock", "two o'clock"),
    ],
)
def test_a_name_is_the_slug_in_words(slug: str, name: str) -> None:
    assert name_of(slug) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("woman-pilot", "pilot"),
        ("red-heart", "light-blue-heart"),
        ("two-oclock", "ten-thirty"),
        ("man", "girl"),
        ("fast-up-button", "fast-up-button"),
        ("keycap-1", "keycap-9"),
    ],
)
def test_variants_have_one_root(one: str, other: str) -> None:
    assert root_of(one) == root_of(other)


def test_different_things_have_different_roots() -> None:
    assert len({root_of(slug) for slug in ("cat", "dog", "red-heart", "rose", "man-pilot", "two-oclock")}) == 6


def test_families_share_a_root_or_a_look() -> None:
    first, second, third, fourth = families([one("pilot", 1), one("woman-pilot", 2), one("rose", 3), one("daisy", 3)])
    assert first == second
    assert third == fourth
    assert first != third


def test_no_family_stands_in_two_splits() -> None:
    found = [
        one(f"{kind}thing{number}", number * 2 + (kind == "") + 1) for number in range(60) for kind in ("", "man-")
    ]
    splits = split(found)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 96, "validation": 6, "test": 18}
    holders = [{root_of(row.slug) for row in rows} for rows in splits.values()]
    assert not holders[0] & holders[1]
    assert not holders[0] & holders[2]
    assert split(list(reversed(found))).keys() == splits.keys()


def test_a_drawing_can_be_laid_on_any_ground() -> None:
    pytest.importorskip("resvg_py")
    half = '<circle cx="16" cy="16" r="12" fill="red" fill-opacity=".5"/>'
    image, mask = emoji.draw(half, (32, 32), 64)
    assert image.shape == (64, 64, 3)
    assert mask[0, 0] == 0
    assert image[0, 0].tolist() == [255, 255, 255]
    assert abs(int(mask[32, 32]) - 128) <= 1
    on_black = image[32, 32] + (1 - mask[32, 32] / 255) * (0 - 255.0)
    assert np.abs(on_black - [128, 0, 0]).max() <= 2


def test_the_kits_emoji_have_names_and_characters() -> None:
    found = emoji.read()
    assert len(found) == 1573
    assert found["red-heart"].character.startswith("❤")
    assert found["grinning-face"].character == "😀"
    assert found["red-heart"].image.shape == (64, 64, 3)
    assert all(row.name and row.character for row in found.values())
