"""Titles of stamps, transparent pictures, and what a stored photo keeps."""

import io
from pathlib import Path

import pytest
from PIL import Image

from studio.starter.build.vision import photos
from studio.starter.build.vision.photos import Photo, opened, title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("An Adelaide Rosella.\nfr.utf8=…", "Adelaide Rosella"),
        ("Hibiscus", "Hibiscus"),
        ("A peacock (a male peafowl).", "peacock"),
        ("A spiny lobster, from the Hawaiian islands.", ""),
        ("A stethoscope lets your doctor listen.", ""),
    ],
)
def test_a_title_is_a_short_name_or_nothing(text: str, title: str) -> None:
    assert title_of(text) == title


def test_what_is_transparent_becomes_a_white_square() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (10, 20), (255, 0, 0, 0)).save(stream, "PNG")
    picture = opened(stream.getvalue())
    assert picture.size == (20, 20)
    assert picture.getpixel((5, 5)) == (255, 255, 255)


def test_photos_are_stored_small(tmp_path: Path) -> None:
    photos.write([Photo(Image.new("RGB", (600, 512), "red"), "red", ("a", "b"))], tmp_path / "test.parquet")
    (photo,) = photos.read(tmp_path)
    assert photo.image.size == (300, 256)
    assert (photo.title, photo.labels) == ("red", ("a", "b"))


def test_every_answer_is_a_label_of_the_model() -> None:
    import json

    from studio.starter import kit

    config = json.loads((kit.entry("kit:efficientnet-lite0").path / "config.json").read_text(encoding="utf-8"))
    labels = set(config["label2id"])
    assert len(labels) == 1000
    lines = photos.ANSWERS.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 118
    assert {label for line in lines for label in line.split(": ", 1)[1].split(" | ")} <= labels
    stored = {label for files in photos.PHOTOS.values() for _, right in files.values() for label in right.split(" | ")}
    assert stored <= labels
