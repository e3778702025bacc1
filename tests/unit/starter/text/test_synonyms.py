"""How the table of synonyms is made: which senses count, and which endings are regular."""

import pytest

from studio.starter.build.text.endings import doubtful, forms
from studio.starter.build.text.synonyms import meanings, own, partners, senses, with_endings

INDEX = """\
automobile%1:06:00:: 02961779 1 30
car%1:06:00:: 02961779 1 71
car%1:06:01:: 02963378 2 2
buffet%1:06:00:: 1 1 3
buffet%2:35:00:: 2 1 9
motorcar%1:06:00:: 02961779 1 0
machine%1:06:00:: 99 1 50
machine%1:06:02:: 02961779 5 2
"""
DATA = """\
  1 This is the head of the file.
02961779 06 n 05 car 0 auto 0 automobile 0 machine 6 motorcar 0 001 @ 03796768 n 0000 | it drives; "a car"
00000007 06 n 02 wheels 0 ride 0 001 ;u 07171981 n 0000 | slang for a car
00000008 06 n 03 motor_car 0 Ford 0 tin(a) 0 000 | none
"""


def test_only_the_commonest_sense_counts() -> None:
    groups = dict(meanings("n", DATA.splitlines()))
    assert groups == {"n02961779": ["car", "auto", "automobile", "machine", "motorcar"], "n00000008": ["tin"]}
    found = partners(senses(INDEX.splitlines()), groups)
    # motorcar has no other sense, but has not been seen: it is replaced, and stands for nothing
    assert found == {
        "car": ("n", ["automobile"]),
        "automobile": ("n", ["car"]),
        "motorcar": ("n", ["car", "automobile"]),
    }


@pytest.mark.parametrize(
    ("kind", "word", "wanted"),
    [
        ("n", "car", {"s": "cars"}),
        ("n", "city", {"s": "cities"}),
        ("n", "box", {}),
        ("n", "woman", {}),
        ("n", "analysis", {}),
        ("v", "walk", {"s": "walks", "ing": "walking", "ed": "walked"}),
        ("v", "love", {"s": "loves", "ing": "loving", "ed": "loved"}),
        ("v", "try", {"s": "tries", "ing": "trying", "ed": "tried"}),
        ("v", "stop", {"s": "stops", "ing": "stopping", "ed": "stopped"}),
        ("v", "die", {"s": "dies", "ing": "dying", "ed": "died"}),
        ("v", "agree", {"s": "agrees", "ing": "agreeing", "ed": "agreed"}),
        ("v", "fix", {"s": "fixes", "ing": "fixing", "ed": "fixed"}),
        ("v", "begin", {"s": "begins"}),
        ("v", "sing", {"s": "sings", "ing": "singing"}),
        ("v", "refer", {"s": "refers"}),
        ("a", "big", {}),
    ],
)
def test_endings_of_regular_words(kind: str, word: str, wanted: dict[str, str]) -> None:
    assert forms(kind, word) == wanted


def test_a_last_letter_that_depends_on_the_stress_is_left_alone() -> None:
    assert doubtful("offer")
    assert doubtful("panic")
    assert not doubtful("quit")
    assert not doubtful("improve")


def test_an_ending_that_makes_another_word_is_left_out() -> None:
    known = {"build": ("v", ["construct"]), "repair": ("v", ["fix"]), "mend": ("v", ["fix"])}
    lines = list(with_endings(known, frozenset({"building"})))
    assert ("ving", "repairing", "fixing") in lines
    assert ("vs", "builds", "constructs") in lines
    assert "building" not in {word for _, word, _ in lines}


def test_no_word_of_our_own_list_comes_twice() -> None:
    found = own()
    assert len(found) > 150
    assert all(word not in others for word, (_, others) in found.items())
    assert {kind for kind, _ in found.values()} == {"a", "v", "n", "r"}
