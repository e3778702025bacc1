"""Choosing among labels by similarity."""

import json
from collections import Counter
from pathlib import Path

import pytest

from studio.starter import kit
from studio.starter.build.text.zero_shot import SETTINGS_FILE, WRITTEN, accuracy, probabilities, read_written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = {"template": "This text is about {}.", "sharpness": 18, "max_length": 32}
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(settings))
    return tmp_path


def test_probabilities_add_up_and_the_nearest_label_wins(folder: Path) -> None:
    base = kit.entry("kit:minilm-l6").path
    texts = ["The band played all night.", "The senate passed the bill."]
    given = probabilities(base, folder, texts, ["music", "politics"])
    assert [sum(row) for row in given] == pytest.approx([1.0, 1.0])
    assert given[0][0] > 0.5 > given[1][0]
    assert accuracy(base, folder, texts, ["music", "politics"]) == 1.0


def test_the_written_sentences_are_ten_a_label() -> None:
    columns = read_written(WRITTEN)
    assert set(Counter(columns["label"]).values()) == {10}
    assert len(set(columns["text"])) == 100
