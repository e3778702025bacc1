"""`kit:segmenter`: a small SegFormer that says of every pixel which kind of emoji it shows, or the ground.

Trained from scratch on freshly drawn scenes; judged on `kit:emoji-scenes`, whose test emoji it has never seen.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter import kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import augment, fit, pictures, scenes
from studio.starter.build.vision.emoji import Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.scenes import CATEGORIES, SIZE, Scene
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji-scenes"
SEED = 20
LABELS = ("ground", *CATEGORIES)
SCENES = 6000
STRIDE = 4  # pixels of the picture per value of the model's map
HUE = 0.4  # radians by which colours are turned in training; more hides what tells the kinds apart
AT_ONCE = 25  # pictures that are looked at together
SCHEDULE = Schedule(steps=6000, batch=16, learning_rate=2e-3, average=0.995, seed=SEED)


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 25 minutes on one core."""
    data = kit.entry(DATA, out)
    drawn = list(scenes.generate(SEED, SCENES, "train", kit.entry("kit:emoji", out).path))
    with writing.new_folder(out, "segmenter") as folder:
        model = train(drawn, SCHEDULE)
        fit.save(model, pictures.square_processor(SIZE), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data)
    return writing.record(out, _entry(data, quality, fit.weights(model)))


def first(entry: KitEntry) -> list[str]:
    """The kinds of things that the first test scene shows."""
    found = segment(entry.path, pictures.read(kit.entry(DATA, entry.root).path, "test", [0]))[0]
    return [LABELS[number] for number in np.unique(found) if number]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Mean IoU, and the share of right pixels, on scenes with emoji that were and were not trained on."""
    data = kit.entry(DATA, entry.root)
    return {name: figure for name, (figure, _) in _figures(entry.path, data, rows).items()}


def segment(folder: Path, images: Sequence[Pixels]) -> list[Pixels]:
    """A map of class numbers (`LABELS`) of each picture's own size, by the model as it lies on disk."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

    model = AutoModelForSemanticSegmentation.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder)
    found: list[Pixels] = []
    for start in range(0, len(images), AT_ONCE):
        part = list(images[start : start + AT_ONCE])
        with torch.inference_mode():
            outputs = model(**processor(images=part, return_tensors="pt"))
        sizes = [image.shape[:2] for image in part]
        maps = processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)
        found += [one.numpy().astype(np.uint8) for one in maps]
    return found


def confusion(truth: Pixels, found: Pixels) -> Any:
    """Pixels by true class (rows) and found class (columns), of one picture."""
    size = len(LABELS)
    both = truth.astype(np.int64) * size + found
    return np.bincount(both.ravel(), minlength=size * size).reshape(size, size)


def mean_iou(counts: Any) -> float:
    """Intersection over union of each class over all pixels of all pictures, averaged over the classes."""
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    there = union > 0
    return float((counts.diagonal()[there] / union[there]).mean())


def train(drawn: Sequence[Scene], schedule: Schedule) -> Any:
    """A model trained on these scenes."""
    import torch

    torch.manual_seed(SEED)
    model = _model()
    fit.fit(model, len(drawn), lambda numbers, random: _batch([drawn[n] for n in numbers], random), _loss, schedule)
    model.set_attn_implementation("sdpa")
    return model


def _batch(rows: Sequence[Scene], random: np.random.Generator) -> Batch:
    import torch

    classes = torch.from_numpy(np.stack([row.classes for row in rows]))
    images, classes = augment.zoomed(augment.stack([row.image for row in rows]), classes, random)
    images = augment.normalized(augment.recoloured(images, random, hue=HUE))
    return {"pixel_values": images.contiguous(memory_format=torch.channels_last), "classes": classes}


def _loss(model: Any, batch: Batch) -> Any:
    """Cross entropy with the classes' shares in each value's square of pixels."""
    from torch.nn import functional

    logits = model(pixel_values=batch["pixel_values"]).logits.float()
    shares = functional.one_hot(batch["classes"], len(LABELS)).permute(0, 3, 1, 2).float()
    return functional.cross_entropy(logits, functional.avg_pool2d(shares, STRIDE))


def _model() -> Any:
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        depths=[1, 2, 2, 2],
        hidden_sizes=[32, 64, 96, 96],
        num_attention_heads=[1, 2, 3, 3],
        sr_ratios=[8, 4, 2, 1],
        mlp_ratios=[2, 4, 4, 4],
        decoder_hidden_size=64,
        hidden_dropout_prob=0.0,
        drop_path_rate=0.05,
        classifier_dropout_prob=0.1,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
        attn_implementation="eager",  # for maps this small, faster to train than the fused one
    )
    return SegformerForSemanticSegmentation(config).to(memory_format=torch.channels_last)


def _figures(folder: Path, data: KitEntry, rows: int) -> dict[str, tuple[float, Any]]:
    """Each figure with the counts that it comes from."""
    figures: dict[str, tuple[float, Any]] = {}
    for split, ending in (("test", ""), ("train", "_known_emoji")):
        numbers = heads.sample(data.splits[split], min(rows, data.splits["test"]))
        truth = pictures.read(data.path, split, numbers, "mask")
        made = segment(folder, pictures.read(data.path, split, numbers))
        counts = np.stack([confusion(one, other) for one, other in zip(truth, made, strict=True)])
        total = counts.sum(0)
        figures[f"mean_iou{ending}"] = (mean_iou(total), counts)
        if not ending:
            figures["pixel_accuracy"] = (float(total.diagonal().sum() / total.sum()), counts)
    return figures


def _quality(folder: Path, data: KitEntry) -> dict[str, Quality]:
    figures = {}
    for name, (value, counts) in _figures(folder, data, data.splits["test"]).items():
        nothing = np.zeros_like(counts)
        nothing[:, :, 0] = counts.sum(2)  # the answer that sees ground everywhere
        score = mean_iou if name.startswith("mean_iou") else _right
        figures[name] = Quality(
            value=round(value, 4),
            split="train" if name.endswith("known_emoji") else "test",
            n=len(counts),
            note=(
                "new scenes of emoji that were trained on"
                if name.endswith("known_emoji")
                else f"over {len(LABELS)} classes and all pixels; emoji that were never trained on"
            ),
            baseline=round(score(nothing.sum(0)), 4),
            baseline_note="ground everywhere",
            band=_band(counts, score),
        )
    return figures


def _right(counts: Any) -> float:
    return float(counts.diagonal().sum() / counts.sum())


def _band(counts: Any, score: Any) -> float:
    """Three standard errors of a figure over 200 pictures, by drawing pictures anew from these (bootstrap)."""
    random = np.random.default_rng(SEED)
    again = [score(counts[random.integers(len(counts), size=heads.MEASURED)].sum(0)) for _ in range(200)]
    return round(max(3 * float(np.std(again)), 0.01), 3)


def _entry(data: KitEntry, quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:segmenter",
        kind="model",
        title="Segmenter of emoji scenes",
        description=(
            f"Says of every pixel of a drawn scene which of {len(CATEGORIES)} kinds of emoji it shows, or the ground. "
            "A toy: it learned from artificial pictures and knows nothing of photos: it shows how segmentation works."
        ),
        tasks=("image-segmentation",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on scenes of Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(
            Source(name="kit:emoji", license="MIT", use="the things in the training scenes"),
            Source(name=DATA, license=data.license, use="held-out scenes"),
        ),
        toy=True,
        built_by="studio.starter.build.vision.segmenter",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "numpy", "pillow"),
        labels=LABELS,
        training={**SCHEDULE.for_manifest(), "scenes": SCENES, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:segmenter", 25, build, first, measure)
