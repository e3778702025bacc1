"""`kit:emoji`: 1,573 emoji of Microsoft's Fluent set with their names, drawn at 64 × 64 pixels.

Owns how an emoji is drawn, named and grouped into families; scenes and prompts are made from it elsewhere.
"""

import io
import json
import random
import re
import tempfile
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
from studio.starter.build.sources import Wheel, fetch_npm
from studio.starter.build.text import heads
from studio.starter.kit import KitEntry, Quality, Source

PACKAGE = Wheel(
    "@iconify-json/fluent-emoji-flat", "1.2.6", "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175"
)
SVG = "http://www.w3.org/2000/svg"  # the name of the format
SIZE = 64  # pixels
SEED = 20
SHARES = {"test": 0.15, "validation": 0.05}
ALIKE = 0.07  # root mean square difference of two pictures at 16 × 16 below which they are near-doubles; see `families`
LEFT_OUT = re.compile(r"-(light|medium-light|medium|medium-dark|dark|facing-right)$")  # skin tones, mirrored pictures
SPELLINGS = {"piata": "piñata", "mans": "man's", "womans": "woman's", "oclock": "o'clock", "mrs": "Mrs."}
COLOURS = "black|blue|brown|green|grey|light-blue|orange|pink|purple|red|white|yellow"
ROOTS = (
    (re.compile(r"^(wo)?man-|^person-|^(mrs|mx|santa)-"), ""),
    (re.compile(r"^(boy|girl|child|woman|man|older-person|old-(wo)?man|adult|baby)$"), "person"),
    (re.compile(rf"^({COLOURS})-"), ""),
    (re.compile(r"-(up|down|left|right|oclock|thirty|\d+)$"), ""),
    (re.compile(r"^(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)$"), "clock"),
    (re.compile(r"^(left|right)wards-|^(left|right|up|down)-"), ""),
)
LICENSE = """MIT License

Copyright (c) Microsoft Corporation.

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Emoji:
    """One emoji.

    Attributes:
        slug: its name as the package spells it, "red-heart".
        name: the same in words, "red heart".
        character: the emoji itself, as text.
        group: one of nine, "Animals & Nature".
        image: height × width × 3, on white.
        mask: height × width, opacity from 0 to 255. On another background b the emoji is
            `image + (1 - mask / 255) * (b - 255)`, exactly.
    """

    slug: str
    name: str
    character: str
    group: str
    image: Pixels
    mask: Pixels


def build(out: Path) -> KitEntry:
    """Fetch, draw and split; about a minute on one core."""
    found = fetch(SIZE)
    splits = split(found)
    with writing.new_folder(out, "emoji") as folder:
        for name, rows in splits.items():
            tables.write_split(_columns(rows), folder / f"{name}.parquet", _schema())
        (folder / "LICENSE").write_text(LICENSE, encoding="utf-8")
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy of the largest group, of which a classifier has to be better."""
    groups = tables.read_split(entry.path, "test")["label"]
    sample = [groups[row] for row in heads.sample(len(groups), rows)]
    return {"majority_accuracy": sample.count(_largest(entry.path)) / len(sample)}


def read(folder: Path | None = None) -> dict[str, Emoji]:
    """Every emoji of the kit by its slug, from all splits; `folder` is `kit:emoji`'s where it is not the installed one.

    Takes about half a second.
    """
    from PIL import Image

    folder = folder or kit.entry("kit:emoji").path
    found = {}
    for name in ("train", "validation", "test"):
        columns = tables.read_split(folder, name)
        for row in zip(*(columns[key] for key in ("slug", "name", "character", "label", "image", "mask")), strict=True):
            image, mask = (np.asarray(Image.open(io.BytesIO(picture["bytes"]))) for picture in row[4:])
            found[row[0]] = Emoji(row[0], row[1], row[2], row[3], image, mask)
    return found


def fetch(size: int) -> list[Emoji]:
    """Every emoji in its default skin tone, drawn at size × size pixels; sorted by slug."""
    with tempfile.TemporaryDirectory() as temporary, fetch_npm(PACKAGE, Path(temporary)) as archive:
        icons, groups, characters = (
            json.load(archive.extractfile(f"package/{name}.json") or io.BytesIO(b"{}"))
            for name in ("icons", "metadata", "chars")
        )
    group_of = {slug: group for group, slugs in groups["categories"].items() for slug in slugs}
    code_of = {slug: code for code, slug in reversed(characters.items())}
    found = []
    for slug in sorted(slug for slug in icons["icons"] if not LEFT_OUT.search(slug)):
        icon = {"width": icons["width"], "height": icons["height"]} | icons["icons"][slug]
        image, mask = draw(icon["body"], (icon["width"], icon["height"]), size)
        found.append(Emoji(slug, name_of(slug), _character(code_of.get(slug, "")), group_of[slug], image, mask))
    return found


def draw(body: str, box: tuple[int, int], size: int) -> tuple[Pixels, Pixels]:
    """The picture on white (size × size × 3) and its opacity (size × size) of an SVG's body, drawn for a `box`."""
    import resvg_py
    from PIL import Image

    svg = f'<svg xmlns="{SVG}" width="{size}" height="{size}" viewBox="0 0 {box[0]} {box[1]}">'
    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=f"{svg}{body}</svg>")))).convert("RGBA")
    white = Image.new("RGB", drawn.size, "white")
    white.paste(drawn, mask=drawn.getchannel("A"))
    return np.asarray(white), np.asarray(drawn.getchannel("A"))


