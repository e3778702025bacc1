"""A studio whose jobs and logs a test sets by hand: what the streams and pages need, and nothing that runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.errors import NotFound
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.jobs.job import Job, JobState
from studio.service import Studio
from studio.tracking.reader import Series


class StudioDouble(Studio):
    """Everything by hand; `reads` counts how often a job was looked up."""

    def __init__(self, home: Path, **settings: Any) -> None:
        super().__init__(Settings(home=home, offline=True, **settings))
        self.known: dict[str, Job] = {}
        self.logs: dict[str, bytes] = {}
        self.curves: dict[str, Series] = {}
        self.reads = 0

    def start(self) -> None:
        """Nothing runs."""

    def put(self, job_id: str, **changes: Any) -> Job:
        """Add a job, or change it."""
        known = self.known.get(job_id) or Job(job_id, "toy", "A toy", {}, "local", job_id, attempt=1)
        self.known[job_id] = replace(known, **changes)
        return self.known[job_id]

    def job(self, caller: Caller, job_id: str) -> Job:
        self.reads += 1
        job = self.known.get(job_id)
        if job is None or not caller.may_see(job.owner):
            raise NotFound(f"There is no job {job_id!r}.")
        return job

    def jobs(self, caller: Caller, states: Sequence[JobState] = (), search: str = "", limit: int = 100) -> list[Job]:
        return [job for job in self.known.values() if caller.may_see(job.owner)][:limit]

    def log(self, caller: Caller, job_id: str, offset: int = 0, limit: int = 65536) -> tuple[str, int]:
        data = self.logs.get(job_id, b"")[offset : offset + limit]
        return data.decode(), offset + len(data)

    def run_metrics(self, caller: Caller, project: str, run: str) -> list[str]:
        return list(self.curves)

    def series(self, caller: Caller, project: str, run: str, metric: str, points: int = 600) -> Series:
        return self.curves[metric]
