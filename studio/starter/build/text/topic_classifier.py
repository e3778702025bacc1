"""`kit:topic-classifier`: a LoRA adapter and head for `kit:minilm-l6`, trained on `kit:debian-topics`.

Plain peft and Trainer on the CPU. The studio's own fine-tune page starts from the same settings.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text.minilm_l6 import embed
from studio.starter.kit import KitEntry, Quality, Source

BASE, DATA = "kit:minilm-l6", "kit:debian-topics"
SEED = 20
THREADS = 2
MAX_LENGTH = 128  # word pieces
RANK, ALPHA, DROPOUT = 16, 32, 0.1
LEARNING_RATE, BATCH_SIZE, EPOCHS, WARMUP, WEIGHT_DECAY = 1e-3, 16, 3, 0.06, 0.01
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
PENALTIES = (0.3, 1.0, 3.0, 10.0)  # C of the logistic regression; the validation split chooses

Split = Mapping[str, list[str]]


def build(out: Path) -> KitEntry:
    """Train, reload and measure the adapter; about three minutes on two cores."""
    base, data = kit.entry(BASE, out), kit.entry(DATA, out)
    splits = {name: tables.read_split(data.path, name) for name in data.splits}
    with writing.new_folder(out, "topic-classifier") as folder:
        _train(base.path, data.labels, splits, folder)
        writing.copy_license(base.path / base.license_file, folder)
        quality = {**_baselines(base.path, data, splits), **_quality(base.path, folder, splits["test"])}
    return writing.record(out, _entry(data, quality))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy and macro F1 on a sample of the test split."""
    test = tables.read_split(kit.entry(DATA).path, "test")
    sample = random.Random(0).sample(range(len(test["text"])), min(rows, len(test["text"])))  # noqa: S311  not a secret
    predicted = classify(kit.entry(BASE).path, entry.path, [test["text"][row] for row in sample])
    figures = _figures([test["label"][row] for row in sample], predicted, "")
    return {name: figure.value for name, figure in figures.items()}


def first(entry: KitEntry) -> str:
    """The topic of one description."""
    return classify(kit.entry(BASE).path, entry.path, ["A chess engine with a graphical board."])[0]


