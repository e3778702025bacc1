"""Photos that image models are measured on: eight that lie in the kit, and cut-out photos of Tux Paint that do not.

The right answers were given by hand, before anything was measured. `written/stamps.txt` holds those for the stamps.
"""

import io
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL.Image import Image

from studio.starter.build import tables
from studio.starter.build.sources import Wheel, fetch_deb, fetch_wheel
from studio.starter.kit import Source

SKIMAGE = Wheel("scikit-image", "0.26.0", "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af")
GRADIO = Wheel("gradio", "6.31.0", "7b50b9b6a2d23cd02851ad4c8b1c8312c88d8b911d1f29c93f9761c98348a64a")
STAMPS = Wheel(
    "tuxpaint-stamps-default", "2022.06.04-1", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"
)
FOLDER = "./usr/share/tuxpaint/stamps/"
ANSWERS = Path(__file__).with_name("written") / "stamps.txt"
PHOTOGRAPHIC = re.compile(
    rf"{re.escape(FOLDER)}(animals|clothes|food|hobbies|household|medical|military|plants|sports|vehicles)/"
    r"(?!.*(cartoon|mirror)).*\.png$"
)
SHORTER_SIDE, JPEG_QUALITY = 256, 90  # of the photos as stored; pixels
PHOTOS: dict[Wheel, dict[str, tuple[str, str]]] = {  # package's file → what it shows, right labels of ImageNet
    GRADIO: {
        "gradio/media_assets/images/cheetah.jpg": ("a running cheetah", "cheetah"),
        "gradio/media_assets/images/cheetah1.jpg": ("a cheetah's face", "cheetah"),
        "gradio/test_data/cheetah2.jpg": ("a young cheetah", "cheetah"),
        "gradio/media_assets/images/lion.jpg": ("a resting lion", "lion"),
    },
    SKIMAGE: {
        "skimage/data/chelsea.png": ("a cat", "Egyptian Mau | tabby cat | tiger cat"),
        "skimage/data/coffee.png": ("a cup of coffee", "espresso | tea cup | coffee mug"),
        "skimage/data/rocket.jpg": ("a rocket before its start", "missile | projectile"),
        "skimage/data/camera.png": ("a man with a camera", "tripod"),
    },
}
SOURCES = (
    Source(name=GRADIO.requirement, sha256=GRADIO.sha256, license="Apache-2.0", use="photos to measure on"),
    Source(name=SKIMAGE.requirement, sha256=SKIMAGE.sha256, license="CC0-1.0", use="photos to measure on"),
    Source(name=STAMPS.requirement, sha256=STAMPS.sha256, license="GPL-2.0-or-later", use="only measured on"),
)


@dataclass(frozen=True)
class Photo:
    """A picture, what it shows in words, and the labels of ImageNet that are right for it (none: not known to it)."""

    image: Image
    title: str
    labels: tuple[str, ...]


def fetch_photos() -> list[Photo]:
    """The free photos that the kit stores, at their full size."""
    with tempfile.TemporaryDirectory() as temporary:
        found = []
        for package, files in PHOTOS.items():
            archive = fetch_wheel(package, Path(temporary))
            for file, (title, labels) in files.items():
                found.append(Photo(opened(archive.read(file)), title, tuple(labels.split(" | "))))
    return found


def fetch_stamps() -> list[Photo]:
    """Every photographic stamp that has an English title, on white; `labels` for those in `ANSWERS`. 160 MB.

    A title is what remains of the stamp's own without its article, "" where that is long; of two stamps of one title
    the first is taken, unless both have answers.
    """
    answers = dict(line.split(": ", 1) for line in ANSWERS.read_text(encoding="utf-8").splitlines())
    with tempfile.TemporaryDirectory() as temporary, fetch_deb(STAMPS, Path(temporary)) as archive:
        files = {name.name: name for name in archive if name.isfile()}
        found: list[Photo] = []
        for path in sorted(path for path in files if PHOTOGRAPHIC.match(path)):
            content, text = (archive.extractfile(files[name]) for name in (path, path.replace(".png", ".txt")))
            stem = path.removeprefix(FOLDER).removesuffix(".png")
            title = title_of(text.read().decode()) if text else ""
            labels = tuple(answers[stem].split(" | ")) if stem in answers else ()
            if content and (labels or (title and title not in {photo.title for photo in found})):
                found.append(Photo(opened(content.read()), title, labels))
    return found


def title_of(text: str) -> str:
    """What a stamp shows, from its description: "A red apple." → "red apple"; "" where that is no short name."""
    words = re.sub(r"^(An?|The|Some|Two|Your?) |[.!].*$|\(.*$|[“”]", "", text.splitlines()[0]).strip()
    return words if words and len(words.split()) <= 3 and "," not in words else ""


def write(photos: Sequence[Photo], file: Path) -> None:
    """The photos as a split, made smaller."""
    columns: dict[str, list[Any]] = {"image": [], "title": [], "labels": []}
    for photo in photos:
        small = photo.image.copy()
        scale = SHORTER_SIDE / min(small.size)
        if scale < 1:
            small = small.resize((round(small.width * scale), round(small.height * scale)))
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=JPEG_QUALITY)
        columns["image"].append({"bytes": stream.getvalue(), "path": None})
        columns["title"].append(photo.title)
        columns["labels"].append(list(photo.labels))
    tables.write_split(columns, file)


def read(folder: Path) -> list[Photo]:
    """The photos of an entry's test split."""
    columns = tables.read_split(folder, "test")
    return [
        Photo(opened(image["bytes"]), title, tuple(labels))
        for image, title, labels in zip(columns["image"], columns["title"], columns["labels"], strict=True)
    ]


def opened(content: bytes) -> Image:
    """A picture from its file's content, in colour; what is transparent lies on a white square."""
    import PIL.Image

    picture: Image = PIL.Image.open(io.BytesIO(content))
    if picture.mode in ("RGBA", "LA", "P"):
        picture = picture.convert("RGBA")
        side = max(picture.size)
        white = PIL.Image.new("RGB", (side, side), "white")
        white.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2), picture)
        return white
    return picture.convert("RGB")
