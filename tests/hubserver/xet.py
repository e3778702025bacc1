"""The formats of Xet storage (hash text, xorbs, shards) and what a CAS server keeps of them; no HTTP here.

Written from the Xet protocol specification (https://huggingface.co/docs/xet): sections "Xorb format", "Shard format"
and "File reconstruction". Hashes of chunks and xorbs are taken as given; a file is checked by its sha256.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import HubError

_SHARD_TAG = b"HFRepoMetaData"
_RECORD = 48
_HAS_VERIFICATION = 1 << 31
_HAS_METADATA = 1 << 30
_BOOKMARK = b"\xff" * 32


def hash_text(raw: bytes) -> str:
    """A 32-byte hash as the protocol writes it: four little-endian 64-bit words, each in hex."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


@dataclass(frozen=True)
class Chunk:
    """One chunk of a xorb: where its packed form (8-byte header included) lies, and its length unpacked."""

    start: int
    end: int
    unpacked: int
    scheme: int


@dataclass(frozen=True)
class Segment:
    """A run of chunks `[start, end)` of one xorb: a file is a list of these."""

    xorb: str
    start: int
    end: int
    unpacked: int


@dataclass(frozen=True)
class FileRecord:
    """A file as a shard describes it."""

    hash: str
    segments: tuple[Segment, ...]
    sha256: str | None


@dataclass(frozen=True)
class Xorb:
    """The bytes of a xorb and where its chunks are."""

    data: bytes
    chunks: tuple[Chunk, ...]

    def unpack(self, index: int) -> bytes:
        """The content of one chunk; raises 400 where it does not unpack to its announced length."""
        chunk = self.chunks[index]
        packed = self.data[chunk.start + 8 : chunk.end]
        plain = _unpack(packed, chunk.scheme, chunk.unpacked)
        if len(plain) != chunk.unpacked:
            raise HubError(400, f"chunk {index} unpacks to {len(plain)} bytes, not {chunk.unpacked}")
        return plain


def parse_xorb(data: bytes) -> Xorb:
    """Find the chunks of a serialized xorb (a footer, if any, is left alone); raises 400 if it is malformed."""
    chunks: list[Chunk] = []
    position = 0
    while position + 8 <= len(data) and not data.startswith(b"XETBLOB", position):
        header = data[position : position + 8]
        packed = int.from_bytes(header[1:4], "little")
        scheme = header[4]
        unpacked = int.from_bytes(header[5:8], "little")
        end = position + 8 + packed
        if header[0] != 0 or scheme > 2 or end > len(data):
            raise HubError(400, f"malformed xorb: bad chunk header at byte {position}")
        chunks.append(Chunk(position, end, unpacked, scheme))
        position = end
    if not chunks:
        raise HubError(400, "malformed xorb: no chunk")
    return Xorb(data, tuple(chunks))


def _unpack(packed: bytes, scheme: int, size: int) -> bytes:
    if scheme == 0:
        return packed
    import pyarrow

    try:
        plain: bytes = pyarrow.decompress(packed, decompressed_size=size, codec="lz4", asbytes=True)
    except (OSError, ValueError) as error:
        raise HubError(400, f"malformed xorb: {error}") from error
    return plain if scheme == 1 else _ungroup(plain)


def _ungroup(grouped: bytes) -> bytes:
    """Undo scheme 2: byte 0 of every 4-byte word first, then byte 1, and so on."""
    size = len(grouped)
    plain = bytearray(size)
    position = 0
    for lane in range(4):
        length = (size - lane + 3) // 4
        plain[lane::4] = grouped[position : position + length]
        position += length
    return bytes(plain)


def parse_shard(data: bytes) -> tuple[FileRecord, ...]:
    """The files a shard registers; raises 400 if it is malformed. Its xorb section is not needed here."""
    if not data.startswith(_SHARD_TAG) or len(data) < _RECORD:
        raise HubError(400, "malformed shard: no header")
    try:
        return tuple(_files(data))
    except struct.error as error:
        raise HubError(400, f"malformed shard: {error}") from error


def _files(data: bytes) -> Iterator[FileRecord]:
    position = _RECORD
    while True:
        raw, flags, count = struct.unpack_from("<32sII", data, position)
        position += _RECORD
        if raw == _BOOKMARK:
            return
        segments: list[Segment] = []
        for _ in range(count):
            xorb, _flags, unpacked, start, end = struct.unpack_from("<32sIIII", data, position)
            segments.append(Segment(hash_text(xorb), start, end, unpacked))
            position += _RECORD
        if flags & _HAS_VERIFICATION:
            position += _RECORD * count
        sha256 = None
        if flags & _HAS_METADATA:
            (stored,) = struct.unpack_from("<32s", data, position)
            sha256 = hash_text(stored)
            position += _RECORD
        yield FileRecord(hash_text(raw), tuple(segments), sha256)


@dataclass
class XetStorage:
    """Xorbs and files by hash, and which large object (sha256) is which Xet file."""

    xorbs: dict[str, Xorb] = field(default_factory=dict)
    files: dict[str, FileRecord] = field(default_factory=dict)
    by_sha256: dict[str, str] = field(default_factory=dict)

    def add_xorb(self, name: str, data: bytes) -> bool:
        """Keep a xorb; False if it was known. Raises 400 if it is malformed."""
        if name in self.xorbs:
            return False
        self.xorbs[name] = parse_xorb(data)
        return True

    def rebuild(self, record: FileRecord) -> bytes:
        """A file's content from its chunks; raises 400 where the shard does not fit the stored xorbs."""
        parts: list[bytes] = []
        for segment in record.segments:
            xorb = self.xorbs.get(segment.xorb)
            if xorb is None or not 0 <= segment.start < segment.end <= len(xorb.chunks):
                raise HubError(400, f"shard refers to chunks that were not uploaded (xorb {segment.xorb})")
            content = b"".join(xorb.unpack(index) for index in range(segment.start, segment.end))
            if len(content) != segment.unpacked:
                raise HubError(400, f"segment of {len(content)} bytes was announced with {segment.unpacked}")
            parts.append(content)
        return b"".join(parts)

    def reconstruct(self, record: FileRecord, start: int, stop: int) -> tuple[int, list[Segment]]:
        """The chunk runs that cover bytes `[start, stop)`, and how far `start` lies inside the first of them."""
        runs: list[Segment] = []
        position, offset = 0, 0
        for segment in record.segments:
            chunks = self.xorbs[segment.xorb].chunks
            kept: list[int] = []
            for index in range(segment.start, segment.end):
                size = chunks[index].unpacked
                if position < stop and position + size > start:
                    if not runs and not kept:
                        offset = start - position
                    kept.append(index)
                position += size
            if kept:
                unpacked = sum(chunks[index].unpacked for index in kept)
                runs.append(Segment(segment.xorb, kept[0], kept[-1] + 1, unpacked))
        return max(offset, 0), runs

    def size(self, record: FileRecord) -> int:
        """Bytes of the file."""
        return sum(segment.unpacked for segment in record.segments)
