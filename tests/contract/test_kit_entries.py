"""What single entries of the starter kit promise beyond the contract that holds for all, and that one builds again."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from studio.core.settings import ASSETS
from studio.starter import kit
from studio.starter.build import BUILDERS, tables

LOAD = """
import json, sys, warnings
warnings.simplefilter("error")
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer
folder = sys.argv[1]
encoder = AutoModel.from_pretrained(folder, dtype=torch.float32)
plain = AutoModel.from_pretrained(folder)
classifier, info = AutoModelForSequenceClassification.from_pretrained(
    folder, dtype=torch.float32, num_labels=3, output_loading_info=True
)
tokenizer = AutoTokenizer.from_pretrained(folder)
states = encoder(**tokenizer("Hello world", return_tensors="pt")).last_hidden_state
print(json.dumps({
    "dtypes": [str(encoder.dtype), str(plain.dtype), str(classifier.dtype)],
    "missing": sorted(info["missing_keys"]),
    "width": states.shape[-1],
    "finite": bool(states.isfinite().all()),
    "unknown": tokenizer.tokenize("naïve Zürich xylophonist 42%").count("[UNK]"),
}))
"""


def rows(name: str) -> dict[str, list[str]]:
    return tables.read_split(kit.entry("kit:debian-topics").path, name)


def test_the_encoder_loads_offline_in_single_precision_without_a_warning() -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LOAD, str(kit.entry("kit:minilm-l6").path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "dtypes": ["torch.float32"] * 3,
        "missing": ["classifier.bias", "classifier.weight"],
        "width": 384,
        "finite": True,
        "unknown": 0,
    }


def test_the_encoder_stays_near_the_original() -> None:
    quality = kit.entry("kit:minilm-l6").quality
    assert quality["cosine_talk"].value >= 0.96
    assert quality["cosine_software"].value >= 0.96


def test_the_data_set_has_the_rows_and_labels_that_it_states() -> None:
    entry = kit.entry("kit:debian-topics")
    assert entry.bytes < 2_000_000
    for name, count in entry.splits.items():
        split = rows(name)
        assert list(split) == ["text", "label", "package"]
        assert len(split["text"]) == count
        assert set(split["label"]) == set(entry.labels)
        assert all(text.strip() == text and 60 <= len(text) <= 300 for text in split["text"])


def test_no_text_and_no_package_stands_twice() -> None:
    splits = [rows(name) for name in kit.entry("kit:debian-topics").splits]
    texts = Counter(text.casefold() for split in splits for text in split["text"])
    assert max(texts.values()) == 1
    for one, other in combinations(splits, 2):
        assert not set(one["package"]) & set(other["package"])


def test_the_majority_figure_holds() -> None:
    test = Counter(rows("test")["label"])
    stated = kit.entry("kit:debian-topics").quality["majority_accuracy"]
    assert stated.n == test.total()
    assert stated.value == pytest.approx(max(test.values()) / test.total(), abs=1e-4)


def test_the_adapter_names_its_base_and_labels() -> None:
    entry = kit.entry("kit:topic-classifier")
    adapter: dict[str, Any] = json.loads((entry.path / "adapter_config.json").read_text(encoding="utf-8"))
    config: dict[str, Any] = json.loads((entry.path / "config.json").read_text(encoding="utf-8"))
    assert adapter["base_model_name_or_path"] == entry.base == "kit:minilm-l6"
    assert tuple(config["id2label"].values()) == entry.labels == kit.entry("kit:debian-topics").labels


def test_examples_are_not_from_the_training_data() -> None:
    examples = json.loads((ASSETS / "examples" / "text-classification.json").read_text(encoding="utf-8"))
    known = {text for name in ("train", "validation") for text in rows(name)["text"]}
    assert len(examples) >= len(kit.entry("kit:debian-topics").labels)
    assert all(example["title"] and example["inputs"]["inputs"] not in known for example in examples)


def test_built_again_from_its_script_an_entry_is_the_same_to_the_byte(tmp_path: Path) -> None:
    """`wine` needs nothing but installed packages, so that this runs anywhere."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(BUILDERS["wine"].build(tmp_path / name))
    assert made[0].files == made[1].files
    assert kit.verify("kit:wine", tmp_path / "two") == []
    assert made[0].quality == made[1].quality == kit.entry("kit:wine").quality
    in_the_kit = {file.path: file.sha256 for file in kit.entry("kit:wine").files}
    assert {file.path: file.sha256 for file in made[0].files} == in_the_kit
