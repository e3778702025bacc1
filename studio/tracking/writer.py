"""Writes a run's metrics with trackio's own storage code, so that trackio's dashboard reads them too.

No server, no network: rows are collected in memory and handed to trackio once a second. Reading is `reader`'s.
"""

import json
import math
import os
import sqlite3
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput

FLUSH_SECONDS = 1.0


class TrackioWriter:
    """One run; satisfies `studio.jobs.context.Tracker`. What a SIGKILL can cost is the last `FLUSH_SECONDS`.

    A run that exists already is continued: when a later attempt logs a step again, what the dead attempt had
    stored from that step on is replaced, so the curves of both trackio's dashboard and the studio show one line.

    Args:
        directory: trackio's folder (TRACKIO_DIR); made when missing.
        project: becomes the name of the database file.
        run: name and id of the run; unique in the project.
        config: what is shown beside the run: parameters, data, versions. Plain JSON values; anything else as text.

    Raises `InvalidInput` for a project name that cannot be a file name.
    """

    def __init__(self, directory: Path, project: str, run: str, config: Mapping[str, Any]) -> None:
        self.project, self.run = project, run
        self._storage = _storage(directory)
        if self._storage.get_project_db_filename(project) != f"{project}.db":
            raise InvalidInput("project", project, "Use letters, digits, - and _ only.")
        self._config: dict[str, Any] | None = {
            **json.loads(json.dumps(dict(config), default=str)),
            "_Created": _now(),
        }
        self._rows: list[tuple[int, str, dict[str, float]]] = []
        self._repeats = True
        self._lock, self._flushing, self._stop = threading.Lock(), threading.Lock(), threading.Event()
        self._database = Path(self._storage.init_db(project))
        self._keep_created()
        self._thread = threading.Thread(target=self._loop, name="trackio-writer", daemon=True)
        self._thread.start()

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Store scalars of one step; returns at once."""
        row = (int(step), _now(), {name: _number(value) for name, value in metrics.items()})
        with self._lock:
            self._rows.append(row)

    def flush(self) -> None:
        """Write what is pending now; raises `sqlite3.Error` or `OSError` when that fails, and keeps the rows."""
        with self._flushing:
            with self._lock:
                rows = list(self._rows)
            if not rows:
                return
            if self._repeats:
                self._drop_repeated(rows[0][0])
            self._storage.bulk_log(
                self.project,
                self.run,
                [metrics for _, _, metrics in rows],
                steps=[step for step, _, _ in rows],
                timestamps=[at for _, at, _ in rows],
                config=self._config,
                run_id=self.run,
            )
            self._repeats, self._config = False, None
            with self._lock:
                del self._rows[: len(rows)]

    def finish(self) -> None:
        """Write out what is pending and stop; may be called twice."""
        self._stop.set()
        self._thread.join()
        self.flush()

    def _loop(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except (sqlite3.Error, OSError):
                continue  # a full disk or a busy file: the rows stay, the next second tries again, `finish` reports

    def _keep_created(self) -> None:
        """A continued run keeps the time at which it first started."""
        stored = self._storage.get_run_config(self.project, run_id=self.run) or {}
        if self._config is not None and "_Created" in stored:
            self._config["_Created"] = stored["_Created"]

    def _drop_repeated(self, first_step: int) -> None:
        """Forget what an earlier attempt stored from this step on."""
        connection = sqlite3.connect(self._database, timeout=30)
        try:
            with connection:
                connection.execute("DELETE FROM metrics WHERE run_id = ? AND step >= ?", (self.run, first_step))
        finally:
            connection.close()


def _storage(directory: Path) -> Any:
    """Trackio's storage class, bound to `directory`.

    trackio reads its folder from the environment when it is imported. A forked runner may have it imported already,
    for another folder, hence the two assignments. On a Space trackio would lock the file for one process for good;
    the web process has to read beside the runner, hence the locking mode.
    """
    directory.mkdir(parents=True, exist_ok=True)
    os.environ["TRACKIO_DIR"] = str(directory)
    os.environ["TRACKIO_SQLITE_LOCKING_MODE"] = "normal"
    from trackio import sqlite_storage, utils

    utils.TRACKIO_DIR = sqlite_storage.TRACKIO_DIR = directory
    sqlite_storage.SQLiteStorage._dataset_import_attempted = True  # never fetch a remote copy, whatever the environment
    return sqlite_storage.SQLiteStorage


def _number(value: float) -> float:
    """A plain int or float: numpy scalars and one-element tensors would not survive JSON."""
    plain = float(value)
    return int(plain) if math.isfinite(plain) and isinstance(value, int) else plain


def _now() -> str:
    return datetime.now(UTC).isoformat()
