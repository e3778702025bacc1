"""The table of synonyms, and what is replaced by it and what never is."""

import re
from random import Random

import pytest

from studio.core.settings import ASSETS
from studio.data.steps.synonyms import TABLE, packed, partners, reworded, unpacked

KNOWN = {
    "big": ("large",),
    "car": ("automobile",),
    "easy": ("simple", "effortless"),
    "bill": ("invoice",),
    "file": ("record",),
    "begins": ("starts",),
}


def new(text: str, known: dict[str, tuple[str, ...]] = KNOWN) -> str:
    return reworded(text, Random(0), known, 1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a big car begins", "a large automobile starts"),
        ("Big cars? Big, yes. Big!", "Large cars? Large, yes. Large!"),
        ("A BIG CAR", "A LARGE AUTOMOBILE"),
        ("It begins\nBig", "It starts\nLarge"),
        ("“Big,” he said", "“Large,” he said"),
    ],
)
def test_words_are_replaced_as_they_are_written(text: str, wanted: str) -> None:
    assert new(text).startswith(wanted.split("\n")[0])
    assert new(text) == wanted or "\n" in text


@pytest.mark.parametrize(
    "text",
    [
        "said Bill to Big Sam",  # names
        "the BIG one, of the CIA",  # an acronym, perhaps
        "big.example.org, x@big.com, /big/file, big_file, file.txt, big@x.com, C:\\big\\x",
        "file2 2big b1g big-file car's car’s",
        "größe ist egal",
        "",
    ],
)
def test_names_numbers_and_addresses_stay(text: str) -> None:
    assert new(text) == text


def test_a_and_an_stay_right() -> None:
    assert {reworded("an easy job", Random(n), KNOWN, 1) for n in range(20)} == {"an effortless job"}
    assert new("a car and a big one") == "a car and a large one"
    assert {reworded("it is easy", Random(n), KNOWN, 1) for n in range(20)} == {"it is simple", "it is effortless"}


def test_the_share_is_a_chance_of_each_word() -> None:
    changed = reworded("big " * 2_000, Random(3), KNOWN, 0.3).split().count("large")
    assert 500 < changed < 700


def test_the_table_is_of_plain_words_with_other_words() -> None:
    known = partners()
    assert len(known) > 9_000
    assert all(re.fullmatch("[a-z]{3,}", word) for words in known.items() for word in (words[0], *words[1]))
    assert all(word not in others and len(set(others)) == len(others) for word, others in known.items())
    assert not {"about", "have", "like", "two", "monday", "not"} & set(known)
    assert "large" in known["big"]
    assert known["repairs"] == ("fixes",)
    assert unpacked(packed()) == known


def test_the_table_is_small_and_says_whose_it_is() -> None:
    assert TABLE.stat().st_size <= 300_000
    assert "Princeton" in TABLE.read_text(encoding="utf-8")[:500]
    assert "Princeton University" in (TABLE.parent / "LICENSE").read_text(encoding="utf-8")
    assert "words/" in (ASSETS / "NOTICE").read_text(encoding="utf-8")
