"""Pictures and sounds in a cell, said in a few words: "image, 64×64". Reads headers by hand, decodes nothing."""

import struct
from dataclasses import dataclass

COLUMN = "STRUCT(bytes BLOB, path VARCHAR)"  # as `datasets` writes its Image and Audio columns
HEAD = 65_536  # bytes that are looked at; a camera's JPEG has its size behind a preview of tens of kilobytes
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of frames

# Ogg and MP3, whose heads do not tell how long they are
UNTIMED = (b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa", b"\xff\xe3")


def describe(head: bytes | None, size: int | None, path: str | None) -> str | None:
    """What a cell holds, from its first bytes, its size in bytes and its file's name; None for an empty cell."""
    if head is None or size is None:
        return f"file {path}" if path else None
    if pixels := _pixels(head):
        return f"image, {pixels[0]}×{pixels[1]}"
    if sound := _sound(head, size):
        rate, seconds = sound
        return f"sound, {seconds:.1f} s, {rate / 1000:g} kHz"
    if head.startswith(UNTIMED):
        return f"sound, {size:,} bytes"
    return f"<{size} bytes>"


def _pixels(head: bytes) -> tuple[int, int] | None:
    """Width and height of PNG, GIF, WebP (as its three forms write them), BMP or JPEG."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return struct.unpack(">II", head[16:24])
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        return struct.unpack("<HH", head[6:10])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp(head)
    if head[:2] == b"BM" and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        return abs(width), abs(height)
    return _jpeg(head) if head[:2] == b"\xff\xd8" else None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], int.from_bytes(head[place + 2 : place + 4], "big")
        if marker in JPEG_SIZES:
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return width, height
        place += 2 + max(2, length)
    return None


def _sound(head: bytes, size: int) -> tuple[int, float] | None:
    """Samples per second and seconds of WAV or FLAC."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _wav(head, size)
    if head[:4] == b"fLaC" and len(head) >= 26:
        bits = int.from_bytes(head[18:26], "big")
        rate, samples = bits >> 44, bits & 0xFFFFFFFFF
        return (rate, samples / rate) if rate else None
    return None


def _wav(head: bytes, size: int) -> tuple[int, float] | None:
    place, rate, per_second = 12, 0, 0
    while place + 8 <= len(head):
        name, length = head[place : place + 4], int.from_bytes(head[place + 4 : place + 8], "little")
        if name == b"fmt " and place + 20 <= len(head):
            rate, per_second = struct.unpack("<II", head[place + 12 : place + 20])
        if name == b"data":
            return (rate, min(length, size - place - 8) / per_second) if per_second else None
        place += 8 + length + length % 2
    return None


@dataclass(frozen=True)
class Measured:
    """Width and height of a picture, or seconds of a sound; neither for what is not known."""

    pixels: tuple[int, int] | None = None
    seconds: float | None = None


def measure(head: bytes, size: int) -> Measured:
    """What can be measured of a picture or sound by its first bytes and its size in bytes."""
    if pixels := _pixels(head):
        return Measured(pixels=pixels)
    sound = _sound(head, size)
    return Measured(seconds=sound[1] if sound else None)


def listen(sound: bytes) -> Measured:
    """The length of a sound whose head does not tell it (Ogg, MP3); nothing of what cannot be read."""
    import io

    import soundfile

    try:
        return Measured(seconds=float(soundfile.info(io.BytesIO(sound)).duration))
    except soundfile.LibsndfileError:
        return Measured()
