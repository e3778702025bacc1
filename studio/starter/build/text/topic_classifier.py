"""`kit:topic-classifier`: a LoRA adapter and head for `kit:minilm-l6`, trained on `kit:debian-topics`.

Plain peft and Trainer on the CPU. The studio's own fine-tune page starts from the same settings.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.text.heads import Settings
from studio.starter.build.text.minilm_l6 import embed
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:debian-topics"
MAX_LENGTH = 128  # word pieces
PENALTIES = (0.3, 1.0, 3.0, 10.0)  # C of the logistic regression; the validation split chooses
FROZEN = "frozen encoder, mean-pooled, and logistic regression, its C chosen on the validation split"

Split = Mapping[str, list[str]]


def build(out: Path) -> KitEntry:
    """Train, reload and measure the adapter; about six minutes on one core."""
    base, data = kit.entry(heads.BASE, out), kit.entry(DATA, out)
    splits = {name: tables.read_split(data.path, name) for name in data.splits}
    with writing.new_folder(out, "topic-classifier") as folder:
        heads.fit(base.path, _rows(base.path, splits["train"], data.labels), settings(data.labels), folder)
        writing.copy_license(base.path / base.license_file, folder)
        predicted = heads.classify(base.path, folder, splits["test"]["text"], MAX_LENGTH)
        quality = compare(splits["test"]["label"], predicted, frozen(base.path, splits))
    return writing.record(out, describe(data, quality))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy and macro F1 on a sample of the test split."""
    test = tables.read_split(kit.entry(DATA).path, "test")
    sample = heads.sample(len(test["text"]), rows)
    texts, truth = ([test[column][row] for row in sample] for column in ("text", "label"))
    return figures(truth, heads.classify(kit.entry(heads.BASE).path, entry.path, texts, MAX_LENGTH))


def first(entry: KitEntry) -> str:
    """The topic of one description."""
    return heads.classify(kit.entry(heads.BASE).path, entry.path, ["A chess engine with a graphical board."])[0]


def settings(labels: Sequence[str]) -> Settings:
    """How it is trained."""
    return Settings("SEQ_CLS", tuple(labels), longest=MAX_LENGTH, epochs=3, dropout=0.1)


def frozen(base: Path, splits: Mapping[str, Split]) -> list[str]:
    """Labels of the test split without fine-tuning: logistic regression on the frozen encoder."""
    from sklearn.linear_model import LogisticRegression

    vectors = {name: embed(base, split["text"], MAX_LENGTH).numpy() for name, split in splits.items()}
    models = [LogisticRegression(C=c, max_iter=2000).fit(vectors["train"], splits["train"]["label"]) for c in PENALTIES]
    best = max(models, key=lambda model: float(model.score(vectors["validation"], splits["validation"]["label"])))
    return [str(label) for label in best.predict(vectors["test"])]


def figures(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Accuracy and the mean of the classes' F1."""
    return {"accuracy": heads.accuracy(truth, predicted), "macro_f1": heads.macro_f1(truth, predicted)}


def compare(truth: Sequence[str], predicted: Sequence[str], without: Sequence[str]) -> dict[str, Quality]:
    """The adapter's figures beside those of the frozen encoder."""
    trivial = figures(truth, without)
    largest = max(truth.count(label) for label in truth) / len(truth)
    note = f"of the saved and reloaded adapter; largest class: {largest:.3f}"
    return {
        name: heads.quality(value, "test", len(truth), (trivial[name], FROZEN), note)
        for name, value in figures(truth, predicted).items()
    }


def _rows(base: Path, split: Split, labels: Sequence[str]) -> dict[str, list[object]]:
    from transformers import AutoTokenizer

    encoded = AutoTokenizer.from_pretrained(base)(split["text"], truncation=True, max_length=MAX_LENGTH)
    return {**encoded, "labels": [labels.index(label) for label in split["label"]]}


def describe(data: KitEntry, quality: Mapping[str, Quality]) -> KitEntry:
    """The manifest's line."""
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
            Source(name=heads.BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(name=DATA, license=data.license, use="training data"),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.topic_classifier",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers", "peft", "scikit-learn"),
        labels=data.labels,
        training=settings(data.labels).for_manifest(),
        quality=dict(quality),
    )


BUILDER = Builder("kit:topic-classifier", 6, build, first, measure)
