"""Pictures and sounds in a cell are said in words, never shown as bytes."""

import io
import wave
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from studio.core.settings import Settings
from studio.data import media, sources, views


def picture(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(buffer, form, **options)
    return buffer.getvalue()


def tone(seconds: float, rate: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * int(seconds * rate))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        picture("PNG"),
        picture("GIF"),
        picture("BMP"),
        picture("JPEG"),
        picture("JPEG", progressive=True),
        picture("WEBP"),
        picture("WEBP", lossless=True),
    ],
)
def test_pictures_by_their_size(content: bytes) -> None:
    assert media.describe(content, len(content), None) == "image, 64×48"


def test_sounds_by_their_length() -> None:
    content = tone(1.5, 16_000)
    assert media.describe(content[: media.HEAD], len(content), "a.wav") == "sound, 1.5 s, 16 kHz"


def test_flac_by_its_stream_information() -> None:
    head = b"fLaC" + b"\0" * 14 + (16_000 << 44 | 24_000).to_bytes(8, "big")
    assert media.describe(head, 900, None) == "sound, 1.5 s, 16 kHz"


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\0", b"RIFF\0\0\0\0WAVE", b"what is this"]
)
def test_anything_else_by_its_bytes(content: bytes) -> None:
    assert media.describe(content, len(content), None) == f"<{len(content)} bytes>"


def test_an_empty_cell_is_empty_and_a_mere_name_a_name() -> None:
    assert media.describe(None, None, None) is None
    assert media.describe(None, None, "a.png") == "file a.png"


def test_a_page_of_pictures_holds_words(tmp_path: Path) -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": picture("PNG"), "path": None}, None], kind)
    file = tmp_path / "train.parquet"
    parquet.write_table(pa.table({"image": images, "label": ["red", "none"]}), file)
    dataset = sources.resolve(str(file), Settings(home=tmp_path / "home"), "local")
    assert views.page(dataset).rows == [["image, 64×48", "red"], [None, "none"]]
