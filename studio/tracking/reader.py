"""Reads trackio's files, read-only, through one schema check. The studio's only reader of them; never writes."""

import json
import math
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from studio.core.errors import NotFound, StudioError, shorten

COLUMNS = {
    "metrics": {"id", "run_id", "run_name", "timestamp", "step", "metrics"},
    "configs": {"run_id", "run_name", "config", "created_at"},
}
SCHEMA_VERSIONS = (1, 2)
# by id, for only that is indexed beside the metrics; the studio's own runs have their name as id
NAMED = """WHERE run_id IN (
    SELECT value FROM json_each(:names)
    UNION SELECT run_id FROM configs WHERE run_name IN (SELECT value FROM json_each(:names))
)"""
NEWEST_ROWS = 2000  # looked at for the latest values; a list of a hundred long runs stays quick
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True)
class Run:
    """One run. `started_at` is in seconds since the epoch; `latest` has the last finite value of
    every metric that occurs in the newest 2,000 rows.
    """

    project: str
    name: str
    config: dict[str, Any] = field(default_factory=dict)
    started_at: float = 0
    last_step: int = 0
    latest: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """One curve, steps growing. `not_finite` counts the NaN and infinite values that were left out."""

    metric: str
    steps: list[float]
    values: list[float]
    not_finite: int = 0


def projects(directory: Path) -> list[str]:
    """Names of the projects that have a database, sorted; empty when nothing was ever logged."""
    if not directory.is_dir():
        return []
    return sorted(path.stem for path in directory.glob("*.db") if path.is_file())


def runs(directory: Path, project: str, names: Collection[str] | None = None) -> list[Run]:
    """Runs of a project, newest first: every one, or those with these names, and of others not a row is read.

    Raises `NotFound`, or `StudioError` when the file is not trackio's.
    """
    wanted, values = ("", {}) if names is None else (NAMED, {"names": json.dumps(sorted(names))})
    with _open(directory, project) as connection:
        configs = dict(connection.execute(f"SELECT run_id, config FROM configs {wanted}", values))  # noqa: S608
        found = connection.execute(
            "SELECT run_id, run_name, MIN(timestamp), MAX(step) "  # noqa: S608
            f"FROM metrics {wanted} GROUP BY run_id ORDER BY 3 DESC",
            values,
        ).fetchall()
        return [
            Run(
                project=project,
                name=name,
                config={key: value for key, value in _object(configs.get(run_id)).items() if not key.startswith("_")},
                started_at=_seconds(started),
                last_step=last_step,
                latest=_latest(connection, run_id),
            )
            for run_id, name, started, last_step in found
        ]


def metrics(directory: Path, project: str, run: str) -> list[str]:
    """Names of the scalar metrics of a run, sorted. Raises `NotFound`."""
    return sorted({name for _, values in _rows(directory, project, run) for name in values})


def series(directory: Path, project: str, run: str, metric: str) -> Series:
    """The curve of one metric; of a repeated step the value written last counts.

    Raises `NotFound` when the run has no such metric; the message lists the ones it has.
    """
    by_step: dict[int, float] = {}
    known: set[str] = set()
    for step, values in _rows(directory, project, run):
        known.update(values)
        if metric in values:
            by_step[step] = values[metric]
    if metric not in known:
        names = ", ".join(sorted(known)) or "none"
        raise NotFound(f"Run {shorten(run)} has no metric {shorten(metric)}. It has: {names}.")
    points = sorted((step, value) for step, value in by_step.items() if math.isfinite(value))
    return Series(
        metric, [step for step, _ in points], [value for _, value in points], not_finite=len(by_step) - len(points)
    )


def _rows(directory: Path, project: str, run: str) -> list[tuple[int, dict[str, float]]]:
    """Steps and their scalars in the order in which they were written."""
    with _open(directory, project) as connection:
        run_id = _run_id(connection, project, run)
        cursor = connection.execute("SELECT step, metrics FROM metrics WHERE run_id = ? ORDER BY id", (run_id,))
        return [(step, _scalars(blob)) for step, blob in cursor]


def _run_id(connection: sqlite3.Connection, project: str, run: str) -> str:
    """Id of a run given by id or by name; of several runs of one name the newest."""
    row = connection.execute(
        "SELECT run_id FROM metrics WHERE run_id = :run OR run_name = :run "
        "GROUP BY run_id ORDER BY run_id = :run DESC, MIN(timestamp) DESC LIMIT 1",
        {"run": run},
    ).fetchone()
    if row is None:
        raise NotFound(f"Project {shorten(project)} has no run {shorten(run)}.")
    return str(row[0])


def _latest(connection: sqlite3.Connection, run_id: str) -> dict[str, float]:
    """The last finite value of every metric among the run's newest rows."""
    latest: dict[str, float] = {}
    cursor = connection.execute(
        "SELECT metrics FROM metrics WHERE run_id = ? ORDER BY step DESC, id DESC LIMIT ?", (run_id, NEWEST_ROWS)
    )
    for (blob,) in cursor:
        latest = {name: value for name, value in _scalars(blob).items() if math.isfinite(value)} | latest
    return latest


@contextmanager
def _open(directory: Path, project: str) -> Iterator[sqlite3.Connection]:
    path = directory / f"{project}.db"
    if not project or Path(project).name != project or not path.is_file():
        raise NotFound(f"There is no project {shorten(project)}.")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            _check_schema(connection, project)
            yield connection
        finally:
            connection.close()
    except (sqlite3.DatabaseError, ValueError) as error:
        raise StudioError(f"The metrics of project {shorten(project)} cannot be read: {error}.") from error


def _check_schema(connection: sqlite3.Connection, project: str) -> None:
    """Raise `StudioError` when the file is not one that this reader was written for."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for table, wanted in COLUMNS.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if missing := wanted - present:
            raise StudioError(
                f"The metrics of project {shorten(project)} have an unknown layout "
                f"(version {version}): table {table} lacks {', '.join(sorted(missing))}."
            )
    if version not in SCHEMA_VERSIONS:
        known = ", ".join(map(str, SCHEMA_VERSIONS))
        raise StudioError(
            f"The metrics of project {shorten(project)} have layout version {version}; known are {known}. "
            "They were written by another release of trackio."
        )


def _scalars(blob: bytes | str) -> dict[str, float]:
    """The numbers of one row; tables, images and texts are passed over."""
    numbers: dict[str, float] = {}
    for name, value in _object(blob).items():
        plain = SPECIAL.get(value) if isinstance(value, str) else value
        if isinstance(plain, int | float) and not isinstance(plain, bool):
            numbers[name] = float(plain)
    return numbers


def _object(blob: bytes | str | None) -> dict[str, Any]:
    value = json.loads(blob) if blob else {}
    return value if isinstance(value, dict) else {}


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
