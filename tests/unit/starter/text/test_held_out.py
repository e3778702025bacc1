"""Whole source packages are held out, and what resembles the others is left aside."""

from collections import Counter

from studio.starter.build.text.held_out import split_of, without_doubles


def test_a_source_package_always_belongs_to_the_same_split_and_few_are_held_out() -> None:
    counts = Counter(split_of(f"source-{number}") for number in range(4000))
    assert split_of("gimp") == split_of("gimp")
    assert 150 < counts["test"] < 250
    assert 50 < counts["validation"] < 110
    assert counts.total() - counts["test"] - counts["validation"] == counts["train"]


def test_near_doubles_of_the_others_and_of_earlier_texts_are_left_out() -> None:
    texts = [
        "Draws charts from tables of numbers and saves them.",
        "Plays chess against the computer in ten levels.",
        "Draws charts from tables of numbers and prints them.",
        "Something else entirely stands here in this line.",
    ]
    assert without_doubles(texts, []) == [0, 1, 3]
    assert without_doubles(texts, ["Plays chess against the computer in nine levels."]) == [0, 3]


def test_texts_of_one_or_two_words_are_doubles_only_when_they_are_the_same() -> None:
    assert without_doubles(["chess game", "Chess game", "card game"], ["board game"]) == [0, 2]
