"""What reads pages, in the place of PP-OCR: two tiny ONNX models, written without the onnx package."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter import documents, reading

FLOAT, INT64, OPSET, IR = 1, 7, 13, 8
WORDS = "Total 10.50"
BLANK = 0.01  # of every sign that is not the one


def save_readers(folder: Path) -> None:
    """A finder that takes what is dark for lines, and a reader that reads `WORDS` in each of them."""
    signs = sorted(set(WORDS) - {" "})
    known = ["", *signs, " "]
    likely = np.full((1, 2 * len(WORDS), len(known)), BLANK, np.float32)
    for step, sign in enumerate(WORDS):  # each is followed by none, or two equal ones would count once
        likely[0, 2 * step, known.index(sign)] = likely[0, 2 * step + 1, 0] = 0.9
    (folder / reading.SIGNS).write_text("\n".join(signs), encoding="utf-8")
    dark = [
        node("ReduceMean", ["x"], "mean", axes=[1], keepdims=1),
        node("Less", ["mean", "zero"], "dark"),
        node("Cast", ["dark"], "y", to=FLOAT),
    ]
    (folder / reading.FINDER).write_bytes(model(dark, {"zero": np.zeros(1, np.float32)}))
    same = [
        node("ReduceMean", ["x"], "mean", axes=[1, 2, 3], keepdims=0),
        node("Mul", ["mean", "zero"], "none"),
        node("Reshape", ["none", "shape"], "column"),
        node("Add", ["column", "likely"], "y"),
    ]
    given: dict[str, NDArray[Any]] = {
        "zero": np.zeros(1, np.float32),
        "shape": np.array([-1, 1, 1], np.int64),
        "likely": likely,
    }
    (folder / reading.READER).write_bytes(model(same, given))
    (folder / documents.SETTINGS).write_text(json.dumps({"answers": "kit:qa", "nearness": 1.0}), encoding="utf-8")


def model(nodes: Sequence[bytes], constants: Mapping[str, NDArray[Any]]) -> bytes:
    """ONNX's ModelProto, from an input "x" of four sides to an output "y"."""
    sides = b"".join(_field(1, _field(2, side)) for side in ("n", "c", "h", "w"))
    shaped = _field(1, _field(1, FLOAT) + _field(2, sides))
    graph = b"".join(_field(1, one) for one in nodes) + _field(2, "tiny")
    graph += b"".join(_field(5, _tensor(name, value)) for name, value in constants.items())
    graph += _field(11, _field(1, "x") + _field(2, shaped))
    graph += _field(12, _field(1, "y") + _field(2, _field(1, _field(1, FLOAT))))
    return _field(1, IR) + _field(7, graph) + _field(8, _field(1, "") + _field(2, OPSET))


def node(kind: str, inputs: Sequence[str], output: str, **settings: int | list[int]) -> bytes:
    """ONNX's NodeProto."""
    found = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind)
    for name, value in settings.items():
        many = isinstance(value, list)
        numbers = b"".join(_field(8, one) for one in value) if isinstance(value, list) else _field(3, value)
        found += _field(5, _field(1, name) + numbers + _field(20, 7 if many else 2))
    return found


def _tensor(name: str, value: NDArray[Any]) -> bytes:
    dims = b"".join(_field(1, side) for side in value.shape)
    kind = FLOAT if value.dtype == np.float32 else INT64
    return dims + _field(2, kind) + _field(8, name) + _field(9, value.tobytes())


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field as protocol buffers have it."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
