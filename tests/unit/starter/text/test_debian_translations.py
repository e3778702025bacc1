"""How pairs of sentences are found, and kept apart; the Italian lists of Debian are joined with the English."""

from studio.starter.build import sources
from studio.starter.build.sources import Description, Translated
from studio.starter.build.text.debian_translations import Pair, aligned, fits, pairs, split
from studio.starter.build.text.held_out import split_of

ITALIAN = """Package: chess
Description-md5: aaa
Description-it: gioca a scacchi
 Scacchi contro il computer,
 in dieci livelli.
 .
 Include il divertimento.

Package: broken
Description-md5: bbb
"""


def translated(en: tuple[str, ...], it: tuple[str, ...], package: str = "chess") -> Translated:
    return Translated(Description(package, package, "games", "plays chess well", en), "gioca bene a scacchi", it)


def test_a_language_list_gives_title_and_paragraphs_and_skips_what_is_not_translated() -> None:
    ((fields, body),) = sources._long_descriptions(ITALIAN, "it")
    assert fields["Description-it"] == "gioca a scacchi"
    assert sources._paragraphs(body) == ("Scacchi contro il computer, in dieci livelli.", "Include il divertimento.")


def test_sentences_are_paired_only_where_both_sides_have_as_many() -> None:
    same = translated(("One here. Two here.", "Three."), ("Uno qui. Due qui.", "Tre."))
    assert aligned(same)[1:] == [("One here.", "Uno qui."), ("Two here.", "Due qui."), ("Three.", "Tre.")]
    fewer = translated(("One here. Two here.", "Three."), ("Uno qui e due.", "Tre."))
    assert aligned(fewer)[1:] == [("Three.", "Tre.")]
    missing = translated(("One here.", "Three."), ("Uno qui.",))
    assert aligned(missing) == [("plays chess well", "gioca bene a scacchi")]


def test_what_is_no_translation_is_left_out() -> None:
    assert fits("A small game of chess.", "Un piccolo gioco di scacchi.")
    assert not fits("Network Time Protocol", "network time protocol")
    assert not fits("See https://example.org for more", "Si veda https://example.org")
    assert not fits("A small game of chess, for two.", "Scacchi gioco.")
    assert not fits("short one", "uno corto")
    assert not fits("word " * 40, "parola " * 30)


def test_a_pair_stands_once_whatever_its_capitals() -> None:
    twice = [translated((), ()), translated((), (), "chess-again")]
    assert [row.package for row in pairs(twice)] == ["chess"]


def test_no_source_and_no_near_double_in_two_splits() -> None:
    rows = [
        Pair(
            f"The tool number {number} does task {number * 7} very well.",
            f"compito {number}",
            f"p{number}",
            f"s{number}",
        )
        for number in range(400)
    ]
    held = next(row for row in rows if split_of(row.source) == "test")
    double = Pair(
        held.en, "altro testo del tutto", "copy", next(row.source for row in rows if split_of(row.source) == "train")
    )
    splits = split([*rows, double])
    where = {row.source: name for name, chosen in splits.items() for row in chosen}
    assert all(split_of(source) == name for source, name in where.items())
    assert held.package not in {row.package for row in splits["test"]}
    assert {"train", "test", "validation"} == set(splits)
