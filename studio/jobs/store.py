"""The job store: all SQL of the studio. Every change of a job's state is a compare-and-set on (state, attempt).

Safe for any number of threads (a connection each) and processes. What runs next is not decided here.
"""

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import Conflict, NotFound
from studio.jobs.job import FINISHED, Attempt, Device, Event, Job, JobState, Lease, Progress, Resources
from studio.jobs.migrations import migrate

# Named, because inside the class `list` is the verb.
Jobs = list[Job]
Events = list[Event]
Attempts = list[Attempt]
Leases = list[Lease]
Names = list[str]

HALF_LIFE = 3600.0  # seconds after which used time counts half in the fair share
BUSY_SECONDS = 15.0
USED_SECONDS = 60  # how long the use of the same model need not be noted again
REMEMBERED_SECONDS = 90 * 86400  # how long it is known who has used which model
SOCKET = "scheduler.sock"
_FLAGS = ("cancel_requested", "needs_token")
_PLAIN = (
    *("id", "recipe", "title", "owner", "key", "state", "attempt", "max_attempts", "priority", "engine"),
    *("measured_memory_bytes", "cancel_requested", "needs_token", "push", "error", "waiting_for", "artifact"),
    *("created_at", "started_at", "finished_at", "retry_at"),
)


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, and what becomes of its job: a finished state, or `retry_wait`."""

    state: JobState
    error: str = ""
    exit_code: int | None = None
    peak_memory_bytes: int = 0
    artifact: str = ""
    retry_at: float = 0
    lost: bool = False


class JobStore:
    """Jobs, attempts, leases, events and usage in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        _ = self._connection  # a file that cannot be used is an error now, not at the first job

    # -- jobs, as their owners see them

    def add(self, job: Job) -> Job:
        """Store a new job; the same owner and key give back the job that is there already."""
        values = {name: getattr(job, name) for name in _PLAIN} | asdict(job.resources) | asdict(job.progress)
        values |= {"params": json.dumps(job.params), "created_at": job.created_at or time.time()}
        with self._change() as sql:
            old = sql.execute("SELECT * FROM job WHERE owner = ? AND key = ?", (job.owner, job.key)).fetchone()
            if old:
                return _job(old)
            marks = ", ".join(f":{name}" for name in values)
            sql.execute(f"INSERT INTO job ({', '.join(values)}) VALUES ({marks})", values)  # noqa: S608  own names
            self._state_event(sql, job.id)
            row = sql.execute("SELECT * FROM job WHERE id = ?", (job.id,)).fetchone()
        self.wake()
        return _job(row)

    def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        row = self._connection.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
        return _job(row) if row else None

    def find(self, owner: str, key: str) -> Job | None:
        """The owner's job with this idempotency key, or None."""
        row = self._connection.execute("SELECT * FROM job WHERE owner = ? AND key = ?", (owner, key)).fetchone()
        return _job(row) if row else None

    def list(
        self, owner: str | None = None, states: Collection[JobState] = (), search: str = "", limit: int = 100
    ) -> Jobs:
        """Jobs, newest first; `owner=None` means everybody's. `search` looks at id, title and recipe."""
        where: Names = ["1"]
        values: Names = []
        if owner is not None:
            where, values = [*where, "owner = ?"], [*values, owner]
        if states:
            where, values = [*where, f"state IN ({_marks(states)})"], [*values, *states]
        if search:
            like = f"%{search.translate(_LIKE)}%"
            where.append(r"(id LIKE ? ESCAPE '\' OR title LIKE ? ESCAPE '\' OR recipe LIKE ? ESCAPE '\')")
            values += [like] * 3
        query = f"SELECT * FROM job WHERE {' AND '.join(where)} ORDER BY created_at DESC, rowid DESC LIMIT ?"  # noqa: S608
        return [_job(row) for row in self._connection.execute(query, (*values, limit))]

    def request_cancel(self, job_id: str) -> Job:
        """Cancel a waiting job at once, a running one through its scheduler; a finished one stays as it is."""
        with self._change() as sql:
            job = self._need(sql, job_id)
            if job.state in (JobState.QUEUED, JobState.RETRY_WAIT):
                sql.execute(
                    "UPDATE job SET state = ?, cancel_requested = 1, finished_at = ?, waiting_for = '' WHERE id = ?",
                    (JobState.CANCELLED, time.time(), job_id),
                )
                self._state_event(sql, job_id)
            elif not job.state.finished and not job.cancel_requested:
                sql.execute("UPDATE job SET cancel_requested = 1 WHERE id = ?", (job_id,))
                self._state_event(sql, job_id)
            job = self._need(sql, job_id)
        self.wake()
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, with as many attempts as it had at first; checkpoints stay."""
        with self._change() as sql:
            job = self._need(sql, job_id)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise Conflict(f"Only a failed or cancelled job can be tried again; this one is {job.state.value}.")
            sql.execute(
                "UPDATE job SET state = ?, max_attempts = attempt + max_attempts - first_attempt, "
                "first_attempt = attempt, cancel_requested = 0, error = '', finished_at = 0, announced = 0 "
                "WHERE id = ?",
                (JobState.QUEUED, job_id),
            )
            self._state_event(sql, job_id)
            job = self._need(sql, job_id)
        self.wake()
        return job

    def delete(self, job_id: str) -> None:
        """Forget a finished job; its folder is the caller's to remove."""
        with self._change() as sql:
            job = self._need(sql, job_id)
            if not job.state.finished:
                raise Conflict(f"A job that is {job.state.value} cannot be deleted; cancel it first.")
            sql.execute("DELETE FROM job WHERE id = ?", (job_id,))
            sql.execute("DELETE FROM event WHERE job = ?", (job_id,))
            self._event(sql, job, "deleted", {})

    def events(self, after: int = 0, job: str = "", owner: str | None = None, limit: int = 500) -> Events:
        """Events with an id greater than `after`, oldest first. Of a job's progress only the newest is kept."""
        rows = self._connection.execute(
            "SELECT * FROM event WHERE id > ? AND (? = '' OR job = ?) AND (? IS NULL OR owner = ?) ORDER BY id LIMIT ?",
            (after, job, job, owner, owner, limit),
        )
        return [
            Event(row["id"], row["job"], row["owner"], row["kind"], json.loads(row["data"]), row["at"]) for row in rows
        ]

    def last_event_id(self) -> int:
        """The newest event's id, 0 when there is none."""
        return int(self._connection.execute("SELECT COALESCE(MAX(id), 0) FROM event").fetchone()[0])

    def attempts(self, job_id: str) -> Attempts:
        """Every try of a job, oldest first."""
        rows = self._connection.execute("SELECT * FROM attempt WHERE job = ? ORDER BY number", (job_id,))
        return [Attempt(**dict(row)) for row in rows]

    def add_artifact(self, job_id: str, artifact_id: str) -> None:
        """Record what a job has left."""
        with self._change() as sql:
            self._add_artifact(sql, self._need(sql, job_id), artifact_id)

    def artifacts(self, job_id: str) -> Names:
        """Ids of what a job has left, oldest first."""
        return [
            row["id"]
            for row in self._connection.execute("SELECT id FROM artifact WHERE job = ? ORDER BY at", (job_id,))
        ]

    def forget_artifact(self, artifact_id: str) -> None:
        """An artifact is gone: no job names it any more."""
        with self._change() as sql:
            sql.execute("DELETE FROM artifact WHERE id = ?", (artifact_id,))
            sql.execute("UPDATE job SET artifact = '' WHERE artifact = ?", (artifact_id,))

    def usage(self, owner: str, now: float | None = None) -> float:
        """Seconds of device time that an owner has used, older ones counting less."""
        row = self._connection.execute("SELECT seconds, at FROM usage WHERE owner = ?", (owner,)).fetchone()
        return decayed(row["seconds"], row["at"], now or time.time()) if row else 0.0

    # -- models, as their users remember them

    def use_model(self, owner: str, task: str, model: str, at: float) -> None:
        """Remember that an owner has used a model for a task; what nobody has used for a quarter is forgotten."""
        query = "SELECT model, at FROM used_model WHERE owner = ? AND task = ? ORDER BY at DESC LIMIT 1"
        newest = self._connection.execute(query, (owner, task)).fetchone()
        if newest and newest["model"] == model and at - newest["at"] < USED_SECONDS:
            return  # reading costs less than writing, and every prediction comes by here
        with self._change() as sql:
            sql.execute("INSERT OR REPLACE INTO used_model VALUES (?, ?, ?, ?)", (owner, task, model, at))
            sql.execute("DELETE FROM used_model WHERE at < ?", (at - REMEMBERED_SECONDS,))

    def recent_models(self, owner: str, task: str, limit: int) -> Names:
        """What an owner has used for a task, newest first."""
        query = "SELECT model FROM used_model WHERE owner = ? AND task = ? ORDER BY at DESC LIMIT ?"
        return [row["model"] for row in self._connection.execute(query, (owner, task, limit))]

    # -- what schedulers do

    def set_devices(self, devices: Sequence[Device]) -> None:
        """Store what this machine has to hand out."""
        with self._change() as sql:
            sql.execute("DELETE FROM device")
            rows = [(device.id, device.kind, device.index, device.memory_bytes, device.name) for device in devices]
            sql.executemany("INSERT INTO device VALUES (?, ?, ?, ?, ?)", rows)

    def devices(self) -> Sequence[Device]:
        """The devices that the last scheduler has found."""
        rows = self._connection.execute("SELECT * FROM device ORDER BY rowid")
        return [Device(row["id"], row["kind"], row["number"], row["memory_bytes"], row["name"]) for row in rows]

    def leases(self) -> Leases:
        """Everything that is handed out now."""
        return [Lease(**dict(row)) for row in self._connection.execute("SELECT * FROM lease ORDER BY granted_at")]

    def claim(self, job: Job, lease: Lease, seen: Sequence[Lease]) -> bool:
        """Admit a queued job and grant its lease, unless the job or the set of leases has changed since it was seen."""
        with self._change() as sql:
            granted = {(row["job"], row["attempt"]) for row in sql.execute("SELECT job, attempt FROM lease")}
            if granted != {(other.job, other.attempt) for other in seen}:
                return False
            changed = sql.execute(
                "UPDATE job SET state = ?, attempt = ?, waiting_for = '', done = 0, total = 0, message = '', "
                "retry_at = 0 WHERE id = ? AND state = ? AND attempt = ? AND cancel_requested = 0",
                (JobState.ADMITTED, lease.attempt, job.id, JobState.QUEUED, job.attempt),
            )
            if changed.rowcount != 1:
                return False
            values = asdict(lease)
            marks = ", ".join(f":{name}" for name in values)
            sql.execute(f"INSERT INTO lease ({', '.join(values)}) VALUES ({marks})", values)  # noqa: S608  own names
            sql.execute(
                "INSERT INTO attempt (job, number, started_at) VALUES (?, ?, ?)", (job.id, lease.attempt, time.time())
            )
            self._state_event(sql, job.id)
        return True

    def unclaim(self, job: Job, waiting_for: str) -> bool:
        """Put an admitted job that was never launched back into the queue, as if nothing had been."""
        with self._change() as sql:
            if not self._move(sql, job, JobState.QUEUED, attempt=job.attempt - 1, waiting_for=waiting_for):
                return False
            sql.execute("DELETE FROM lease WHERE job = ?", (job.id,))
            sql.execute("DELETE FROM attempt WHERE job = ? AND number = ?", (job.id, job.attempt))
        return True

    def advance(self, job: Job, state: JobState) -> bool:
        """From one active state to a later one; False when somebody else was faster."""
        started = {"started_at": time.time()} if state is JobState.RUNNING and not job.started_at else {}
        with self._change() as sql:
            return self._move(sql, job, state, **started)

    def requeue(self, job: Job) -> bool:
        """The pause after a lost attempt is over."""
        with self._change() as sql:
            return self._move(sql, job, JobState.QUEUED, retry_at=0)

    def fail_queued(self, job: Job, error: str) -> bool:
        """End a job that can never be started."""
        with self._change() as sql:
            return self._move(sql, job, JobState.FAILED, error=error, waiting_for="", finished_at=time.time())

    def settle(self, job: Job, ending: Ending) -> bool:
        """End an attempt: the job's next state, the attempt's figures, the usage and the lease, all in one step."""
        now = time.time()
        final = ending.state in FINISHED
        with self._change() as sql:
            if ending.lost and not self._move(sql, job, JobState.LOST):
                return False
            seen = self._need(sql, job.id) if ending.lost else job
            changes: dict[str, Any] = {"error": ending.error, "retry_at": ending.retry_at, "waiting_for": ""}
            changes |= {"artifact": ending.artifact} if ending.artifact else {}
            changes |= {"finished_at": now} if final else {}
            changes |= {"measured_memory_bytes": ending.peak_memory_bytes} if ending.peak_memory_bytes else {}
            lease = sql.execute("DELETE FROM lease WHERE job = ? RETURNING granted_at", (job.id,)).fetchone()
            if not job.started_at and lease:  # it ended before anybody saw it run
                changes["started_at"] = lease["granted_at"]
            if not self._move(sql, seen, ending.state, **changes):
                raise Conflict(f"Job {job.id} has changed meanwhile.")
            sql.execute(
                "UPDATE attempt SET exit_code = ?, peak_memory_bytes = ?, error = ?, finished_at = ? "
                "WHERE job = ? AND number = ?",
                (ending.exit_code, ending.peak_memory_bytes, ending.error, now, job.id, job.attempt),
            )
            if ending.artifact:
                self._add_artifact(sql, job, ending.artifact)
            if lease:
                self._charge(sql, job.owner, now - lease["granted_at"], now)
        return True

    def launched(self, job: Job, attempt: Attempt) -> None:
        """Store an attempt's handle and processes."""
        with self._change() as sql:
            sql.execute(
                "UPDATE attempt SET handle = ?, pid = ?, pid_started = ?, boot_id = ? WHERE job = ? AND number = ?",
                (attempt.handle, attempt.pid, attempt.pid_started, attempt.boot_id, job.id, attempt.number),
            )

    def renew(self, lease: Lease, expires_at: float) -> None:
        """Say that somebody watches this attempt."""
        with self._change() as sql:
            values = (expires_at, lease.job, lease.attempt)
            sql.execute("UPDATE lease SET expires_at = ? WHERE job = ? AND attempt = ?", values)

    def update_progress(self, job: Job, progress: Progress) -> None:
        """Store how far a job is; the event replaces the job's last one of its kind."""
        if progress == job.progress:
            return
        with self._change() as sql:
            changed = sql.execute(
                "UPDATE job SET done = ?, total = ?, message = ? WHERE id = ? AND attempt = ? AND finished_at = 0",
                (progress.done, progress.total, progress.message, job.id, job.attempt),
            )
            if changed.rowcount:
                sql.execute("DELETE FROM event WHERE job = ? AND kind = 'progress'", (job.id,))
                self._event(sql, job, "progress", asdict(progress))

    def set_waiting(self, job: Job, reason: str) -> None:
        """Say in words why a queued job does not start."""
        if reason == job.waiting_for:
            return
        with self._change() as sql:
            self._move(sql, job, job.state, waiting_for=reason)

    def unannounced(self) -> Jobs:
        """Finished jobs whose end nobody has been told of."""
        query = f"SELECT * FROM job WHERE announced = 0 AND state IN ({_marks(FINISHED)}) ORDER BY finished_at"  # noqa: S608
        return [_job(row) for row in self._connection.execute(query, tuple(FINISHED))]

    def announced(self, job: Job) -> None:
        """Somebody has been told of this job's end."""
        with self._change() as sql:
            sql.execute("UPDATE job SET announced = 1 WHERE id = ? AND attempt = ?", (job.id, job.attempt))

    def measured(self, recipe: str, limit: int) -> Sequence[tuple[int, int]]:
        """(predicted, measured) peak bytes of a recipe's last finished jobs, newest first."""
        rows = self._connection.execute(
            "SELECT memory_bytes, measured_memory_bytes FROM job WHERE recipe = ? AND state = ? AND memory_bytes > 0 "
            "AND measured_memory_bytes > 0 ORDER BY finished_at DESC LIMIT ?",
            (recipe, JobState.SUCCEEDED, limit),
        )
        return [(row[0], row[1]) for row in rows]

    def wake(self) -> None:
        """Poke the scheduler, if one listens; it looks by itself a little later otherwise."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as poke:
            poke.setblocking(False)
            try:
                poke.sendto(b"!", str(self.path.with_name(SOCKET)))
            except OSError:  # nobody listens, its buffer is full, or the path is too long for a socket
                return

    # -- inside

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _open(self.path)
        return connection

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first statement on."""
        sql = self._connection
        sql.execute("BEGIN IMMEDIATE")
        try:
            yield sql
        except BaseException:
            sql.execute("ROLLBACK")
            raise
        sql.execute("COMMIT")

    def _need(self, sql: sqlite3.Connection, job_id: str) -> Job:
        row = sql.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound(f"There is no job {job_id!r}.")
        return _job(row)

    def _move(self, sql: sqlite3.Connection, job: Job, state: JobState, **changes: Any) -> bool:
        """The compare-and-set: only a job that still is what the caller has seen changes."""
        names = ", ".join(f"{name} = :{name}" for name in ("state", *changes))
        changed = sql.execute(
            f"UPDATE job SET {names} WHERE id = :_id AND state = :_state AND attempt = :_attempt",  # noqa: S608  own names
            {"state": state, **changes, "_id": job.id, "_state": job.state, "_attempt": job.attempt},
        )
        if changed.rowcount == 1:
            self._state_event(sql, job.id)
        return changed.rowcount == 1

    def _state_event(self, sql: sqlite3.Connection, job_id: str) -> None:
        job = self._need(sql, job_id)
        data = {
            name: getattr(job, name) for name in ("attempt", "error", "waiting_for", "artifact", "cancel_requested")
        }
        self._event(sql, job, "state", {"state": job.state.value, **data})

    def _event(self, sql: sqlite3.Connection, job: Job, kind: str, data: dict[str, Any]) -> None:
        values = (job.id, job.owner, kind, json.dumps(data), time.time())
        sql.execute("INSERT INTO event (job, owner, kind, data, at) VALUES (?, ?, ?, ?, ?)", values)

    def _add_artifact(self, sql: sqlite3.Connection, job: Job, artifact_id: str) -> None:
        sql.execute("INSERT OR IGNORE INTO artifact VALUES (?, ?, ?)", (artifact_id, job.id, time.time()))
        self._event(sql, job, "artifact", {"artifact": artifact_id})

    def _charge(self, sql: sqlite3.Connection, owner: str, seconds: float, now: float) -> None:
        total = self.usage(owner, now) + max(0.0, seconds)
        sql.execute("INSERT OR REPLACE INTO usage VALUES (?, ?, ?)", (owner, total, now))


_LIKE = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


def decayed(seconds: float, at: float, now: float) -> float:
    """Used time as it counts at `now`: half after every `HALF_LIFE`."""
    return float(seconds * 0.5 ** (max(0.0, now - at) / HALF_LIFE))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:  # the change of mode does not wait for the lock by itself
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)
    return connection


def _job(row: sqlite3.Row) -> Job:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: bool(row[name]) for name in _FLAGS} | {"state": JobState(row["state"])}
    return Job(
        **values,
        params=json.loads(row["params"]),
        resources=Resources(row["memory_bytes"], bool(row["gpu"]), row["threads"]),
        progress=Progress(row["done"], row["total"], row["message"]),
    )


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
