"""Parts of files that lie elsewhere, kept on disk so that none is fetched twice; bounded, the longest unused go first.

A file is known by the sha256 of its contents. Every block has a checksum, so a torn one is fetched again. Who may read
a file is not decided here.
"""

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 128 << 10
LONGEST = 64  # blocks that are fetched in one request: 8 MB, within a deadline on a slow line
STREAMS = 1_000  # places in a file, columns for example, that are read on from at the same time
CHECK = 4  # bytes of a block's checksum; 0 for a block that is not there
TRIM_EVERY = 64 << 20  # bytes that are written between two looks at the size of all
TRIMMED = 0.8  # of the limit is what is left after one
DATA, CHECKS = ".data", ".checks"

Fetch = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Store:
    """Where blocks are kept, and how many bytes all of them may take."""

    folder: Path
    limit: int

    def trim(self) -> None:
        """Forget the files that were not read for longest, until all fit."""
        found = []
        for path in self.folder.glob(f"*{DATA}"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process trims as well
                continue
            found.append((stat.st_mtime_ns, stat.st_blocks * 512, path))
        total = sum(size for _, size, _ in found)
        if total <= self.limit:
            return
        for _, size, path in sorted(found):
            path.with_suffix(CHECKS).unlink(missing_ok=True)  # first: blocks without checksums count as not there
            path.unlink(missing_ok=True)
            total -= size
            if total <= self.limit * TRIMMED:
                return


class Blocks:
    """One file: `read` gives any part of it, from the disk what is there, the rest by `fetch`, which is kept."""

    def __init__(self, store: Store, digest: str, size: int, fetch: Fetch) -> None:
        self._store, self._size, self._fetch = store, size, fetch
        self._path = store.folder / f"{digest}{DATA}"
        self._lock = threading.Lock()
        self._written = 0
        self._ends: dict[int, int] = {}  # last block of what was fetched → how many that were

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop`, which lies within the file; raises what `fetch` raises."""
        first, last = start // BLOCK, (stop - 1) // BLOCK
        blocks = self._kept(first, last)
        missing = [number for number in range(first, last + 1) if number not in blocks]
        for low, wanted in _runs(missing):
            high = self._ahead(low, wanted)
            data = self._fetch(low * BLOCK, min(self._size, (high + 1) * BLOCK))
            fetched = {number: data[(number - low) * BLOCK :][:BLOCK] for number in range(low, high + 1)}
            self._keep(fetched)
            blocks |= fetched
        joined = b"".join(blocks[number] for number in range(first, last + 1))
        return joined[start - first * BLOCK : stop - first * BLOCK]

    def _ahead(self, low: int, wanted: int) -> int:
        """The last block to fetch: where a reader goes on behind the blocks fetched before, twice as many as then."""
        with self._lock:
            before = self._ends.pop(low - 1, 0)
            ahead = min(low + min(2 * before, LONGEST) - 1, (self._size - 1) // BLOCK)
            high = wanted + self._absent(wanted + 1, ahead)
            self._ends[high] = high - low + 1
            if len(self._ends) > STREAMS:
                del self._ends[next(iter(self._ends))]
        return high

    def _absent(self, first: int, last: int) -> int:
        """How many blocks from `first` on are not on the disk, none of them behind `last`."""
        if last < first:
            return 0
        try:
            with self._path.with_suffix(CHECKS).open("rb") as checks:
                sums = os.pread(checks.fileno(), (last - first + 1) * CHECK, first * CHECK)
        except FileNotFoundError:
            sums = b""
        there = (place for place in range(0, len(sums), CHECK) if any(sums[place : place + CHECK]))
        return next(there, (last - first + 1) * CHECK) // CHECK

    def _kept(self, first: int, last: int) -> dict[int, bytes]:
        """Those blocks that are on the disk and whole."""
        found: dict[int, bytes] = {}
        try:
            with self._path.open("rb") as data, self._path.with_suffix(CHECKS).open("rb") as checks:
                os.utime(data.fileno())  # read just now
                sums = os.pread(checks.fileno(), (last - first + 1) * CHECK, first * CHECK)
                for place in range(len(sums) // CHECK):
                    number, wanted = first + place, int.from_bytes(sums[place * CHECK :][:CHECK], "little")
                    block = os.pread(data.fileno(), self._length(number), number * BLOCK) if wanted else b""
                    if block and len(block) == self._length(number) and zlib.crc32(block) == wanted:
                        found[number] = block
        except FileNotFoundError:
            return found
        return found

    def _keep(self, blocks: dict[int, bytes]) -> None:
        self._store.folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT
        data, checks = (os.open(path, flags, 0o600) for path in (self._path, self._path.with_suffix(CHECKS)))
        try:
            for number, block in blocks.items():
                os.pwrite(data, block, number * BLOCK)
                os.pwrite(checks, zlib.crc32(block).to_bytes(CHECK, "little"), number * CHECK)
        except OSError:  # a full disk: what was fetched is still answered with
            return
        finally:
            os.close(data)
            os.close(checks)
        with self._lock:
            self._written += sum(map(len, blocks.values()))
            due = self._written >= min(TRIM_EVERY, self._store.limit // 4)
            self._written = 0 if due else self._written
        if due:
            self._store.trim()

    def _length(self, number: int) -> int:
        return min(BLOCK, self._size - number * BLOCK)


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring blocks together, as (first, last), none longer than `LONGEST`."""
    place = 0
    while place < len(numbers):
        end = place
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1 and end + 1 - place < LONGEST:
            end += 1
        yield numbers[place], numbers[end]
        place = end + 1
