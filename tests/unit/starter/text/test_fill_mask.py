"""Which words are hidden, and how texts are split."""

import random

import pytest

from studio.starter.build.text import fill_mask
from studio.starter.build.text.fill_mask import Masked, common_words, mask, shares, split

WORDS = frozenset({"network", "tool"})


def test_only_known_whole_words_are_hidden() -> None:
    assert mask("A fast network, written in C", WORDS, random.Random(0)) is None
    assert mask("A fast network written in C", WORDS, random.Random(0)) == ("A fast [MASK] written in C", "network")
    assert mask("a tool", WORDS, random.Random(0)) is None


def test_a_source_stands_in_one_split_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill_mask, "TEST", 5)
    monkeypatch.setattr(fill_mask, "TEXTS", {"software": 100})
    sources = {f"p{number}": [f"the tool number {number} is a tool"] * 2 for number in range(20)}
    train, test = split({"software": sources}, WORDS)
    assert len(test) == 5
    assert len(train) == len(set(train)) == 15
    hidden = {one.text.replace("[MASK]", one.answer) for one in test}
    assert not hidden & set(train)


def test_the_first_guess_and_the_first_five() -> None:
    test = [Masked("a [MASK]", "tool", "talk"), Masked("b [MASK]", "net", "talk")]
    assert shares([["tool", "x", "y", "z", "v"], ["x", "y", "net", "z", "v"]], test) == {"top1": 0.5, "top5": 1.0}


def test_common_words_are_the_most_frequent() -> None:
    assert common_words(["a b a", "a b c"])[:2] == ["a", "b"]
