"""`kit:fashion-classifier`: a small ResNet for the clothes of `kit:fashion`, trained from scratch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import augment, fit
from studio.starter.build.vision.emoji import Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.photos import opened
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:fashion"
SEED = 20
SIZE = 56  # pixels; the pictures are drawn up to it, as the class halves them twice at its very start
SHIFT = 4  # pixels of SIZE, either way, in training
ERASED = 20  # side of the square that is blanked in half of the training pictures
SCHEDULE = Schedule(steps=1_400, batch=64, learning_rate=3e-3, weight_decay=0.05, seed=SEED)
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1)  # C of the logistic regression; the validation split chooses


def build(out: Path) -> KitEntry:
    """Train, measure and write; about five minutes on one core."""
    data = kit.entry(DATA, out)
    splits = {name: _rows(data.path, name) for name in data.splits}
    with writing.new_folder(out, "fashion-classifier") as folder:
        model = train(*splits["train"], data.labels, SCHEDULE)
        fit.save(model, _processor(), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data.labels, splits)
    return writing.record(out, _entry(data, quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """The label of the first test picture, by transformers' pipeline."""
    from transformers import pipeline

    image = opened(tables.read_split(kit.entry(DATA, entry.root).path, "test")["image"][0]["bytes"])
    answer: str = pipeline("image-classification", str(entry.path))(image)[0]["label"]
    return answer


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy on a sample of the test split."""
    images, labels = _rows(kit.entry(DATA, entry.root).path, "test")
    sample = heads.sample(len(labels), rows)
    return {"accuracy": heads.accuracy([labels[row] for row in sample], classify(entry.path, images[sample]))}


def classify(folder: Path, images: Pixels) -> list[str]:
    """The label of each picture (rows × height × width, grey), by the model as it lies on disk."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder)
    found: list[str] = []
    for start in range(0, len(images), 100):
        colours = np.repeat(images[start : start + 100, :, :, None], 3, axis=3)
        with torch.inference_mode():
            scores = model(**processor(images=list(colours), return_tensors="pt")).logits
        found += [model.config.id2label[number] for number in scores.argmax(-1).tolist()]
    return found


def train(images: Pixels, labels: Sequence[str], names: Sequence[str], schedule: Schedule) -> Any:
    """A model trained on these pictures (rows × height × width, grey)."""
    import torch
    from torch.nn import functional

    torch.manual_seed(SEED)
    numbers = torch.tensor([names.index(label) for label in labels])
    grey = torch.from_numpy(images[:, None].astype(np.float32) / 255)
    pixels = functional.interpolate(grey, (SIZE, SIZE), mode="bilinear")

    def draw(rows: Sequence[int], random: np.random.Generator) -> Batch:
        return {"pixel_values": changed(pixels[list(rows)], random), "labels": numbers[list(rows)]}

    def loss(model: Any, batch: Batch) -> Any:
        logits = model(pixel_values=batch["pixel_values"]).logits.float()
        return functional.cross_entropy(logits, batch["labels"], label_smoothing=0.05)

    model = _model(names).to(memory_format=torch.channels_last)
    fit.fit(model, len(pixels), draw, loss, schedule)
    return model


def changed(pixels: Any, random: np.random.Generator) -> Any:
    """Training pictures mirrored, shifted and partly blanked at random, as the model sees them."""
    import torch
    from torch.nn import functional

    padded = functional.pad(pixels, (SHIFT,) * 4)
    changed = []
    for picture in padded:
        top, left = random.integers(0, 2 * SHIFT + 1, 2)
        picture = picture[:, top : top + SIZE, left : left + SIZE]
        picture = picture.flip(-1) if random.random() < 0.5 else picture.clone()
        if random.random() < 0.5:
            top, left = random.integers(0, SIZE - ERASED + 1, 2)
            picture[:, top : top + ERASED, left : left + ERASED] = 0
        changed.append(picture)
    colours = augment.normalized(torch.stack(changed)).expand(-1, 3, -1, -1)
    return colours.contiguous(memory_format=torch.channels_last)


def _model(names: Sequence[str]) -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        embedding_size=32,
        hidden_sizes=[32, 64, 128],
        depths=[1, 1, 1],
        layer_type="basic",
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )
    return ResNetForImageClassification(config)


def _processor() -> Any:
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    return ViTImageProcessorPil(
        size={"height": SIZE, "width": SIZE}, image_mean=[augment.MEAN] * 3, image_std=[augment.STD] * 3
    )


def _rows(folder: Path, split: str) -> tuple[Pixels, list[str]]:
    columns = tables.read_split(folder, split)
    images: Pixels = np.stack([np.asarray(opened(image["bytes"]))[:, :, 0] for image in columns["image"]])
    return images, columns["label"]


def _baseline(splits: Mapping[str, tuple[Pixels, list[str]]]) -> list[str]:
    """What logistic regression on the pixels says of the test rows."""
    from sklearn.linear_model import LogisticRegression

    def flat(name: str) -> NDArray[np.float64]:
        return splits[name][0].reshape(len(splits[name][1]), -1) / 255

    models = [LogisticRegression(C=c, max_iter=2000).fit(flat("train"), splits["train"][1]) for c in PENALTIES]
    best = max(models, key=lambda model: float(model.score(flat("validation"), splits["validation"][1])))
    said: list[str] = best.predict(flat("test")).tolist()
    return said


def _quality(folder: Path, names: Sequence[str], splits: Mapping[str, tuple[Pixels, list[str]]]) -> dict[str, Quality]:
    images, labels = splits["test"]
    value = heads.accuracy(labels, classify(folder, images))
    return {
        "accuracy": Quality(
            value=round(value, 4),
            split="test",
            n=len(labels),
            note=f"{len(names)} labels in equal parts",
            baseline=round(heads.accuracy(labels, _baseline(splits)), 4),
            baseline_note="logistic regression on the pixels, its C chosen on the validation split",
            band=heads.band(value),
        )
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:fashion-classifier",
        kind="model",
        title="Clothes",
        description=(
            f"Tells clothes, shoes and bags apart in small grey pictures on black: {', '.join(data.labels)}. A ResNet "
            f"of {weights:,} weights."
        ),
        tasks=("image-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on Fashion-MNIST, copyright Zalando SE.",
        sources=(Source(name=DATA, license=data.license, use="training data"),),
        built_by="studio.starter.build.vision.fashion_classifier",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "numpy", "scikit-learn"),
        labels=data.labels,
        training={**SCHEDULE.for_manifest(), "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:fashion-classifier", 5, build, first, measure)
