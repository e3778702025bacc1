"""Blocks of remote files on disk: each is fetched once, torn ones again, and all of them stay within the limit."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.data import blocks
from studio.data.blocks import BLOCK, Blocks, Store

CONTENT = random.Random(1).randbytes(5 * BLOCK + 1234)


class Source:
    """Counts what is fetched."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content, self.asked = content, list[tuple[int, int]]()

    def __call__(self, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        return self.content[start:stop]


@pytest.fixture
def source() -> Source:
    return Source()


def opened(folder: Path, source: Source, limit: int = 10**9, digest: str = "abc") -> Blocks:
    return Blocks(Store(folder / "parts", limit), digest, len(source.content), source)


def test_any_part_equals_the_file(tmp_path: Path, source: Source) -> None:
    chosen, file = random.Random(2), opened(tmp_path, source)
    for _ in range(200):
        start = chosen.randrange(len(CONTENT))
        stop = chosen.randrange(start, len(CONTENT)) + 1
        assert file.read(start, stop) == CONTENT[start:stop]
    assert sum(stop - start for start, stop in source.asked) == len(CONTENT)


def test_neighbours_are_fetched_together_and_never_twice(tmp_path: Path, source: Source) -> None:
    file = opened(tmp_path, source)
    file.read(2 * BLOCK, 2 * BLOCK + 1)
    file.read(0, len(CONTENT))
    assert source.asked == [(2 * BLOCK, 3 * BLOCK), (0, 2 * BLOCK), (3 * BLOCK, len(CONTENT))]
    opened(tmp_path, source).read(0, len(CONTENT))  # of another process
    assert len(source.asked) == 3


def test_a_long_way_is_fetched_in_portions(tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONGEST", 2)
    assert opened(tmp_path, source).read(0, len(CONTENT)) == CONTENT
    assert len(source.asked) == 3


def test_a_torn_block_is_fetched_again(tmp_path: Path, source: Source) -> None:
    opened(tmp_path, source).read(0, len(CONTENT))
    path = tmp_path / "parts" / "abc.data"
    data = bytearray(path.read_bytes())
    data[BLOCK + 5] ^= 1
    path.write_bytes(data[: 4 * BLOCK + 3])
    assert opened(tmp_path, source).read(0, len(CONTENT)) == CONTENT
    assert source.asked[1:] == [(BLOCK, 2 * BLOCK), (4 * BLOCK, len(CONTENT))]


def test_all_files_stay_within_the_limit(tmp_path: Path) -> None:
    limit = 8 * BLOCK
    for number in range(6):
        source = Source(random.Random(number).randbytes(3 * BLOCK))
        file = opened(tmp_path, source, limit, f"file{number}")
        for start in range(0, 3 * BLOCK, BLOCK):
            assert file.read(start, start + BLOCK) == source.content[start : start + BLOCK]
    kept = sorted((tmp_path / "parts").glob("*.data"))
    assert sum(path.stat().st_blocks * 512 for path in kept) <= limit
    assert kept[-1].stem == "file5"
    assert {path.stem for path in (tmp_path / "parts").glob("*.checks")} == {path.stem for path in kept}


def test_a_file_beyond_the_limit_is_still_read(tmp_path: Path) -> None:
    source = Source(random.Random(3).randbytes(20 * BLOCK))
    file = opened(tmp_path, source, 4 * BLOCK)
    assert b"".join(file.read(start, start + BLOCK) for start in range(0, 20 * BLOCK, BLOCK)) == source.content


def test_many_threads(tmp_path: Path, source: Source) -> None:
    file = opened(tmp_path, source, 6 * BLOCK)
    places = [random.Random(n).randrange(len(CONTENT) - 1000) for n in range(300)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: file.read(place, place + 1000), places))
    assert found == [CONTENT[place : place + 1000] for place in places]


def test_a_failure_leaves_nothing_wrong(tmp_path: Path, source: Source) -> None:
    def fails(start: int, stop: int) -> bytes:
        raise ConnectionError

    store = Store(tmp_path / "parts", 10**9)
    with pytest.raises(ConnectionError):
        Blocks(store, "abc", len(CONTENT), fails).read(0, 10)
    assert Blocks(store, "abc", len(CONTENT), source).read(0, 10) == CONTENT[:10]


def test_who_reads_on_gets_more_at_once(tmp_path: Path) -> None:
    source = Source(random.Random(4).randbytes(40 * BLOCK))
    file = opened(tmp_path, source)
    for start in range(0, 40 * BLOCK, BLOCK // 4):
        assert file.read(start, start + BLOCK // 4) == source.content[start : start + BLOCK // 4]
    lengths = [(stop - start) // BLOCK for start, stop in source.asked]
    assert lengths == [1, 2, 4, 8, 16, 9]


def test_reading_on_stops_at_what_is_there(tmp_path: Path) -> None:
    source = Source(random.Random(4).randbytes(40 * BLOCK))
    file = opened(tmp_path, source)
    file.read(3 * BLOCK, 4 * BLOCK)
    for number in range(10):
        file.read(number * BLOCK, (number + 1) * BLOCK)
    assert sorted(source.asked) == [
        (0, BLOCK),
        (BLOCK, 3 * BLOCK),
        (3 * BLOCK, 4 * BLOCK),
        (4 * BLOCK, 6 * BLOCK),
        (6 * BLOCK, 10 * BLOCK),
    ]
