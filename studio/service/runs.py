"""Metrics of runs: projects, runs, curves."""

from studio.core.errors import NotFound, shorten
from studio.core.types import Caller
from studio.jobs.job import Job
from studio.service.base import EVERYTHING
from studio.service.jobs import Jobs
from studio.tracking import reader
from studio.tracking.downsample import min_max
from studio.tracking.reader import Run, Series


class Runs(Jobs):
    """What jobs have measured while they ran."""

    def projects(self, caller: Caller) -> list[str]:
        """Projects in which the caller has runs."""
        names = reader.projects(self.settings.tracking_dir)
        if caller.admin:
            return names
        mine = {self.project_of(job) for job in self.jobs(caller, limit=EVERYTHING)}
        return [name for name in names if name in mine]

    def runs(self, caller: Caller, project: str) -> list[Run]:
        """The caller's runs of a project, newest first; raises `NotFound`, also where only others have any."""
        if caller.admin:
            found = reader.runs(self.settings.tracking_dir, project)
        else:
            mine = {job.id for job in self.jobs(caller, limit=EVERYTHING) if self.project_of(job) == project}
            if not mine:
                raise NotFound(f"There is no project {shorten(project)}.")
            found = reader.runs(self.settings.tracking_dir, project, mine)
        return sorted(found, key=lambda run: run.started_at, reverse=True)

    def run_metrics(self, caller: Caller, project: str, run: str) -> list[str]:
        """Names of the scalars of a run."""
        self._check_run(caller, run)
        return reader.metrics(self.settings.tracking_dir, project, run)

    def series(self, caller: Caller, project: str, run: str, metric: str, points: int = 600) -> Series:
        """One curve with at most about two points per pixel of `points`; no spike is lost."""
        self._check_run(caller, run)
        whole = reader.series(self.settings.tracking_dir, project, run, metric)
        steps, values = min_max(whole.steps, whole.values, points)
        return Series(metric=whole.metric, steps=steps, values=values)

    def project_of(self, job: Job) -> str:
        """Under which project a job's metrics lie."""
        return str(job.params.get("project") or job.recipe)

    def _check_run(self, caller: Caller, run: str) -> None:
        if not caller.admin:
            self.job(caller, run)
