"""Questions that are made by rule, and the written ones."""

import random
import re

import pytest

from studio.starter.build.sources import Description
from studio.starter.build.text.qa_software import SIZES, WRITTEN, general_rows, make_splits, questions, written
from studio.starter.build.text.question_forms import PATTERNS
from studio.starter.build.text.wordnet import PERSON, PLACE, Noun

TEXT = "Inkscape is a vector graphics editor. It is written in C++ and supports SVG, PDF and PNG files."


def description(name: str, text: str = TEXT) -> Description:
    return Description(name, name, "graphics", name, (text,))


def test_questions_come_with_the_place_of_their_answer() -> None:
    rows = [row for _, row in questions("inkscape", "inkscape", TEXT, random.Random(1))]
    assert {row.answers[0] for row in rows} >= {"a vector graphics editor", "SVG, PDF and PNG files"}
    for row in rows:
        assert TEXT[row.starts[0] :].startswith(row.answers[0])
        assert "{" not in row.question


def test_every_pattern_names_an_answer() -> None:
    assert all("answer" in re.compile(pattern).groupindex and forms for pattern, forms in PATTERNS)


def test_people_and_places_give_questions_too() -> None:
    nouns = [
        Noun("1", PERSON, ("Curie", "Marie Curie"), "French chemist who studied rays (1867-1934)", (), ("9",)),
        Noun("2", PLACE, ("Lyon",), "a city in eastern France", (), ("9",)),
        Noun("3", PLACE, ("Oslo",), "the capital of Norway", (), ("9",)),
    ]
    rows = general_rows(nouns, random.Random(3))
    assert len(rows) == 2
    for row in rows:
        assert row.context[row.starts[0] :].startswith(row.answers[0])


def test_an_answer_that_is_not_in_the_text_is_refused() -> None:
    (row,) = written([description("inkscape")], ["# remark", "inkscape | What is it? | a vector graphics editor"])
    assert (row.answers, row.starts) == (("a vector graphics editor",), (12,))
    with pytest.raises(ValueError, match="does not stand in the description of inkscape"):
        written([description("inkscape")], ["inkscape | What is it? | a spreadsheet"])


def test_no_source_stands_in_two_splits_and_the_tests_sources_in_none() -> None:
    texts = [description(f"tool{number}", TEXT.replace("Inkscape", f"Tool{number}")) for number in range(300)]
    splits = make_splits(texts, [], {"tool0"})
    assert set(splits) == set(SIZES)
    train, validation = ({row.source for row in splits[name]} for name in ("train", "validation"))
    assert train | validation
    assert not train & validation
    assert "tool0" not in train | validation


def test_the_written_questions_are_a_hundred_or_more() -> None:
    lines = [line for line in WRITTEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) >= 100
    assert all(line.count(" | ") >= 2 for line in lines)