def classify(base: Path, adapter: Path, texts: Sequence[str]) -> list[str]:
    """The most likely label per text, from the adapter as it lies on disk."""
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    config = AutoConfig.from_pretrained(adapter)
    model = AutoModelForSequenceClassification.from_pretrained(base, config=config, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter).merge_and_unload().eval()
    tokenizer = AutoTokenizer.from_pretrained(adapter)
    labels: list[str] = []
    for start in range(0, len(texts), 32):
        batch = list(texts[start : start + 32])
        inputs = tokenizer(batch, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.inference_mode():
            labels.extend(config.id2label[number] for number in model(**inputs).logits.argmax(-1).tolist())
    return labels


def _train(base: Path, labels: Sequence[str], splits: Mapping[str, Split], folder: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    torch.set_num_threads(THREADS)
    set_seed(SEED)
    numbers = {label: number for number, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForSequenceClassification.from_pretrained(
        base, dtype=torch.float32, id2label={number: label for label, number in numbers.items()}, label2id=numbers
    )
    config = model.config
    lora = LoraConfig(
        task_type="SEQ_CLS",
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        target_modules="all-linear",  # the pooler too; the head is trained whole, which peft does of itself
    )
    model = get_peft_model(model, lora)
    with tempfile.TemporaryDirectory() as checkpoints:
        arguments = TrainingArguments(
            output_dir=checkpoints,
            use_cpu=True,
            per_device_train_batch_size=BATCH_SIZE,
            num_train_epochs=EPOCHS,
            learning_rate=LEARNING_RATE,
            warmup_steps=WARMUP,
            weight_decay=WEIGHT_DECAY,
            save_strategy="no",
            logging_steps=50,
            seed=SEED,
            train_sampling_strategy="group_by_length",
            dataloader_pin_memory=False,
        )
        rows = _rows(tokenizer, splits["train"], numbers)
        Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer).train()
    model.save_pretrained(folder)
    config.to_json_file(folder / "config.json")
    for name in TOKENIZER_FILES:  # not saved anew: use has left its padding and truncation in this one
        shutil.copyfile(base / name, folder / name)
    _tidy(folder)
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors writes for the owner only


def _rows(tokenizer: Any, split: Split, numbers: Mapping[str, int]) -> Any:
    from datasets import Dataset

    encoded = tokenizer(split["text"], truncation=True, max_length=MAX_LENGTH)
    return Dataset.from_dict({**encoded, "labels": [numbers[label] for label in split["label"]]})


def _tidy(folder: Path) -> None:
    """Name the base by its id instead of this machine's path, and drop peft's empty model card."""
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | {"base_model_name_or_path": BASE}
    for name, value in config.items():  # peft writes sets in any order, and its own heads once more
        if isinstance(value, list):
            config[name] = sorted(set(value))
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    model = folder / "config.json"
    settings = {
        key: value for key, value in json.loads(model.read_text(encoding="utf-8")).items() if key != "_name_or_path"
    }
    settings |= {"dtype": "float32", "architectures": ["BertForSequenceClassification"]}
    model.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _baselines(base: Path, data: KitEntry, splits: Mapping[str, Split]) -> dict[str, Quality]:
    """What is reached without fine-tuning: the largest class, and logistic regression on the frozen encoder."""
    from sklearn.linear_model import LogisticRegression

    vectors = {name: embed(base, split["text"], MAX_LENGTH).numpy() for name, split in splits.items()}
    models = [LogisticRegression(C=c, max_iter=2000).fit(vectors["train"], splits["train"]["label"]) for c in PENALTIES]
    best = max(models, key=lambda model: float(model.score(vectors["validation"], splits["validation"]["label"])))
    predicted = best.predict(vectors["test"]).tolist()
    note = "mean-pooled frozen encoder and logistic regression, its C chosen on the validation split"
    frozen = {f"frozen_{name}": figure for name, figure in _figures(splits["test"]["label"], predicted, note).items()}
    return {"majority_accuracy": data.quality["majority_accuracy"], **frozen}


def _quality(base: Path, adapter: Path, test: Split) -> dict[str, Quality]:
    return _figures(test["label"], classify(base, adapter, test["text"]), "of the saved and reloaded adapter")


def _figures(labels: Sequence[str], predicted: Sequence[str], note: str) -> dict[str, Quality]:
    from sklearn.metrics import accuracy_score, f1_score

    values = {
        "accuracy": accuracy_score(labels, predicted),
        "macro_f1": f1_score(labels, predicted, average="macro"),
    }
    return {
        name: Quality(value=round(float(value), 4), split="test", n=len(labels), note=note)
        for name, value in values.items()
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:topic-classifier",
        kind="adapter",
        library="peft",
        title="Software topics",
        description=f"Tells what a piece of software is for, from its English description: {', '.join(data.labels)}.",
        tasks=("text-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on Debian's package descriptions; the encoder is all-MiniLM-L6-v2.",
        sources=(
            Source(name=BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(name=DATA, license=data.license, use="training data"),
        ),
        base=BASE,
        built_by="studio.starter.build.text.topic_classifier",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "peft", "scikit-learn"),
        labels=data.labels,
        training={
            "r": RANK,
            "lora_alpha": ALPHA,
            "lora_dropout": DROPOUT,
            "target_modules": "all-linear",
            "modules_to_save": "classifier",
            "learning_rate": LEARNING_RATE,
            "batch_size": BATCH_SIZE,
            "epochs": EPOCHS,
            "warmup": WARMUP,
            "weight_decay": WEIGHT_DECAY,
            "max_length": MAX_LENGTH,
        },
        quality=dict(quality),
    )


BUILDER = Builder("kit:topic-classifier", 4, build, first, measure)
