"""How rows of the topics data set are chosen, shortened and split; the parsing of Debian's lists."""

from collections import Counter

import pytest

from studio.starter.build import sources
from studio.starter.build.sources import Description
from studio.starter.build.text import debian_topics
from studio.starter.build.text.debian_topics import Row, as_text, even_shares, families_of, select, split

PACKAGES = """Package: chess
Source: chess-suite (1.2)
Section: games
Description-md5: aaa

Package: contribtool
Section: contrib/net
Description-md5: bbb

Package: undescribed
Section: net
Description-md5: zzz
"""
TRANSLATIONS = """Package: chess
Description-md5: aaa
Description-en: plays chess
 Chess against the computer,
 in ten levels.
 .
 It has:
  * a board
  * a clock
 .
 Fun is included.

Package: contribtool
Description-md5: bbb
Description-en: traces packets
 One line.
"""


def description(
    package: str, section: str = "games", source: str = "", title: str = "", *paragraphs: str
) -> Description:
    long = paragraphs or (f"The program {package} is described here in words that no other {package} shares.",)
    return Description(package, source or package, section, title or f"About {package}", long)


def test_debians_lists_are_joined_and_lists_within_are_left_out() -> None:
    chess, tool = sources._descriptions(PACKAGES, TRANSLATIONS)
    assert chess == Description(
        "chess",
        "chess-suite",
        "games",
        "plays chess",
        ("Chess against the computer, in ten levels.", "It has:", "Fun is included."),
    )
    assert (tool.source, tool.section) == ("contribtool", "net")


def test_a_text_is_the_title_and_whole_sentences_that_fit() -> None:
    one = description(
        "chess", "games", "", "plays chess", "First it thinks. It has:", "Then it moves. X" + "x" * 300 + "."
    )
    assert as_text(one) == "Plays chess. First it thinks. Then it moves."
    assert len(as_text(description("long", "games", "", "t", "word " * 200))) <= debian_topics.LONGEST


def test_rows_that_say_nothing_about_a_topic_are_left_out() -> None:
    kept = description("chess")
    left_out = [
        description("libchess", section="libs"),
        description("chess-data"),
        description("chess-old", title="transitional package"),
        description("tiny", "games", "", "t", "Short."),
        Description("chess-copy", "other", "games", kept.title, kept.paragraphs),
    ]
    assert [row.package for row in select([kept, *left_out])] == ["chess"]


def test_one_source_gives_at_most_two_rows() -> None:
    rows = select(description(f"chess{number}", source="chess") for number in range(5))
    assert len(rows) == debian_topics.PER_SOURCE


def test_near_doubles_of_different_sources_are_one_family() -> None:
    words = "a board game for two players with a clock and many levels of play for all ages"
    rows = [
        Row(words, "games", "one", "one"),
        Row(f"{words} and all tastes", "games", "two", "two"),
        Row("measures the temperature of stars from their spectra in the infrared", "science", "three", "three"),
        Row("quite another text altogether", "games", "four", "one"),
    ]
    first, second, third, fourth = families_of(rows)
    assert first == second == fourth
    assert third != first


def test_no_family_stands_in_two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian_topics, "SIZES", {"train": 60, "validation": 10, "test": 20})
    rows = select(
        description(f"p{number}", "games" if number % 2 else "net", source=f"s{number // 2 if number < 40 else number}")
        for number in range(140)
    )
    splits = split(rows)
    assert {name: len(found) for name, found in splits.items()} == {"train": 60, "validation": 10, "test": 20}
    holders = Counter(source for found in splits.values() for source in {row.source for row in found})
    assert max(holders.values()) == 1
    assert split(rows) == splits
    assert split(list(rows)) == splits


def test_shares_are_even_but_never_above_a_labels_part() -> None:
    assert even_shares({"a": 1000, "b": 1000, "c": 40}, 0.5, 200) == {"a": 90, "b": 90, "c": 20}
    assert even_shares({"a": 10}, 1.0, 200) == {"a": 10}
