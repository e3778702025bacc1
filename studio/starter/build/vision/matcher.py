"""`kit:matcher`: a small LightGlue with its own SuperPoint, which finds the same places in two pictures.

Trained from scratch on views of collages, first what finds and describes corners, then what matches them. Judged on
views of photos and of scenes of emoji that it has never seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter import kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.vision import corners, emoji, fit, keypoints, photos, scenes, views
from studio.starter.build.vision.corners import Points, Rule
from studio.starter.build.vision.fit import Schedule
from studio.starter.build.vision.keypoints import NEAR, SEED
from studio.starter.build.vision.views import Change, Matrix
from studio.starter.kit import KitEntry, Quality, Source

EMOJI, PHOTOS = "kit:emoji", "kit:efficientnet-lite0"
COLLAGES = 700
SEEN = 480  # side of the pictures as the model gets them: more than it learned from, which makes places more exact
TURNED = Change(turn=30, scale=1.3, slant=0.15, shift=0.08)  # of the views that are measured on
NEARBY = Change(turn=5, scale=1.08, slant=0.04, shift=0.05)
NOTES = {
    "": "views turned by up to 30 degrees, mean over pairs",
    "_near": "views turned by up to 5 degrees, mean over pairs",
    "_scenes": "scenes of emoji that were never trained on, turned by up to 30 degrees, mean over pairs",
}
LIGHT = 0.5  # share of training's changes of light
HELD_OUT, HELD_OUT_SEED = 64, 1_000_041  # pairs of each kind: each of the eight photos eight times
AGAIN = 24  # of each kind, when they are measured again
RULES = tuple(Rule(patch, ratio) for patch in (11, 15, 21) for ratio in (0.8, 0.9))  # of the baseline
TUNED_ON = 16  # of the pairs
DETECTOR = Schedule(steps=1200, batch=8, learning_rate=2e-3, average=0.99, seed=SEED)
MATCHER = Schedule(steps=900, batch=6, learning_rate=1e-3, average=0.995, seed=SEED)


@dataclass(frozen=True)
class Pair:
    """Two pictures (height × width × 3), and where each pixel of the first lies in the second."""

    one: emoji.Pixels
    other: emoji.Pixels
    way: Matrix


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 20 minutes on one core."""
    data = kit.entry(EMOJI, out)
    drawn = keypoints.draw(data.path, COLLAGES)
    detector = keypoints.train_detector(drawn, DETECTOR)
    return write(keypoints.train_matcher(drawn, detector, MATCHER), out)


def write(model: Any, out: Path) -> KitEntry:
    """Measure a trained model and make it the entry."""
    with writing.new_folder(out, "matcher") as folder:
        fit.save(model, processor(), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, out)
    return writing.record(out, _entry(quality, fit.weights(model)))


def first(entry: KitEntry) -> int:
    """How many places of the first photo are found in another view of it."""
    pair = photo_pairs(1, TURNED, kit.entry(PHOTOS, entry.root).path)[0]
    return len(match(entry.path, [pair])[0][0])


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Each figure's mean over the first pairs of views."""
    return {
        name: float(np.mean(values))
        for kind, pairs in held_out(entry.root, min(rows, AGAIN)).items()
        for name, values in _figures(kind, pairs, match(entry.path, pairs)).items()
    }


def held_out(root: Path, count: int) -> dict[str, list[Pair]]:
    """`count` pairs of views of each kind, by what it is called in the figures' names; `root` is the kit's folder."""
    photographs, things = kit.entry(PHOTOS, root).path, kit.entry(EMOJI, root).path
    return {
        "": photo_pairs(count, TURNED, photographs),
        "_near": photo_pairs(count, NEARBY, photographs),
        "_scenes": scene_pairs(count, TURNED, things),
    }


def match(folder: Path, pairs: Sequence[Pair]) -> list[tuple[Points, Points]]:
    """The places of each pair's first picture that are found, and where in the second, by the model on disk."""
    import torch
    from transformers import LightGlueForKeypointMatching
    from transformers.models.lightglue.image_processing_pil_lightglue import LightGlueImageProcessorPil

    model = LightGlueForKeypointMatching.from_pretrained(folder).eval()
    prepare = LightGlueImageProcessorPil.from_pretrained(folder)
    found = []
    for pair in pairs:
        inputs = prepare([pair.one, pair.other], return_tensors="pt")
        with torch.inference_mode():
            output = model(**inputs)
        sizes = [[pair.one.shape[:2], pair.other.shape[:2]]]
        (told,) = prepare.post_process_keypoint_matching(output, sizes)
        found.append((told["keypoints0"].double().numpy(), told["keypoints1"].double().numpy()))
    return found


def photo_pairs(count: int, change: Change, folder: Path) -> list[Pair]:
    """Photos with random views of them, the same every time; `folder` is that of the entry that holds the photos."""
    pictures = [np.asarray(photo.image) for photo in photos.read(folder)]
    return _pairs((pictures[number % len(pictures)] for number in range(count)), change)


