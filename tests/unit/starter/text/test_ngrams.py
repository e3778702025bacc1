"""Kneser-Ney trigrams: probabilities that add up, and that follow what was seen."""

import pytest

from studio.starter.build.text.ngrams import KneserNey

TEXTS = [[1, 2, 3, 4], [1, 2, 3, 5], [1, 6, 3, 4], [1, 2, 3, 4]]


def test_probabilities_add_up_to_one_in_every_context() -> None:
    model = KneserNey(TEXTS, 8)
    for context in ((1, 2), (2, 3), (7, 7), (7, 3)):
        chances = [2 ** -model.bits([*context, last]) / 2 ** -model.bits([*context]) for last in range(8)]
        assert sum(chances) == pytest.approx(1)
        assert min(chances) > 0


def test_what_was_seen_costs_less() -> None:
    model = KneserNey(TEXTS, 8)
    assert model.bits([1, 2, 3, 4]) < model.bits([1, 2, 3, 5]) < model.bits([1, 2, 3, 7])
    assert model.bits([1]) == 0
