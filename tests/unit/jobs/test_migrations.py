"""Old files, failing steps, files from the future, two processes at once."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.core.errors import StudioError
from studio.jobs.migrations import MIGRATIONS, migrate
from studio.jobs.store import JobStore
from tests.kill import harness


def version(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def add_note(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE job ADD COLUMN note TEXT NOT NULL DEFAULT 'old'")


def fail_half_way(connection: sqlite3.Connection) -> None:
    add_note(connection)
    raise sqlite3.OperationalError("half way")


def test_new_file_gets_the_newest_version(tmp_path: Path) -> None:
    JobStore(tmp_path / "studio.db")
    assert version(tmp_path / "studio.db") == len(MIGRATIONS)


def test_rows_of_an_old_file_are_kept(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "studio.db")
    job = store.add(harness.job())
    connection = sqlite3.connect(store.path, isolation_level=None)
    assert migrate(connection, (*MIGRATIONS, add_note)) == 1
    assert migrate(connection, (*MIGRATIONS, add_note)) == 0
    assert connection.execute("SELECT id, note FROM job").fetchall() == [(job.id, "old")]
    connection.close()


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "studio.db")
    job = store.add(harness.job())
    connection = sqlite3.connect(store.path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="half way"):
        migrate(connection, (*MIGRATIONS, fail_half_way))
    connection.close()
    assert version(store.path) == len(MIGRATIONS)
    assert JobStore(store.path).get(job.id) == job


def test_a_file_of_a_newer_studio_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "studio.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StudioError, match="has version 99"):
        JobStore(tmp_path / "studio.db")


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: JobStore(tmp_path / "studio.db"), range(8)))
    job = stores[0].add(harness.job())
    assert all(store.get(job.id) == job for store in stores)
