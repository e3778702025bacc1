"""The reader of CTranslate2's weight files, on files written here."""

import struct

import numpy as np
import pytest

from studio.starter.build.audio import ctranslate2
from studio.starter.build.sources import SourceError


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def model(*, version: int = 6, kind: int = 4, numbers: int = 6) -> bytes:
    values = np.arange(numbers, dtype="<f2").tobytes()
    weight = text("a/weight") + struct.pack("<BII", 2, 2, 3) + struct.pack("<BI", kind, len(values)) + values
    alias = struct.pack("<I", 1) + text("b/weight") + text("a/weight") if version >= 3 else b""
    return struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, 1) + weight + alias


def test_weights_and_their_other_names_are_read() -> None:
    found = ctranslate2.read(model())
    assert found["a/weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b/weight"] is found["a/weight"]
    assert list(ctranslate2.read(model(version=2))) == ["a/weight"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model()[:40], "ends too early"),
        (b"", "ends too early"),
        (model(version=9), "binary version 9"),
        (model(kind=77), "unknown number type 77"),
        (model(numbers=5), r"has 5 numbers and should have \[2, 3\]"),
    ],
)
def test_what_is_damaged_or_of_another_kind_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        ctranslate2.read(content)
