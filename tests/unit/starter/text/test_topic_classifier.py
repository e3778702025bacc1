"""What the classifier's builder leaves on disk."""

import json
from pathlib import Path

from studio.starter.build.text.topic_classifier import _figures, _tidy


def test_no_machine_path_is_left_and_the_order_is_fixed(tmp_path: Path) -> None:
    adapter = {"base_model_name_or_path": "/home/somebody/base", "target_modules": ["value", "key"], "r": 8}
    (tmp_path / "adapter_config.json").write_text(json.dumps(adapter))
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "/home/somebody/base", "dtype": "float16"}))
    (tmp_path / "README.md").write_text("empty card")
    _tidy(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"adapter_config.json", "config.json"}
    assert json.loads((tmp_path / "adapter_config.json").read_text()) == {
        "base_model_name_or_path": "kit:minilm-l6",
        "target_modules": ["key", "value"],
        "r": 8,
    }
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == {"dtype": "float32", "architectures": ["BertForSequenceClassification"]}


def test_figures_are_accuracy_and_macro_f1() -> None:
    figures = _figures(["a", "a", "a", "b"], ["a", "a", "b", "b"], "by hand")
    assert figures["accuracy"].value == 0.75
    assert figures["macro_f1"].value == 0.7333  # mean of 0.8 and 2/3
    assert {(figure.n, figure.split) for figure in figures.values()} == {(4, "test")}
