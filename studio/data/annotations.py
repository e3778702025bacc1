"""Where annotations lie: an SQLite database for each owner, with every change kept so that it can be undone.

All SQL about them is here. Each call has a connection and a transaction of its own, so that two tabs, two processes
and a restart are safe.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import Conflict, NotFound
from studio.core.settings import Settings
from studio.data import owned
from studio.data.marks import Plan
from studio.data.records import Dataset

WAIT = 30.0  # seconds for somebody else's transaction
TABLES = """
CREATE TABLE IF NOT EXISTS work (
    id TEXT PRIMARY KEY, ref TEXT NOT NULL, title TEXT NOT NULL, plan TEXT NOT NULL, fingerprint TEXT NOT NULL,
    rows INTEGER NOT NULL, created_at REAL NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS mark (
    work TEXT NOT NULL, row INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (work, row)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (
    place INTEGER PRIMARY KEY AUTOINCREMENT, work TEXT NOT NULL, row INTEGER NOT NULL, before TEXT);
CREATE INDEX IF NOT EXISTS change_of ON change (work, place);
"""
SKIPPED = "null"
MOST_UNDONE = 1_000  # changes of a piece of work that can be taken back


@dataclass(frozen=True)
class Work:
    """One piece of annotation.

    Attributes:
        ref, fingerprint: the data set, and its state when the work began.
        rows: of the split.
        done, skipped: rows that have an answer; rows that were passed over.
    """

    id: str
    ref: str
    title: str
    plan: Plan
    fingerprint: str
    rows: int
    created_at: float
    changed_at: float
    done: int = 0
    skipped: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"plan": self.plan.model_dump(mode="json")}


class Annotations:
    """One owner's annotations."""

    def __init__(self, settings: Settings, owner: str) -> None:
        self.path: Path = settings.home / "annotations" / f"{owned.folder(settings, owner).name}.db"

    def start(self, dataset: Dataset, plan: Plan) -> Work:
        """Begin, or go on with what is there under this name; classes may have come since.

        Raises `Conflict` for another question under the same name, and for a class that is gone but was given.
        """
        work_id = hashlib.sha256(f"{dataset.info.ref}\0{plan.split}\0{plan.name}".encode()).hexdigest()[:16]
        now, fingerprint = time.time(), dataset.fingerprint()
        with self._writing() as db:
            known = db.execute("SELECT plan FROM work WHERE id = ?", [work_id]).fetchone()
            marked = db.execute("SELECT value FROM mark WHERE work = ?", [work_id]).fetchall()
            if known and marked:
                _check_change(Plan.model_validate_json(known[0]), plan, (json.loads(value) for (value,) in marked))
            db.execute(
                "INSERT INTO work VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET plan = excluded.plan, changed_at = excluded.changed_at",
                [
                    work_id, dataset.info.ref, dataset.info.title, plan.model_dump_json(), fingerprint,
                    dataset.info.splits[plan.split], now, now,
                ],
            )  # fmt: skip
        return self.get(work_id)

    def list_all(self, ref: str = "") -> list[Work]:
        """All of the owner's, or those of a data set; what was changed last comes first."""
        if not self.path.is_file():
            return []
        with self._reading() as db:
            query = "SELECT id FROM work WHERE ref = ? OR ? = '' ORDER BY changed_at DESC, id"
            found = [work_id for (work_id,) in db.execute(query, [ref, ref])]
        return [self.get(work_id) for work_id in found]

    def get(self, work_id: str) -> Work:
        """One; raises `NotFound`."""
        with self._reading() as db:
            row = db.execute("SELECT * FROM work WHERE id = ?", [work_id]).fetchone()
            if row is None:
                raise NotFound(f"There is no annotation {work_id[:40]!r} of yours.")
            counts = "SELECT count(*), coalesce(sum(value = ?), 0) FROM mark WHERE work = ?"
            total, skipped = db.execute(counts, [SKIPPED, work_id]).fetchone()
        _, ref, title, plan, fingerprint, rows, created, changed = row
        known = Plan.model_validate_json(plan)
        return Work(work_id, ref, title, known, fingerprint, rows, created, changed, total - skipped, skipped)

    def put(self, work_id: str, row: int, value: Any) -> None:
        """Keep an answer, in the place of an earlier one."""
        with self._writing() as db:
            before = db.execute("SELECT value FROM mark WHERE work = ? AND row = ?", [work_id, row]).fetchone()
            db.execute("INSERT INTO change (work, row, before) VALUES (?, ?, ?)", [work_id, row, before and before[0]])
            db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", [work_id, row, json.dumps(value)])
            db.execute("UPDATE work SET changed_at = ? WHERE id = ?", [time.time(), work_id])
            oldest = "SELECT place FROM change WHERE work = ? ORDER BY place DESC LIMIT 1 OFFSET ?"
            db.execute(f"DELETE FROM change WHERE work = ? AND place <= ({oldest})", [work_id, work_id, MOST_UNDONE])  # noqa: S608

    def undo(self, work_id: str) -> int | None:
        """Take the last change back; the row that it was about, None when there is nothing to take back."""
        with self._writing() as db:
            query = "SELECT place, row, before FROM change WHERE work = ? ORDER BY place DESC LIMIT 1"
            last = db.execute(query, [work_id]).fetchone()
            if last is None:
                return None
            place, row, before = last
            db.execute("DELETE FROM change WHERE place = ?", [place])
            if before is None:
                db.execute("DELETE FROM mark WHERE work = ? AND row = ?", [work_id, row])
            else:
                db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", [work_id, row, before])
        return int(row)

    def between(self, work_id: str, start: int, end: int) -> dict[int, Any]:
        """Row → answer, from one row to before another; None for rows that were passed over."""
        with self._reading() as db:
            query = "SELECT row, value FROM mark WHERE work = ? AND row >= ? AND row < ? ORDER BY row"
            return {row: json.loads(value) for row, value in db.execute(query, [work_id, start, end])}

    def first_open(self, work_id: str, rows: int, start: int = 0) -> int | None:
        """The first row from `start` on that has no answer, then from the beginning; None when all have one."""
        return self._gap(work_id, start, rows) if start < rows else self._gap(work_id, 0, rows)

    def marked(self, work_id: str) -> list[int]:
        """The rows that have an answer or were passed over."""
        with self._reading() as db:
            return [row for (row,) in db.execute("SELECT row FROM mark WHERE work = ?", [work_id])]

    def delete(self, work_id: str) -> None:
        """Forget it with all its answers; raises `NotFound`."""
        self.get(work_id)
        with self._writing() as db:
            for table, column in (("mark", "work"), ("change", "work"), ("work", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", [work_id])  # noqa: S608

    def _gap(self, work_id: str, start: int, rows: int) -> int | None:
        query = (
            "SELECT min(row) + 1 FROM mark AS m WHERE work = ?1 AND row >= ?2 "
            "AND NOT EXISTS (SELECT 1 FROM mark WHERE work = ?1 AND row = m.row + 1)"
        )
        with self._reading() as db:
            here = "SELECT 1 FROM mark WHERE work = ? AND row = ?"
            if db.execute(here, [work_id, start]).fetchone() is None:
                return start if start < rows else None
            found = db.execute(query, [work_id, start]).fetchone()[0]
        if found is not None and found < rows:
            return int(found)
        return self._gap(work_id, 0, rows) if start else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else writes in; whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")  # an answer that was shown as kept is on the disk
            for statement in TABLES.split(";"):
                db.execute(statement)
            yield db
        finally:
            db.close()


def _check_change(known: Plan, plan: Plan, values: Iterator[Any]) -> None:
    """Classes and the order of rows may change; the question may not, once there are answers."""
    free = {"classes", "confidence", "several"}
    if known.model_dump(exclude=free) != plan.model_dump(exclude=free) or (known.several and not plan.several):
        raise Conflict(f"{plan.name!r} asks something else already. Choose another name, or delete those answers.")
    gone = set(known.classes) - set(plan.classes)
    if used := next((name for value in values for name in _names(value) if name in gone), ""):
        raise Conflict(f"The class {used!r} was given to rows; it can only go when none has it.")


def _names(value: Any) -> Sequence[str]:
    if not isinstance(value, list):
        return ()
    return [str(one["label"]) if isinstance(one, Mapping) else str(one) for one in value]
