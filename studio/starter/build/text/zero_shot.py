"""`kit:zero-shot`: which of the labels that you name fits a text? No weights of its own: `kit:minilm-l6`, compared.

A text and "This text is about LABEL." are embedded, and the nearest label wins. What lies in the folder is how the
sentence is put and how sharply similarity becomes probability. A pair classifier (entailment) was not trained: what
can be learned here on a CPU stays behind this, which needs no training.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.text.minilm_l6 import embed
from studio.starter.kit import KitEntry, Source

WRITTEN = Path(__file__).with_name("written") / "everyday.txt"
TOPICS = "kit:debian-topics"
TEMPLATE = "This text is about {}."
SETTINGS_FILE = "similarity.json"
SHARPNESS = tuple(range(5, 41))  # what similarities are multiplied with before the softmax
LONGEST = 128  # word pieces


def build(out: Path) -> KitEntry:
    """Find the sharpness, measure and write; half a minute."""
    base, topics = kit.entry(heads.BASE, out), kit.entry(TOPICS, out)
    splits = {name: tables.read_split(topics.path, name) for name in ("validation", "test")}
    columns = read_written(WRITTEN)
    with writing.new_folder(out, "zero-shot") as folder:
        found = sharpest(base.path, splits["validation"]["text"], splits["validation"]["label"])
        settings = {"template": TEMPLATE, "sharpness": found, "max_length": LONGEST}
        (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        tables.write_split(columns, folder / "test.parquet")
        writing.copy_license(base.path / base.license_file, folder)
        entry = _entry(topics)
        told = {
            "accuracy": ("sentences written for this test, ten labels, in test.parquet", columns),
            "accuracy_topics": (f"test split of {TOPICS}, ten labels", splits["test"]),
        }
        quality = {}
        for name, (where, split) in told.items():
            labels = sorted(set(split["label"]))
            value = accuracy(base.path, folder, split["text"], split["label"])
            chance = max(split["label"].count(label) for label in labels) / len(split["label"])
            quality[name] = heads.quality(value, where, len(split["text"]), (chance, "largest class"))
    return writing.record(out, entry.model_copy(update={"quality": quality}))


def first(entry: KitEntry) -> dict[str, float]:
    """Probabilities of three labels for one sentence."""
    text, labels = "The band released its third album on Friday.", ("music", "sports", "politics")
    given = probabilities(kit.entry(heads.BASE).path, entry.path, [text], labels)[0]
    return dict(zip(labels, given, strict=True))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy on the written sentences."""
    test = tables.read_split(entry.path, "test")
    sample = heads.sample(len(test["text"]), rows)
    texts, truth = ([test[column][row] for row in sample] for column in ("text", "label"))
    return {"accuracy": accuracy(kit.entry(heads.BASE).path, entry.path, texts, truth)}


def probabilities(base: Path, folder: Path, texts: Sequence[str], labels: Sequence[str]) -> list[list[float]]:
    """One row a text, one column a label; each row adds up to 1."""
    settings: dict[str, Any] = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    near = _similarity(base, texts, labels, settings["template"], settings["max_length"])
    rows: list[list[float]] = (settings["sharpness"] * near).softmax(-1).tolist()
    return rows


def accuracy(base: Path, folder: Path, texts: Sequence[str], truth: Sequence[str]) -> float:
    """Share of texts whose own label is the nearest of all that occur."""
    labels = sorted(set(truth))
    given = probabilities(base, folder, texts, labels)
    return heads.accuracy(truth, [labels[row.index(max(row))] for row in given])


def sharpest(base: Path, texts: Sequence[str], truth: Sequence[str]) -> int:
    """The sharpness under which the right labels are likeliest; it changes no order."""
    import torch

    labels = sorted(set(truth))
    near = _similarity(base, texts, labels, TEMPLATE, LONGEST)
    right = torch.tensor([labels.index(label) for label in truth])
    losses = {one: float(torch.nn.functional.cross_entropy(one * near, right)) for one in SHARPNESS}
    return min(losses, key=losses.__getitem__)


def read_written(file: Path) -> dict[str, list[str]]:
    """Columns `text` and `label` of "label | text" lines, "#" for remarks."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [line.split(" | ", 1) for line in lines]
    return {"text": [text for _, text in pairs], "label": [label for label, _ in pairs]}


def _similarity(base: Path, texts: Sequence[str], labels: Sequence[str], template: str, longest: int) -> Any:
    told = [template.format(label) for label in labels]
    return embed(base, texts, longest) @ embed(base, told, longest).T


def _entry(topics: KitEntry) -> KitEntry:
    training: Mapping[str, float | int | str] = {"template": TEMPLATE}
    return KitEntry(
        id="kit:zero-shot",
        kind="adapter",
        library="studio",
        title="Labels of your own",
        description=(
            "Chooses among labels that you name, without training: the label whose sentence is nearest to the text in "
            "the sentence encoder. Works for topics; it does not reason, and does not know sentiment or logic."
        ),
        tasks=("zero-shot-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="The encoder is all-MiniLM-L6-v2; sentences of the test by the Studio project.",
        sources=(
            Source(name=heads.BASE, license="Apache-2.0", use="compares text and labels"),
            Source(name=topics.id, license=topics.license, use="its validation split sets the sharpness"),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.zero_shot",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers"),
        training=dict(training),
    )


BUILDER = Builder("kit:zero-shot", 1, build, first, measure)
