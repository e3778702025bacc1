"""Bounded folders: what was not used for longest goes, what is under way stays, what killed processes left is swept."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from studio.core.errors import JobCancelled
from studio.core.settings import Settings
from studio.data import indexes, parquet, room
from studio.data.indexes import Index
from studio.data.room import DAY, Room


def made(folder: Path, name: str, age: float) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "file").write_bytes(os.urandom(100_000))
    for one in (path / "file", path):
        os.utime(one, (time.time() - age, time.time() - age))
    return path


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    ages = {"old": 5_000, "older": 9_000, "new": 1, ".under way": 8_000, ".dead": DAY + 60}
    paths = {name: made(tmp_path, name, age) for name, age in ages.items()}
    Room(tmp_path, 450_000, 3_600).trim()
    assert {name for name, path in paths.items() if path.exists()} == {"old", "older", "new", ".under way"}
    Room(tmp_path, 320_000, 3_600).trim()
    assert {name for name, path in paths.items() if path.exists()} == {"new", ".under way"}
    Room(tmp_path, 0, 3_600).trim()
    assert paths["new"].exists(), "what was used just now stays"
    Room(tmp_path / "nothing", 0).trim()


def test_indexes_are_bounded_and_built_by_one_at_a_time(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, max_prepared_mb=16)
    old = made(tmp_path / "indexes", "old", 7_200)
    (old / "vectors").write_bytes(os.urandom(17_000_000))
    place = tmp_path / "indexes" / "new"
    turns = iter([None, None, JobCancelled])

    def check() -> None:
        if (turn := next(turns)) is not None:
            raise turn

    with indexes.alone(place, lambda: None):
        with pytest.raises(JobCancelled), indexes.alone(place, check):
            pass
        indexes.building(place).mkdir()
        indexes.finish(place, Index("words", "train", ("text",), 3), settings)
    os.utime(old, (1, 1))
    with indexes.alone(place, lambda: None):
        indexes.building(place).mkdir()
        indexes.finish(place, Index("words", "train", ("text",), 3), settings)
    assert not old.exists()
    assert indexes.load(place) == Index("words", "train", ("text",), 3)


def test_what_a_killed_process_spilled_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"{room.PREFIX}{ended.pid}-abc"
    mine = tmp_path / f"{room.PREFIX}{os.getpid()}-abc"
    for path in (left, mine, tmp_path / "other"):
        path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(room._swept, "at", float("-inf"))
    with parquet.connect([]) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert not left.exists()
    assert mine.exists()
    assert (tmp_path / "other").exists()
