"""Pictures as visitors give them: upright, on white, in eight bits, and refused where they are none or too large."""

import io
import struct
import time
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.tasks import media
from studio.tasks.base import EXAMPLES

ORIENTATION = 0x0112  # EXIF's number
STEPS = np.linspace(0, 255, 64 * 64).reshape(64, 64)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def seen(content: bytes) -> Any:
    """What a model gets, as numbers."""
    picture = media.image({"inputs": content})
    assert picture.mode == "RGB"
    return np.asarray(picture).astype(float)


def huge(width: int, height: int) -> bytes:
    """A small PNG file of very many pixels: one bit each, all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_000, 8_000)])
def test_what_is_too_large_is_refused_from_its_header(width: int, height: int) -> None:
    content = huge(width, height)
    assert len(content) < 100_000
    started = time.perf_counter()
    with pytest.raises(InvalidInput, match="50,000,000 pixels"):
        media.image({"inputs": content})
    assert time.perf_counter() - started < 0.2


def test_a_strip_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"1 × 60,000 pixels.*50 times"):
        media.image({"inputs": huge(1, 60_000)})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (encoded(Image.new("RGB", (300, 300), "red"), "JPEG")[:600], "damaged|no image"),
        (encoded(Image.effect_noise((64, 64), 50))[:2000], "damaged"),
        ((EXAMPLES / "grows.mp4").read_bytes(), "an MP4 video"),
        (b"%PDF-1.7 and so on", "a PDF file"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_picture_is_named(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        media.image({"inputs": content})
    assert caught.value.field == "inputs"


def test_pictures_are_turned_upright() -> None:
    lying = Image.new("RGB", (40, 20), "red")
    lying.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was turned: right becomes down
    upright = seen(encoded(lying, "JPEG", exif=exif, quality=95))
    assert upright.shape == (40, 20, 3)
    assert upright[5, 10, 2] > 200
    assert upright[35, 10, 0] > 200


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: str) -> None:
    picture = Image.new("RGBA", (8, 8), (10, 20, 30, 0)).convert(mode)
    options: dict[str, Any] = {"transparency": 0} if mode == "P" else {}
    assert (seen(encoded(picture, **options)) == 255).all()


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (Image.fromarray((STEPS * 257).astype(np.uint16)), "PNG"),
        (Image.fromarray((STEPS * 257).astype(np.uint16)), "TIFF"),
        (Image.fromarray((STEPS * 257).astype(np.int32)), "TIFF"),
        (Image.fromarray((STEPS / 255).astype(np.float32)), "TIFF"),
        (Image.fromarray(STEPS.astype(np.float32)), "TIFF"),
        (Image.fromarray(STEPS.astype(np.uint8)).convert("P"), "PNG"),
        (Image.fromarray(STEPS.astype(np.uint8)).convert("CMYK"), "TIFF"),
    ],
)
def test_every_kind_of_picture_keeps_its_values(picture: Image.Image, kind: str) -> None:
    assert np.abs(seen(encoded(picture, kind))[..., 0] - STEPS).max() <= 1


def test_one_pixel_is_a_picture() -> None:
    assert seen(encoded(Image.new("L", (1, 1), 7))).tolist() == [[[7, 7, 7]]]


def test_of_an_animation_the_first_picture_counts() -> None:
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    assert seen(encoded(first, "GIF", save_all=True, append_images=[second]))[0, 0].tolist() == [255, 0, 0]


def test_only_large_pictures_are_shrunk() -> None:
    picture = Image.new("RGB", (400, 100))
    assert media.shrunk(picture, 400) is picture
    assert media.shrunk(picture, 200).size == (200, 50)
    assert picture.size == (400, 100)
