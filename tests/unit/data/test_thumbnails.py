"""Pictures and sounds of cells as data URLs: small, made anew, and nothing of what is neither."""

import base64
import io
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from studio.data import mending, previews, thumbnails
from tests.mended import dataset, picture, some_rows, sound


def decoded(url: str) -> tuple[str, bytes]:
    head, _, data = url.partition(";base64,")
    return head, base64.b64decode(data)


def made(mode: str, size: tuple[int, int], kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 100).save(out, kind, **more)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_pictures_become_small(kind: str) -> None:
    head, data = decoded(thumbnails.data_url(made("L", (900, 300), kind)))
    assert head == "data:image/webp"
    with Image.open(io.BytesIO(data)) as shown:
        assert shown.size == (160, 53)
    assert decoded(thumbnails.picture(picture(1)))[0] == "data:image/webp"


def test_a_clear_background_stays_and_a_camera_held_upright_too() -> None:
    with Image.open(io.BytesIO(decoded(thumbnails.picture(made("LA", (8, 8), "PNG")))[1])) as shown:
        assert shown.mode == "RGBA"
    turned = Image.Exif()
    turned[0x0112] = 6
    with Image.open(io.BytesIO(decoded(thumbnails.picture(made("L", (40, 20), "JPEG", exif=turned)))[1])) as shown:
        assert shown.size == (20, 40)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x89PNG\r\n\x1a\nbroken", b"RIFF\0\0\0\0WAVE", b"<svg onload='x'>"]
)
def test_what_is_neither(content: bytes) -> None:
    assert not thumbnails.picture(content)
    assert thumbnails.data_url(content).partition(",")[0] in ("", "data:audio/wav;base64")


def test_a_picture_of_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 100)
    assert thumbnails.picture(made("L", (11, 10), "PNG")) == ""


def test_short_sounds_as_they_are_and_of_long_ones_the_start() -> None:
    assert decoded(thumbnails.data_url(sound())) == ("data:audio/wav", sound())
    out = io.BytesIO()
    wave = np.random.default_rng(0).uniform(-0.3, 0.3, (25 * 16_000, 2))
    soundfile.write(out, wave, 16_000, format="WAV")
    head, data = decoded(thumbnails.data_url(out.getvalue()))
    assert head == "data:audio/ogg"
    told = soundfile.info(io.BytesIO(data))
    assert (told.samplerate, told.channels) == (16_000, 1)
    assert told.duration == pytest.approx(10, abs=0.05)
    assert len(data) < 300_000


def test_previews_show_what_fits(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = dataset(tmp_path / "data", train=some_rows(4))
    recipe = mending.read([{"step": "augment-images", "column": "image"}])
    found = previews.preview(given, "train", recipe, with_media=True)
    assert [sorted(row.media) for row in found.after] == [[3, 4]] * 4
    assert [sorted(row) for row in found.media_before] == [[3, 4]] * 4
    assert found.after[0].media[3] != found.media_before[0][3]
    assert found.after[0].media[4] == found.media_before[0][4]
    plain = previews.preview(given, "train", recipe)
    assert [row.media for row in plain.after] == [{}] * 4
    assert plain.media_before == []
    monkeypatch.setattr(previews, "MEDIA_BYTES", 1)
    assert sum(len(row.media) for row in previews.preview(given, "train", recipe, with_media=True).after) == 1
