"""Every entry of the starter kit: its files hold, it loads without a network, as good as the manifest says."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from studio.core.settings import ASSETS, ROOT
from studio.starter import kit
from studio.starter.build import docs, tables
from studio.starter.build.text import topic_classifier

IDS = [entry.id for entry in kit.entries()]
LARGEST = 10_000_000  # bytes; what a repository carries without Git LFS
SAMPLE = 200
BAND = 0.1  # about three standard errors of an accuracy near 0.8 on 200 rows

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


@pytest.mark.parametrize("id", IDS)
def test_the_files_hold(id: str) -> None:
    assert kit.verify(id) == []


@pytest.mark.parametrize("id", IDS)
def test_the_manifest_names_every_file(id: str) -> None:
    entry = kit.entry(id)
    on_disk = {path.relative_to(entry.path).as_posix() for path in entry.path.rglob("*") if path.is_file()}
    assert on_disk == {file.path for file in entry.files}
    assert max(file.size for file in entry.files) < LARGEST


@pytest.mark.parametrize("id", IDS)
def test_licence_attribution_and_sources_are_stated(id: str) -> None:
    entry = kit.entry(id)
    assert (entry.path / entry.license_file).stat().st_size > 200
    assert entry.license
    assert entry.attribution
    assert entry.sources
    assert f"kit/{entry.name}" in (ASSETS / "NOTICE").read_text(encoding="utf-8")


@pytest.mark.parametrize("id", IDS)
def test_what_an_entry_builds_on_is_there_and_its_builder_exists(id: str) -> None:
    entry = kit.entry(id)
    assert not entry.base or kit.entry(entry.base).kind == "model"
    assert (entry.kind == "adapter") == bool(entry.base)
    assert (ROOT / Path(*entry.built_by.split("."))).with_suffix(".py").is_file()


def test_nothing_names_a_machine_or_a_host() -> None:
    for file in [ASSETS / "NOTICE", *(path for path in kit.KIT.rglob("*.json"))]:
        text = file.read_text(encoding="utf-8") if file.name != "tokenizer.json" else ""
        assert str(ROOT) not in text
        assert "/tmp/" not in text
        assert "http" not in text


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


def test_the_classifier_beats_what_needs_no_fine_tuning() -> None:
    quality = kit.entry("kit:topic-classifier").quality
    assert quality["accuracy"].value > quality["frozen_accuracy"].value > quality["majority_accuracy"].value
    assert quality["macro_f1"].value > quality["frozen_macro_f1"].value


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks under the old name
def test_the_classifiers_accuracy_holds_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    entry, test = kit.entry("kit:topic-classifier"), rows("test")
    sample = random.Random(0).sample(range(len(test["text"])), SAMPLE)
    base = kit.entry(entry.base).path
    predicted = topic_classifier.classify(base, entry.path, [test["text"][row] for row in sample])
    right = sum(label == test["label"][row] for label, row in zip(predicted, sample, strict=True)) / SAMPLE
    assert right == pytest.approx(entry.quality["accuracy"].value, abs=BAND)


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
    assert all(set(example) == {"title", "text"} and example["text"] not in known for example in examples)


def test_the_table_in_the_docs_is_the_manifests() -> None:
    assert docs.PAGE.read_text(encoding="utf-8") == docs.with_tables(
        docs.PAGE.read_text(encoding="utf-8"), kit.entries()
    )
