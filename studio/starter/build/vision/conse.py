"""`kit:conse`: what `studio.starter.conse` needs beside its two models, the meanings of ImageNet's labels."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.core.settings import ROOT
from studio.starter import conse, kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.text.minilm_l6 import embed
from studio.starter.build.vision import photos
from studio.starter.build.vision.photos import Photo
from studio.starter.kit import KitEntry, Quality, Source

IMAGES, TEXTS = "kit:efficientnet-lite0", "kit:minilm-l6"
SETTINGS = {
    "image_model": IMAGES,
    "text_model": TEXTS,
    "nearest": 10,
    "sharpness": 12.0,
    "template": "a photo of {}",
}
CANDIDATES = 10  # of which one is right
SEED = 20
ANSWERS = {  # a photo's title → the right one of these and `OTHERS`
    "a running cheetah": "a wild animal",
    "a cheetah's face": "a wild animal",
    "a young cheetah": "a wild animal",
    "a resting lion": "a wild animal",
    "a cat": "a pet",
    "a cup of coffee": "a hot drink",
    "a rocket before its start": "a space launch",
    "a man with a camera": "photo equipment",
}
OTHERS = ("a musical instrument", "fruit", "a ship", "clothes", "a plate of food")


def build(out: Path) -> KitEntry:
    """Embed the labels and measure; about a minute on one core."""
    import torch
    from safetensors.torch import save_file

    images, texts = kit.entry(IMAGES, out), kit.entry(TEXTS, out)
    names = json.loads((images.path / "config.json").read_text(encoding="utf-8"))["id2label"]
    meant = embed(texts.path, [f"a photo of {names[str(number)]}" for number in range(len(names))])
    entry = _entry({})
    with writing.new_folder(out, entry.name) as folder:
        save_file({"labels": meant.to(torch.float16)}, folder / conse.LABELS)
        (folder / conse.LABELS).chmod(0o644)  # safetensors writes for the owner only
        (folder / "config.json").write_text(json.dumps(SETTINGS, indent=2) + "\n", encoding="utf-8")
        writing.copy_license(ROOT / "LICENSE", folder)
    return writing.record(out, _entry(_quality(entry.model_copy(update={"root": out}), photos.fetch_stamps())))


def first(entry: KitEntry) -> str:
    """What the first photo shows, of the candidates."""
    return next(iter(conse.load(entry.path).classify(_stored(entry)[0].image, _asked())))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """How often the right candidate comes first, on the photos that lie in the image model's folder."""
    model, stored = conse.load(entry.path), _stored(entry)[:rows]
    hits = [next(iter(model.classify(photo.image, _asked()))) == ANSWERS[photo.title] for photo in stored]
    return {"accuracy": sum(hits) / len(hits)}


def _stored(entry: KitEntry) -> list[Photo]:
    return photos.read(kit.entry(IMAGES, entry.root).path)


def _asked() -> list[str]:
    return [*dict.fromkeys(ANSWERS.values()), *OTHERS]


def _quality(entry: KitEntry, stamps: Sequence[Photo]) -> dict[str, Quality]:
    """Accuracy among ten titles of stamps: of things that ImageNet has by name and of those that it has not."""
    named = [photo for photo in stamps if photo.title]
    titles = sorted({photo.title for photo in named})
    choice = random.Random(SEED)  # noqa: S311  not a secret
    model = conse.load(entry.path)
    hits = []
    for photo in named:
        others = choice.sample([title for title in titles if title != photo.title], CANDIDATES - 1)
        hits.append(next(iter(model.classify(photo.image, sorted([photo.title, *others])))) == photo.title)
    known = [hit for hit, photo in zip(hits, named, strict=True) if photo.labels]
    unknown = [hit for hit, photo in zip(hits, named, strict=True) if not photo.labels]
    count = len(_asked())
    stored = _stored(entry)
    return {
        "accuracy_stamps": _figure(hits, "cut-out photos of Tux Paint"),
        "accuracy_stamps_known": _figure(known, "those that show one of ImageNet's things"),
        "accuracy_stamps_unknown": _figure(unknown, "the others: kinds that the image model has no label for"),
        "accuracy": Quality(
            value=round(measure(entry, len(stored))["accuracy"], 4),
            split="photos in the image model's test.parquet",
            n=len(stored),
            note=f"the right one of {count} candidates first",
            baseline=round(1 / count, 4),
            baseline_note="guessing",
        ),
    }


def _figure(hits: Sequence[bool], split: str) -> Quality:
    return Quality(
        value=round(sum(hits) / len(hits), 4),
        split=f"{split}, not in the kit",
        n=len(hits),
        note=f"the right one of {CANDIDATES} names first, the others drawn from all stamps",
        baseline=1 / CANDIDATES,
        baseline_note="guessing",
        band=heads.band(sum(hits) / len(hits)),
    )


def _entry(quality: Mapping[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:conse",
        kind="model",
        library="studio",
        title="ConSE: any label, by way of ImageNet's",
        description=(
            "Says which of your own labels a photo shows: the image model's most likely labels, averaged in the space "
            "of sentences, are compared with yours. Holds the meanings of the thousand labels only. Weak where a photo "
            "shows nothing like ImageNet's things."
        ),
        tasks=("zero-shot-image-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Composed by the Studio project after ConSE by Mohammad Norouzi and others.",
        sources=(
            Source(name=IMAGES, license="Apache-2.0", use="probabilities of ImageNet's labels"),
            Source(name=TEXTS, license="Apache-2.0", use="meanings of labels and candidates"),
            photos.SOURCES[-1],
        ),
        built_by="studio.starter.build.vision.conse",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "safetensors"),
        quality=dict(quality),
    )


BUILDER = Builder("kit:conse", 2, build, first, measure)
