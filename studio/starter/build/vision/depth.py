"""`kit:depth`: a small GLPN that says how far each pixel of a rendered room is, in metres.

Trained from scratch on `rooms`; judged on rooms that were drawn from another seed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.vision import augment, fit, rooms
from studio.starter.build.vision.emoji import Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.rooms import FARTHEST, SIZE, Room, Values
from studio.starter.kit import KitEntry, Quality, Source

SEED = 23
ROOMS = 5000
HELD_OUT, HELD_OUT_SEED = 200, 1_000_003  # rooms to measure on, far from the seed of those to train on
CLOSE = 1.25  # factor within which a depth counts as right (δ₁ of Eigen et al. 2014)
AT_ONCE = 25
SCHEDULE = Schedule(steps=2500, batch=16, learning_rate=2e-3, average=0.995, seed=SEED)


def build(out: Path) -> KitEntry:
    """Render, train, measure and write; about 10 minutes on one core."""
    drawn = list(rooms.generate(SEED, ROOMS))
    with writing.new_folder(out, "depth") as folder:
        model = train(drawn, SCHEDULE)
        fit.save(model, processor(), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, drawn)
    return writing.record(out, _entry(quality, fit.weights(model)))


def first(entry: KitEntry) -> tuple[float, float]:
    """The nearest and the farthest depth in one room, in metres."""
    found = estimate(entry.path, [next(rooms.generate(HELD_OUT_SEED, 1)).image])[0]
    return float(found.min()), float(found.max())


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Share of right depths, and mean relative error, over the first held-out rooms."""
    held = list(rooms.generate(HELD_OUT_SEED, min(rows, HELD_OUT)))
    found = scores(held, estimate(entry.path, [room.image for room in held]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def estimate(folder: Path, images: Sequence[Pixels]) -> list[Values]:
    """Metres for each pixel of each picture, in the picture's own size, by the model as it lies on disk."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    model = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    prepare = AutoImageProcessor.from_pretrained(folder)
    found: list[Values] = []
    for start in range(0, len(images), AT_ONCE):
        part = list(images[start : start + AT_ONCE])
        with torch.inference_mode():
            outputs = model(**prepare(images=part, return_tensors="pt"))
        sizes = [image.shape[:2] for image in part]
        found += [one["predicted_depth"].numpy() for one in prepare.post_process_depth_estimation(outputs, sizes)]
    return found


def scores(held: Sequence[Room], made: Sequence[Values]) -> dict[str, list[float]]:
    """Figures of each room: share of pixels within a factor of `CLOSE`, and mean relative error."""
    found: dict[str, list[float]] = {"delta1": [], "relative_error": []}
    for room, depth in zip(held, made, strict=True):
        given = np.maximum(depth, 1e-3)
        found["delta1"].append(float((np.maximum(given / room.depth, room.depth / given) < CLOSE).mean()))
        found["relative_error"].append(float((np.abs(given - room.depth) / room.depth).mean()))
    return found


def train(drawn: Sequence[Room], schedule: Schedule) -> Any:
    """A model trained on these rooms."""
    import torch
    from transformers import GLPNConfig, GLPNForDepthEstimation

    torch.manual_seed(SEED)
    config = GLPNConfig(
        depths=[1, 1, 2, 1],
        hidden_sizes=[24, 48, 80, 112],
        num_attention_heads=[1, 2, 4, 4],
        sr_ratios=[8, 4, 2, 1],
        decoder_hidden_size=32,
        drop_path_rate=0.0,
        max_depth=FARTHEST,
    )
    model = GLPNForDepthEstimation(config)
    fit.fit(model, len(drawn), lambda numbers, random: _batch([drawn[n] for n in numbers], random), _loss, schedule)
    return model


def processor() -> Any:
    """Scales any picture to the size that the model was trained with, and its depth back."""
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    size = {"height": SIZE, "width": SIZE}
    return DPTImageProcessorPil(size=size, image_mean=[augment.MEAN] * 3, image_std=[augment.STD] * 3)


def _batch(rows: Sequence[Room], random: np.random.Generator) -> Batch:
    import torch

    images = augment.stack([row.image for row in rows])
    depth = torch.from_numpy(np.stack([row.depth for row in rows]))
    if random.random() < 0.5:
        images, depth = images.flip(-1), depth.flip(-1)
    return {"pixel_values": augment.normalized(augment.recoloured(images, random)), "depth": depth}


def _loss(model: Any, batch: Batch) -> Any:
    """Mean difference of the depths' logarithms."""
    found = model(pixel_values=batch["pixel_values"]).predicted_depth.float()
    return (found.clamp_min(0.05).log() - batch["depth"].log()).abs().mean()


def _quality(folder: Path, drawn: Sequence[Room]) -> dict[str, Quality]:
    held = list(rooms.generate(HELD_OUT_SEED, HELD_OUT))
    found = scores(held, estimate(folder, [room.image for room in held]))
    everywhere = np.mean([room.depth for room in drawn], axis=0)
    trivial = scores(held, [everywhere] * len(held))
    notes = {
        "delta1": f"share of pixels within a factor of {CLOSE}, mean over rooms of another seed",
        "relative_error": "mean of |found - true| / true",
    }
    return {
        name: Quality(
            value=round(float(np.mean(values)), 4),
            split=f"{HELD_OUT} rendered rooms",
            n=len(held),
            note=notes[name],
            baseline=round(float(np.mean(trivial[name])), 4),
            baseline_note="the training rooms' mean depth at each pixel",
            band=fit.band(values),
            greater_is_better=name == "delta1",
        )
        for name, values in found.items()
    }


def _entry(quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:depth",
        kind="model",
        title="Depth of rendered rooms",
        description=(
            "Says how far each pixel is, in metres. A toy: it learned from rendered rooms with balls and boxes; on "
            "photos its figures are guesses. It shows how depth estimation works."
        ),
        tasks=("depth-estimation",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on rooms that its own code renders.",
        sources=(Source(name=rooms.__name__, license="Apache-2.0", use="renders the rooms"),),
        toy=True,
        built_by="studio.starter.build.vision.depth",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "numpy"),
        training={**SCHEDULE.for_manifest(), "rooms": ROOMS, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:depth", 10, build, first, measure)
