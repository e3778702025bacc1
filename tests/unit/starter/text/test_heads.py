"""What the text models share: tidy folders, samples that repeat, figures, and an adapter that survives a reload."""

import json
import shutil
from pathlib import Path

import pytest

from studio.starter import kit
from studio.starter.build.text import heads
from studio.starter.build.text.heads import Settings

TEXTS = ["good food", "bad food", "good film", "bad film"] * 4


def test_no_machine_path_is_left_and_the_order_is_fixed(tmp_path: Path) -> None:
    adapter = {"base_model_name_or_path": "/home/somebody/base", "target_modules": ["value", "key"], "r": 8}
    (tmp_path / "adapter_config.json").write_text(json.dumps(adapter))
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "/home/somebody/base", "dtype": "float16"}))
    (tmp_path / "README.md").write_text("empty card")
    heads.tidy(tmp_path, "BertForTokenClassification")
    assert {path.name for path in tmp_path.iterdir()} == {"adapter_config.json", "config.json"}
    assert json.loads((tmp_path / "adapter_config.json").read_text()) == {
        "base_model_name_or_path": "kit:minilm-l6",
        "target_modules": ["key", "value"],
        "r": 8,
    }
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == {"dtype": "float32", "architectures": ["BertForTokenClassification"]}


def test_a_sample_repeats_and_holds_no_row_twice() -> None:
    assert heads.sample(10, 200) == heads.sample(10, 10)
    assert len(set(heads.sample(1000, 200))) == 200
    assert heads.sample(1000, 200) == heads.sample(1000, 200)


def test_a_band_is_three_standard_errors_and_never_nothing() -> None:
    assert heads.band(0.5) == pytest.approx(0.106, abs=0.001)
    assert heads.band(1.0) > 0


def test_figures() -> None:
    truth, predicted = ["a", "a", "a", "b"], ["a", "a", "b", "b"]
    assert heads.accuracy(truth, predicted) == 0.75
    assert heads.macro_f1(truth, predicted) == pytest.approx(0.7333, abs=1e-4)  # mean of 0.8 and 2/3
    stated = heads.quality(0.75, "test", 4, (0.5, "largest class"), "by hand")
    assert (stated.value, stated.baseline, stated.n) == (0.75, 0.5, 4)
    assert stated.band == heads.band(0.75, 4)


def test_an_adapter_is_trained_stored_in_half_and_loads_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertConfig, BertModel

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    base, folder = tmp_path / "base", tmp_path / "adapter"
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=12_000, **small)).save_pretrained(base)
    for name in heads.TOKENIZER_FILES:
        shutil.copyfile(kit.entry("kit:minilm-l6").path / name, base / name)
    encoded = AutoTokenizer.from_pretrained(base)(TEXTS)
    rows = {**encoded, "labels": [int(text.startswith("good")) for text in TEXTS]}
    folder.mkdir()
    heads.fit(base, rows, Settings("SEQ_CLS", ("bad", "good"), rank=4, epochs=1), folder)

    assert {str(weight.dtype) for weight in load_file(folder / "adapter_model.safetensors").values()} == {
        "torch.float16"
    }
    assert str(tmp_path) not in (folder / "adapter_config.json").read_text() + (folder / "config.json").read_text()
    assert set(heads.classify(base, folder, TEXTS)) <= {"bad", "good"}
    loaded = heads.load(base, folder, "SEQ_CLS")
    assert heads.logits(loaded, ["one", "two"], ["first", "second"]).shape == (2, 2)