def scene_pairs(count: int, change: Change, folder: Path) -> list[Pair]:
    """Scenes of emoji that no collage shows, with views of them; `folder` is that of `kit:emoji`."""
    return _pairs((scene.image for scene in scenes.generate(HELD_OUT_SEED, count, "test", folder)), change)


def right(pair: Pair, found: tuple[Points, Points]) -> NDArray[np.bool_]:
    """Which of the found places lie within NEAR pixels of where they belong."""
    gaps = views.carried(found[0], pair.way) - found[1]
    near: NDArray[np.bool_] = np.hypot(gaps[:, 0], gaps[:, 1]) <= NEAR
    return near


def processor() -> Any:
    """Makes any two pictures grey squares of one size; needs no torchvision."""
    from transformers.models.lightglue.image_processing_pil_lightglue import LightGlueImageProcessorPil

    return LightGlueImageProcessorPil(size={"height": SEEN, "width": SEEN})


def _pairs(pictures: Iterable[emoji.Pixels], change: Change) -> list[Pair]:
    import torch

    random = np.random.default_rng(HELD_OUT_SEED)
    found = []
    for picture in pictures:
        size = (picture.shape[1], picture.shape[0])
        matrix = views.view(size, (size[0] / 2, size[1] / 2), change, random)
        grey = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
        seen = views.relit(views.render(grey, matrix[None], size), random, LIGHT)
        other = (seen[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        found.append(Pair(picture, other, np.linalg.inv(matrix)))
    return found


def _grey(picture: emoji.Pixels) -> corners.Grey:
    grey: corners.Grey = (picture @ np.array([0.299, 0.587, 0.114]) / 255).astype(np.float32)
    return grey


def _figures(kind: str, pairs: Sequence[Pair], found: Sequence[tuple[Points, Points]]) -> dict[str, list[float]]:
    """Of each pair the share of found places that are right, 0 where there are none, and the number of right ones."""
    near = [right(pair, places) for pair, places in zip(pairs, found, strict=True)]
    return {
        f"precision{kind}": [float(one.mean()) if len(one) else 0.0 for one in near],
        f"right_places{kind}": [float(one.sum()) for one in near],
    }


def _trivial(pairs: Sequence[Pair]) -> tuple[Rule, list[tuple[Points, Points]]]:
    """Corners of like surroundings, by the rule that finds most right ones, less wrong ones, in some of them."""
    greys = [(_grey(pair.one), _grey(pair.other)) for pair in pairs]
    made: dict[Rule, list[tuple[Points, Points]]] = {}
    worth: dict[Rule, float] = {}
    for rule in RULES:
        made[rule] = [corners.match(one, other, rule, keypoints.POINTS) for one, other in greys[:TUNED_ON]]
        near = np.concatenate([right(pair, found) for pair, found in zip(pairs, made[rule], strict=False)])
        worth[rule] = 2 * near.sum() - len(near)
    best = max(worth, key=worth.__getitem__)
    return best, made[best] + [corners.match(one, other, best, keypoints.POINTS) for one, other in greys[TUNED_ON:]]


def _quality(folder: Path, root: Path) -> dict[str, Quality]:
    found: dict[str, Quality] = {}
    for kind, pairs in held_out(root, HELD_OUT).items():
        rule, trivial = _trivial(pairs)
        plain = _figures(kind, pairs, trivial)
        for name, values in _figures(kind, pairs, match(folder, pairs)).items():
            share = name.startswith("precision")
            found[name] = Quality(
                value=round(float(np.mean(values)), 4 if share else 1),
                split="test" if kind == "_scenes" else "photos of kit:efficientnet-lite0",
                n=len(values),
                note=f"{'share' if share else 'number'} of places within {NEAR:.0f} pixels, {NOTES[kind]}",
                baseline=round(float(np.mean(plain[name])), 4 if share else 1),
                baseline_note=(
                    f"corners whose surroundings ({rule.patch} × {rule.patch} pixels, normalized) are each other's "
                    f"nearest, the second {1 / rule.ratio:.2f} times as far"
                ),
                band=fit.band(values, AGAIN),
            )
    return found


def _entry(quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:matcher",
        kind="model",
        title="Same places in two pictures",
        description=(
            "Finds places of one picture again in another that shows the same from a little elsewhere: turned by up to "
            "45 degrees, up to half as large again, in another light. It learned from collages of emoji, shapes and "
            "letters; flat things are easier for it than deep ones. It sees 480 × 480 pixels."
        ),
        tasks=("keypoint-matching",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on collages of Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(
            Source(name=EMOJI, license="MIT", use="things in the collages and scenes"),
            Source(name=PHOTOS, license="Apache-2.0", use="photos to measure on"),
        ),
        built_by="studio.starter.build.vision.matcher",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "numpy", "pillow"),
        training={
            **{f"detector_{name}": value for name, value in DETECTOR.for_manifest().items()},
            **MATCHER.for_manifest(),
            "collages": COLLAGES,
            "pairs": keypoints.PAIRS,
            "weights": weights,
        },
        quality=dict(quality),
    )


BUILDER = Builder("kit:matcher", 20, build, first, measure)
