"""`kit:detector`: a small RT-DETR that finds emoji in scenes: a box and a kind for each.

Trained from scratch on freshly drawn scenes; judged on `kit:emoji-scenes`, whose test emoji it has never seen.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import augment, fit, pictures, scenes
from studio.starter.build.vision.emoji import Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.scenes import CATEGORIES, SIZE, Scene
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji-scenes"
SEED = 24
SCENES = 8000
QUERIES = 20  # boxes that are proposed for a picture
OVERLAP = 0.5  # intersection over union from which a box counts as found
AT_ONCE = 25
SCHEDULE = Schedule(steps=4000, batch=16, learning_rate=1e-3, warmup=200, clip=0.5, average=0.995, seed=SEED)


@dataclass(frozen=True)
class Found:
    """Boxes in one picture.

    Attributes:
        boxes: n × 4, left, top, right, bottom in pixels.
        kinds: n numbers of `CATEGORIES`.
        scores: n, from 0 to 1; 1 for what is really there.
    """

    boxes: NDArray[np.float64]
    kinds: NDArray[np.int64]
    scores: NDArray[np.float64]


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 28 minutes on one core."""
    data = kit.entry(DATA, out)
    drawn = list(scenes.generate(SEED, SCENES, "train", kit.entry("kit:emoji", out).path))
    with writing.new_folder(out, "detector") as folder:
        model = train(drawn, SCHEDULE)
        fit.save(model, processor(), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data)
    return writing.record(out, _entry(data, quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """The kind of the surest thing in the first test scene."""
    found = detect(entry.path, pictures.read(kit.entry(DATA, entry.root).path, "test", [0]))[0]
    return CATEGORIES[int(found.kinds[found.scores.argmax()])]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """AP50 on the test scenes."""
    data = kit.entry(DATA, entry.root)
    numbers = heads.sample(data.splits["test"], rows)
    made = detect(entry.path, pictures.read(data.path, "test", numbers))
    return {"ap50": average_precision(truth(data.path, "test", numbers), made)}


def detect(folder: Path, images: Sequence[Pixels]) -> list[Found]:
    """Every proposal in each picture with its score, by the model as it lies on disk."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    model = AutoModelForObjectDetection.from_pretrained(folder).eval()
    prepare = AutoImageProcessor.from_pretrained(folder)
    found: list[Found] = []
    for start in range(0, len(images), AT_ONCE):
        part = list(images[start : start + AT_ONCE])
        with torch.inference_mode():
            outputs = model(**prepare(images=part, return_tensors="pt"))
        sizes = [image.shape[:2] for image in part]
        for one in prepare.post_process_object_detection(outputs, threshold=0.0, target_sizes=sizes):
            found.append(Found(*(one[name].double().numpy() for name in ("boxes", "labels", "scores"))))
    return found


def truth(folder: Path, split: str, numbers: Sequence[int]) -> list[Found]:
    """What is really in some rows of a split."""
    rows = tables.read_split(folder, split)["objects"]
    found = []
    for number in numbers:
        boxes = np.array(rows[number]["bbox"], np.float64)
        boxes[:, 2:] += boxes[:, :2]
        kinds = np.array([CATEGORIES.index(kind) for kind in rows[number]["category"]])
        found.append(Found(boxes, kinds, np.ones(len(kinds))))
    return found


def average_precision(there: Sequence[Found], made: Sequence[Found]) -> float:
    """AP50: the area under precision over recall of each kind, averaged over the kinds that are there.

    A box is right where it overlaps a thing of its kind by `OVERLAP` that no surer box has taken (PASCAL VOC 2010).
    """
    figures = []
    for kind in range(len(CATEGORIES)):
        total = sum(int((one.kinds == kind).sum()) for one in there)
        if not total:
            continue
        marked = [pair for one, other in zip(there, made, strict=True) for pair in _marked(one, other, kind)]
        right = np.array([hit for _, hit in sorted(marked, key=lambda pair: -pair[0])], np.float64)
        recall = np.cumsum(right) / total
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        figures.append(float((np.diff(recall, prepend=0.0) * best).sum()))
    return float(np.mean(figures))


def overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each box of one (rows) with each of the other (columns)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (one, other)]
    found: NDArray[np.float64] = shared / np.maximum(areas[0][:, None] + areas[1] - shared, 1e-9)
    return found


def train(drawn: Sequence[Scene], schedule: Schedule) -> Any:
    """A model trained on these scenes."""
    import torch

    torch.manual_seed(SEED)
    model = _model()
    fit.fit(model, len(drawn), lambda numbers, random: _batch([drawn[n] for n in numbers], random), _loss, schedule)
    return model


def processor() -> Any:
    """Scales any picture to the scenes' size; the values stay between 0 and 1."""
    from transformers.models.rt_detr.image_processing_pil_rt_detr import RTDetrImageProcessorPil

    return RTDetrImageProcessorPil(size={"height": SIZE, "width": SIZE})


def _marked(there: Found, made: Found, kind: int) -> list[tuple[float, bool]]:
    """Score of each box of a kind in one picture, and whether it is right; the surest choose first."""
    wanted, given = there.boxes[there.kinds == kind], np.flatnonzero(made.kinds == kind)
    given = given[np.argsort(-made.scores[given], kind="stable")]
    shared = overlaps(made.boxes[given], wanted)
    found = []
    for row, number in enumerate(given):
        best = int(shared[row].argmax()) if len(wanted) else -1
        hit = best >= 0 and shared[row, best] >= OVERLAP
        if hit:
            shared[:, best] = -1
        found.append((float(made.scores[number]), bool(hit)))
    return found


def _batch(rows: Sequence[Scene], random: np.random.Generator) -> Batch:
    import torch

    images = augment.recoloured(augment.stack([row.image for row in rows]), random)
    labels = []
    for number, row in enumerate(rows):
        boxes = torch.tensor([thing.box for thing in row.things]).float() / SIZE
        boxes[:, :2] += boxes[:, 2:] / 2  # centre, width and height
        if random.random() < 0.5:
            images[number] = images[number].flip(-1)
            boxes[:, 0] = 1 - boxes[:, 0]
        kinds = torch.tensor([CATEGORIES.index(thing.category) for thing in row.things])
        labels.append({"class_labels": kinds, "boxes": boxes})
    return {"pixel_values": images, "labels": labels}


def _loss(model: Any, batch: Batch) -> Any:
    """RT-DETR's own loss, in single precision: it matches boxes by small differences."""
    import torch

    with torch.autocast("cpu", enabled=False):
        return model(**batch).loss


def _model() -> Any:
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=24,  # a basic first stage cannot change it
        hidden_sizes=[24, 48, 80, 112],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrConfig(
        backbone_config=backbone,
        freeze_backbone_batch_norms=False,
        encoder_in_channels=[48, 80, 112],
        encoder_hidden_dim=64,
        encoder_ffn_dim=128,
        encoder_attention_heads=4,
        hidden_expansion=0.5,
        d_model=64,
        decoder_in_channels=[64, 64, 64],
        decoder_ffn_dim=128,
        decoder_layers=2,
        decoder_attention_heads=4,
        num_queries=QUERIES,
        num_denoising=20,
        id2label=dict(enumerate(CATEGORIES)),
        label2id={label: number for number, label in enumerate(CATEGORIES)},
    )
    return RTDetrForObjectDetection(config)


def _blind(folder: Path) -> Found:
    """The answer that needs no picture: the most frequent kind in the training things' mean box."""
    split = tables.read_split(folder, "train")["objects"]
    every = truth(folder, "train", range(len(split)))
    kind = Counter(np.concatenate([one.kinds for one in every]).tolist()).most_common(1)[0][0]
    box = np.concatenate([one.boxes for one in every]).mean(0, keepdims=True)
    return Found(box, np.array([kind]), np.ones(1))


def _quality(folder: Path, data: KitEntry) -> dict[str, Quality]:
    there = truth(data.path, "test", range(data.splits["test"]))
    made = detect(folder, pictures.read(data.path, "test", range(data.splits["test"])))
    random = np.random.default_rng(SEED)
    again = []
    for _ in range(50):
        rows = random.integers(len(there), size=heads.MEASURED)
        again.append(average_precision([there[row] for row in rows], [made[row] for row in rows]))
    return {
        "ap50": Quality(
            value=round(average_precision(there, made), 4),
            split="test",
            n=len(there),
            note=f"mean over {len(CATEGORIES)} kinds; the emoji were never trained on",
            baseline=round(average_precision(there, [_blind(data.path)] * len(there)), 4),
            baseline_note="the most frequent kind in the mean box of the training split",
            band=round(max(3 * float(np.std(again)), 0.01), 3),
        )
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:detector",
        kind="model",
        title="Detector of emoji in scenes",
        description=(
            f"Finds {len(CATEGORIES)} kinds of emoji in a drawn scene, each with a box. A toy: it learned from "
            "artificial pictures and knows nothing of photos: it shows how detection works."
        ),
        tasks=("object-detection",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on scenes of Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(
            Source(name="kit:emoji", license="MIT", use="the things in the training scenes"),
            Source(name=DATA, license=data.license, use="held-out scenes"),
        ),
        toy=True,
        built_by="studio.starter.build.vision.detector",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "scipy", "numpy"),
        labels=CATEGORIES,
        training={**SCHEDULE.for_manifest(), "scenes": SCENES, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:detector", 28, build, first, measure)
