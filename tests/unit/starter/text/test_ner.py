"""How names are counted, and what the trivial answer is."""

import pytest

from studio.starter import kit
from studio.starter.build.text.ner import by_rule, encode, name_scores, spans
from studio.starter.build.text.ner_news import LABELS, Tagged


def test_spans_are_whole_names() -> None:
    assert spans(["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-ORG"]) == {
        (0, 1, "PER"),
        (3, 3, "LOC"),
        (4, 4, "LOC"),
        (5, 5, "ORG"),
    }
    assert spans([]) == set()


def test_a_name_counts_only_with_both_ends_and_its_kind() -> None:
    truth = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-ORG"]]
    given = [["B-PER", "O", "O"], ["B-LOC", "O", "B-LOC"]]
    scores = name_scores(truth, given)
    assert scores["precision"] == pytest.approx(1 / 3)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert name_scores(truth, truth)["f1"] == 1.0


def test_the_rule_knows_names_of_the_training_and_calls_others_persons() -> None:
    train = [Tagged(("Paris", "is", "old"), ("B-LOC", "O", "O"))]
    assert by_rule(train, [("Paris", "and", "Ada", "Byron", "met"), ("Today", "it", "rains")]) == [
        ["B-LOC", "O", "B-PER", "I-PER", "O"],
        ["O", "O", "O"],
    ]


def test_every_piece_of_a_word_is_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = encode(kit.entry("kit:minilm-l6").path, [Tagged(("Okonjo-Iweala", "spoke"), ("B-PER", "O"))])
    labels = rows["labels"][0]
    assert isinstance(labels, list)
    assert labels[0] == labels[-1] == -100
    assert [LABELS[number] for number in labels[1:-1]][:2] == ["B-PER", "I-PER"]
    assert LABELS[labels[-2]] == "O"