def png(pixels: Pixels) -> dict[str, Any]:
    """A picture as a cell of a table."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return {"bytes": stream.getvalue(), "path": None}


def name_of(slug: str) -> str:
    """The name in words: "womans-boot" → "woman's boot"; "t-shirt" keeps its hyphen."""
    words = [SPELLINGS.get(word, word) for word in slug.split("-")]
    joined = " ".join(words)
    return re.sub(r"\b(e mail|t rex|t shirt|x ray|yo yo)\b", lambda found: found[0].replace(" ", "-"), joined)


def root_of(slug: str) -> str:
    """What the variants of an emoji have in common by name: "woman-pilot" and "pilot", "red-heart" and "blue-heart"."""
    for pattern, instead in ROOTS:
        slug = pattern.sub(instead, slug) or slug
    return slug


def families(found: Sequence[Emoji]) -> list[int]:
    """A number per emoji, the same for those that share a name's root or look nearly the same, over any chain."""
    parents = list(range(len(found)))

    def top(one: int) -> int:
        while parents[one] != one:
            one = parents[one]
        return one

    small = np.stack([_thumbnail(one) for one in found])
    squares = (small**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * small @ small.T, 0) / small.shape[1])
    pairs = [(int(one), int(other)) for one, other in np.argwhere(np.triu(distances < ALIKE, 1))]
    first: dict[str, int] = {}
    pairs += [(number, first.setdefault(root_of(one.slug), number)) for number, one in enumerate(found)]
    for one, other in pairs:
        parents[top(one)] = top(other)
    return [top(number) for number in range(len(found))]


def split(found: Sequence[Emoji]) -> dict[str, list[Emoji]]:
    """Train, validation and test; no family stands in two, and each holds every group in about equal parts."""
    members: dict[int, list[Emoji]] = {}
    for one, number in zip(found, families(found), strict=True):
        members.setdefault(number, []).append(one)
    order = sorted(members.values(), key=lambda family: family[0].slug)
    random.Random(SEED).shuffle(order)  # noqa: S311  not a secret
    sizes = Counter(one.group for one in found)
    filled: Counter[tuple[str, str]] = Counter()
    splits: dict[str, list[Emoji]] = {"train": [], "validation": [], "test": []}
    for family in order:
        group = family[0].group
        room = {name: share * sizes[group] - filled[name, group] for name, share in SHARES.items()}
        name = next((name for name in SHARES if len(family) <= room[name]), "train")
        splits[name] += family
        filled.update((name, one.group) for one in family)
    return {name: sorted(rows, key=lambda one: one.slug) for name, rows in splits.items()}


def _thumbnail(one: Emoji) -> NDArray[np.float32]:
    """16 × 16 × 4 values from 0 to 1, flat: the premultiplied colour and the opacity."""
    opacity = one.mask[..., None].astype(np.float32) / 255
    colour = one.image.astype(np.float32) / 255 - (1 - opacity)
    step = one.mask.shape[0] // 16
    small: NDArray[np.float32] = np.concatenate([colour, opacity], axis=2).reshape(16, step, 16, step, 4).mean((1, 3))
    return small.ravel()


def _character(code: str) -> str:
    return "".join(chr(int(part, 16)) for part in code.split("-")) if code else ""


def _columns(rows: Sequence[Emoji]) -> dict[str, list[Any]]:
    return {
        "image": [png(one.image) for one in rows],
        "mask": [png(one.mask) for one in rows],
        "name": [one.name for one in rows],
        "caption": [f"an emoji of {one.name}" for one in rows],
        "label": [one.group for one in rows],
        "character": [one.character for one in rows],
        "slug": [one.slug for one in rows],
    }


def _schema() -> Any:
    from datasets import Features, Image, Value

    texts = ("name", "caption", "label", "character", "slug")
    return Features({"image": Image(), "mask": Image(), **{name: Value("string") for name in texts}}).arrow_schema


def _largest(folder: Path) -> str:
    groups: list[str] = tables.read_split(folder, "train")["label"]
    return Counter(groups).most_common(1)[0][0]


def _entry(splits: Mapping[str, Sequence[Emoji]]) -> KitEntry:
    groups = {name: [one.group for one in rows] for name, rows in splits.items()}
    largest = Counter(groups["train"]).most_common(1)[0][0]
    rows = len(groups["test"])
    return KitEntry(
        id="kit:emoji",
        kind="dataset",
        library="datasets",
        title="Emoji",
        description=(
            f"Emoji in the default skin tone, {SIZE} × {SIZE} pixels on white, with their opacity (mask), "
            "English name, caption, group and character. Variants of one emoji (gender, colour, direction) and "
            "pictures that look nearly the same stand in one split."
        ),
        tasks=("image-classification", "text-to-image", "image-to-text", "zero-shot-image-classification"),
        license="MIT",
        license_file="LICENSE",
        attribution="Fluent Emoji, copyright Microsoft Corporation; packaged by Iconify.",
        sources=(Source(name=PACKAGE.requirement, sha256=PACKAGE.sha256, license="MIT", use="drawings and names"),),
        built_by="studio.starter.build.vision.emoji",
        seed=SEED,
        versions=writing.versions("resvg-py", "pillow", "pyarrow"),
        labels=tuple(sorted(set(groups["train"]))),
        splits={name: len(found) for name, found in splits.items()},
        quality={
            "majority_accuracy": Quality(
                value=round(groups["test"].count(largest) / rows, 4),
                split="test",
                n=rows,
                note=f'answering "{largest}" always: what a classifier has to beat',
            )
        },
    )


BUILDER = Builder("kit:emoji", 1, build, tables.first_row, measure)
