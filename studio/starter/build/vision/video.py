"""`kit:video`: a small VideoMAE that says how a thing moves in eight frames: eight kinds of motion.

Trained from scratch on emoji that move over coloured grounds; judged on emoji that it has never seen. Beside the motion
of the clip it learns where the thing is, and the motion at each of its places, without which it learns nothing in the
time; those parts are dropped afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter import kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import augment, emoji, fit
from studio.starter.build.vision.emoji import Emoji, Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.scenes import GROUNDS, LOOKS, Split
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji"
SEED = 25
MOTIONS = (
    "moves left",
    "moves right",
    "moves up",
    "moves down",
    "grows",
    "shrinks",
    "turns clockwise",
    "turns anticlockwise",
)
FRAMES, SIZE = 8, 48
PATCH, TUBELET = 8, 2  # pixels and frames that a place spans
SEEING = 2  # layer after which the thing's places are asked for
CLIPS = 6000
HELD_OUT, HELD_OUT_SEED = 200, 1_000_003
AT_ONCE = 25
SCHEDULE = Schedule(steps=4000, batch=16, learning_rate=7e-4, average=0.995, seed=SEED)


@dataclass(frozen=True)
class Clip:
    """One clip.

    Attributes:
        frames: FRAMES × SIZE × SIZE × 3.
        shown: the same without the last axis, 255 where the thing is.
        motion: number of `MOTIONS`.
    """

    frames: Pixels
    shown: Pixels
    motion: int


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 12 minutes on one core."""
    data = kit.entry(DATA, out)
    with writing.new_folder(out, "video") as folder:
        model = train(list(generate(SEED, CLIPS, "train", data.path)), SCHEDULE)
        fit.save(model, processor(), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data)
    return writing.record(out, _entry(quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """How the thing in the first held-out clip moves."""
    clip = next(generate(HELD_OUT_SEED, 1, "test", kit.entry(DATA, entry.root).path))
    return MOTIONS[classify(entry.path, [clip.frames])[0]]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Share of right motions over the first held-out clips."""
    clips = list(generate(HELD_OUT_SEED, min(rows, HELD_OUT), "test", kit.entry(DATA, entry.root).path))
    made = classify(entry.path, [clip.frames for clip in clips])
    return {"accuracy": heads.accuracy([clip.motion for clip in clips], made)}


def classify(folder: Path, clips: Sequence[Pixels]) -> list[int]:
    """Numbers of `MOTIONS`, one for each clip, by the model as it lies on disk."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForVideoClassification

    model = AutoModelForVideoClassification.from_pretrained(folder).eval()
    prepare = AutoImageProcessor.from_pretrained(folder)
    found: list[int] = []
    for start in range(0, len(clips), AT_ONCE):
        inputs = prepare([list(clip) for clip in clips[start : start + AT_ONCE]], return_tensors="pt")
        with torch.inference_mode():
            found += model(**inputs).logits.argmax(1).tolist()
    return found


def generate(seed: int, count: int, split: Split, folder: Path) -> Iterator[Clip]:
    """`count` clips with the looks of a split, the motions in turn, the same for the same seed.

    `folder` is that of `kit:emoji`.
    """
    pictures = emoji.read(folder)
    looks = [pictures[slug] for by_split in LOOKS.values() for slug in by_split[split].split()]
    random = np.random.default_rng([seed, ("train", "validation", "test").index(split)])
    for number in range(count):
        motion = number % len(MOTIONS)
        yield Clip(*_frames(looks[random.integers(len(looks))], motion, random), motion)


def path_of(motion: int, random: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """Centre x and y, size in pixels and angle in degrees of the thing in each frame; only one of them moves."""
    size = float(random.uniform(16, 26))
    x, y = random.uniform(size / 2 + 1, SIZE - size / 2 - 1, 2)
    angle = float(random.uniform(-30, 30))
    way = float(random.uniform(10, 22))
    shares = np.linspace(-0.5, 0.5, FRAMES)
    kind = MOTIONS[motion]
    sign = -1 if kind.endswith(("left", "up", "shrinks", " clockwise")) else 1
    moved = sign * shares * way
    still = np.zeros(FRAMES)
    steps_x = moved if motion in (0, 1) else still
    steps_y = moved if motion in (2, 3) else still
    sizes = size + (moved * 0.7 if kind in ("grows", "shrinks") else still)
    angles = angle + (moved * random.uniform(3, 6) if kind.startswith("turns") else still)
    return list(zip((x + steps_x).tolist(), (y + steps_y).tolist(), sizes.tolist(), angles.tolist(), strict=True))


def train(clips: Sequence[Clip], schedule: Schedule) -> Any:
    """A model trained on these clips."""
    import torch

    torch.manual_seed(SEED)
    model = _model()
    model.seeing = torch.nn.Linear(model.config.hidden_size, 1)
    model.telling = torch.nn.Linear(model.config.hidden_size, len(MOTIONS))
    fit.fit(model, len(clips), lambda numbers, random: _batch([clips[n] for n in numbers], random), _loss, schedule)
    del model.seeing, model.telling
    return model


def processor() -> Any:
    """Scales and cuts every frame to the size that the model was trained with."""
    from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

    return VideoMAEImageProcessorPil(
        size={"shortest_edge": SIZE},
        crop_size={"height": SIZE, "width": SIZE},
        image_mean=[augment.MEAN] * 3,
        image_std=[augment.STD] * 3,
    )


def _frames(look: Emoji, motion: int, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    from PIL import Image

    ground = np.array(list(GROUNDS.values()))[random.integers(len(GROUNDS))] + random.uniform(-10, 10, 3)
    grain = random.normal(0, 3, (SIZE, SIZE, 1))
    cut = Image.fromarray(np.dstack([look.image, look.mask]))
    frames, shown = [], []
    for x, y, size, angle in path_of(motion, random):
        canvas = Image.fromarray((np.clip(ground + grain, 0, 255)).astype(np.uint8))
        side = max(4, round(size))
        thing = cut.rotate(angle, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255, 0)).resize((side, side))
        corner = (round(x - side / 2), round(y - side / 2))
        canvas.paste(thing.convert("RGB"), corner, thing.getchannel("A"))
        frames.append(np.asarray(canvas))
        cover = Image.new("L", canvas.size)
        cover.paste(thing.getchannel("A"), corner)
        shown.append(np.asarray(cover))
    return np.stack(frames), np.stack(shown)


def _batch(rows: Sequence[Clip], random: np.random.Generator) -> Batch:
    import torch
    from torch.nn import functional

    flat = augment.stack([frame for row in rows for frame in row.frames])
    clips = flat.view(len(rows), FRAMES, 3, SIZE, SIZE).transpose(1, 2).reshape(len(rows), 3, FRAMES * SIZE, SIZE)
    clips = augment.normalized(augment.recoloured(clips, random))  # a clip's frames change alike
    clips = clips.view(len(rows), 3, FRAMES, SIZE, SIZE).transpose(1, 2).contiguous()
    shown = torch.from_numpy(np.stack([row.shown for row in rows])).float().div_(255)
    places = functional.avg_pool3d(shown[:, None], (TUBELET, PATCH, PATCH)).flatten(1)
    return {"pixel_values": clips, "labels": torch.tensor([row.motion for row in rows]), "places": places}


def _loss(model: Any, batch: Batch) -> Any:
    """Cross entropy of the clip's motion, and of where the thing is and how it moves there."""
    from torch.nn import functional

    found = model.videomae(batch["pixel_values"], output_hidden_states=True)
    places, labels = batch["places"], batch["labels"]
    clip = functional.cross_entropy(model.classifier(model.fc_norm(found[0].mean(1))).float(), labels)
    seen = model.seeing(found.hidden_states[SEEING])[..., 0].float()
    told = functional.log_softmax(model.telling(found[0]).float(), -1)[range(len(labels)), :, labels]
    motion = -(told * places).sum() / places.sum()
    return clip + motion + functional.binary_cross_entropy_with_logits(seen, places)


def _model() -> Any:
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    return VideoMAEForVideoClassification(
        VideoMAEConfig(
            image_size=SIZE,
            patch_size=PATCH,
            num_frames=FRAMES,
            tubelet_size=TUBELET,
            hidden_size=128,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=320,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            id2label=dict(enumerate(MOTIONS)),
            label2id={label: number for number, label in enumerate(MOTIONS)},
        )
    )


def _quality(folder: Path, data: KitEntry) -> dict[str, Quality]:
    clips = list(generate(HELD_OUT_SEED, HELD_OUT, "test", data.path))
    right = heads.accuracy([clip.motion for clip in clips], classify(folder, [clip.frames for clip in clips]))
    return {
        "accuracy": Quality(
            value=round(right, 4),
            split=f"{HELD_OUT} drawn clips",
            n=len(clips),
            note="emoji that were never trained on",
            baseline=round(1 / len(MOTIONS), 4),
            baseline_note="chance: every motion is as frequent",
            band=heads.band(right),
        )
    }


def _entry(quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:video",
        kind="model",
        title="Motions of an emoji",
        description=(
            "Says how the thing in a short clip moves: left, right, up, down, growing, shrinking, turning. A toy: it "
            "learned from drawn clips of one emoji and knows nothing of films: it shows how video classification works."
        ),
        tasks=("video-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on moving Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(Source(name=DATA, license="MIT", use="the things that move"),),
        toy=True,
        built_by="studio.starter.build.vision.video",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "numpy", "pillow"),
        labels=MOTIONS,
        training={**SCHEDULE.for_manifest(), "clips": CLIPS, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:video", 12, build, first, measure)
