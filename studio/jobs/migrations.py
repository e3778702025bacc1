"""The database's schema as numbered steps. A step that has been released is never edited; the next one is added."""

import sqlite3
from collections.abc import Callable, Sequence

from studio.core.errors import StudioError

Migration = Callable[[sqlite3.Connection], None]

_TABLES = (
    """CREATE TABLE job (
        id TEXT PRIMARY KEY, recipe TEXT NOT NULL, title TEXT NOT NULL, params TEXT NOT NULL, owner TEXT NOT NULL,
        key TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, max_attempts INTEGER NOT NULL,
        first_attempt INTEGER NOT NULL DEFAULT 0, priority INTEGER NOT NULL, engine TEXT NOT NULL,
        memory_bytes INTEGER NOT NULL, gpu INTEGER NOT NULL, threads INTEGER NOT NULL,
        measured_memory_bytes INTEGER NOT NULL DEFAULT 0, cancel_requested INTEGER NOT NULL DEFAULT 0,
        needs_token INTEGER NOT NULL DEFAULT 0, push TEXT NOT NULL DEFAULT '', done REAL NOT NULL DEFAULT 0,
        total REAL NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
        waiting_for TEXT NOT NULL DEFAULT '', artifact TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL,
        started_at REAL NOT NULL DEFAULT 0, finished_at REAL NOT NULL DEFAULT 0, retry_at REAL NOT NULL DEFAULT 0,
        announced INTEGER NOT NULL DEFAULT 0, UNIQUE (owner, key))""",
    "CREATE INDEX job_state ON job (state, created_at)",
    "CREATE INDEX job_owner ON job (owner, created_at)",
    """CREATE TABLE attempt (
        job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, number INTEGER NOT NULL,
        handle TEXT NOT NULL DEFAULT '', pid INTEGER NOT NULL DEFAULT 0, pid_started INTEGER NOT NULL DEFAULT 0,
        boot_id TEXT NOT NULL DEFAULT '', exit_code INTEGER, peak_memory_bytes INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT '', started_at REAL NOT NULL, finished_at REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (job, number))""",
    """CREATE TABLE device (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, number INTEGER NOT NULL, memory_bytes INTEGER NOT NULL,
        name TEXT NOT NULL)""",
    """CREATE TABLE lease (
        job TEXT PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE, attempt INTEGER NOT NULL, device TEXT NOT NULL,
        memory_bytes INTEGER NOT NULL, threads INTEGER NOT NULL, holder TEXT NOT NULL, granted_at REAL NOT NULL,
        expires_at REAL NOT NULL)""",
    # AUTOINCREMENT: an id is never given twice, so that a follower's last id stays meaningful after a deletion.
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL,
        data TEXT NOT NULL, at REAL NOT NULL)""",
    "CREATE INDEX event_job ON event (job, id)",
    """CREATE TABLE artifact (
        id TEXT NOT NULL, job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, at REAL NOT NULL,
        PRIMARY KEY (job, id))""",
    "CREATE TABLE usage (owner TEXT PRIMARY KEY, seconds REAL NOT NULL, at REAL NOT NULL)",
)


def _tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


def _used_models(connection: sqlite3.Connection) -> None:
    """Which model an owner has used for which task, and when last."""
    connection.execute(
        "CREATE TABLE used_model (owner TEXT NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL, at REAL NOT NULL, "
        "PRIMARY KEY (owner, task, model))"
    )


MIGRATIONS: tuple[Migration, ...] = (_tables, _used_models)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Bring a database to the newest version, all of it or nothing; returns how many steps were taken.

    Two processes may open an old file at once: the write lock is taken before the version is read.
    Raises `StudioError` for a file that a newer Studio has written.
    """
    if _version(connection) == len(migrations):
        return 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version > len(migrations):
            raise StudioError(f"The job store has version {version}; this Studio knows {len(migrations)}. Update it.")
        for step in migrations[version:]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return len(migrations) - version


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
