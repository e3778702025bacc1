"""Reads the weight files of CTranslate2 (`model.bin`, binary versions 2 to 6). Nothing in them is ever executed."""

import struct
from typing import Any

from studio.starter.build.sources import SourceError

TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
VERSIONS = range(2, 7)
NAMES_FROM = 3  # the binary version from which shared weights are listed


class _Reader:
    """A position in the file's bytes; raises `SourceError` where they end too early."""

    def __init__(self, content: bytes) -> None:
        self.content, self.position = memoryview(content), 0

    def take(self, count: int) -> memoryview:
        if self.position + count > len(self.content):
            raise SourceError("The weight file ends too early; it is damaged.")
        self.position += count
        return self.content[self.position - count : self.position]

    def number(self, code: str) -> int:
        form = struct.Struct(f"<{code}")
        return int(form.unpack(self.take(form.size))[0])

    def text(self) -> str:
        return bytes(self.take(self.number("H"))).rstrip(b"\0").decode("utf-8")


def read(content: bytes) -> dict[str, Any]:
    """Name → numpy array (read-only, in the stored type) of every weight, shared ones under each of their names.

    Raises `SourceError` for another format. Layout: `ModelReader` and `serialization` in CTranslate2's sources.
    """
    import numpy as np

    reader = _Reader(content)
    version = reader.number("I")
    if version not in VERSIONS:
        raise SourceError(f"CTranslate2's binary version {version} is not one of {VERSIONS[0]} to {VERSIONS[-1]}.")
    reader.text()  # the kind of model
    reader.number("I")  # its revision
    found: dict[str, Any] = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = reader.number("B")
        if kind not in TYPES:
            raise SourceError(f"{name} has the unknown number type {kind}.")
        values = np.frombuffer(reader.take(reader.number("I")), dtype=TYPES[kind])
        if values.size != int(np.prod(shape)):
            raise SourceError(f"{name} has {values.size} numbers and should have {shape}.")
        found[name] = values.reshape(shape)
    if version >= NAMES_FROM:
        for _ in range(reader.number("I")):
            alias, name = reader.text(), reader.text()
            found[alias] = found[name]
    return found
