"""Scores against values that were worked out by hand."""

import pytest

from studio.starter.build.text.scores import bleu, chrf, rouge


def test_rouge_counts_words_and_their_order() -> None:
    same = rouge(["A chess game."], ["a chess game"])
    assert same == {"rouge1": 1.0, "rougeL": 1.0}
    turned = rouge(["game chess a"], ["a chess game"])
    assert turned == {"rouge1": 1.0, "rougeL": pytest.approx(1 / 3)}
    assert rouge(["the cat sat"], ["the cat"])["rouge1"] == pytest.approx(2 * 2 / 5)
    assert rouge(["", "dog"], ["cat", "cat"]) == {"rouge1": 0.0, "rougeL": 0.0}


def test_a_word_counts_no_oftener_than_in_the_truth() -> None:
    assert rouge(["the the the"], ["the cat"])["rouge1"] == pytest.approx(2 * 1 / 5)


def test_translations_are_scored_from_0_to_100() -> None:
    truth = ["Questo pacchetto contiene un gioco di scacchi."]
    assert bleu(truth, truth) == pytest.approx(100)
    assert chrf(truth, truth) == pytest.approx(100)
    near = ["Questo pacchetto contiene un gioco di carte."]
    assert 0 < bleu(near, truth) < chrf(near, truth) < 100
