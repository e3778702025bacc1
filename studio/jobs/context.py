"""What a running recipe may do: say how far it is, log, notice that it was cancelled, leave an artifact.

Files are the only channel to the outside, so that any engine can carry them and a dead web process loses nothing.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from studio.core.errors import JobCancelled
from studio.jobs.artifacts import Artifact, Manifest, commit, stage
from studio.jobs.engine import JobSpec
from studio.jobs.files import CANCEL, PROGRESS, write_json


class Tracker(Protocol):
    """Where a run's metrics go; `studio.tracking.writer` has the real one."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Store scalars of one step."""

    def finish(self) -> None:
        """Write out what is pending."""


class Allowance(Protocol):
    """How much a job may write; `studio.recipes.allowance` has the one for visitors."""

    def check(self, staged: Sequence[Path], *, now: bool = False) -> None:
        """Raise `QuotaExceeded` where it has written too much; looks seldom, or `now`."""

    def over(self) -> None:
        """The result is kept, and counts by itself."""


class Unlimited:
    """As much as there is."""

    def check(self, staged: Sequence[Path], *, now: bool = False) -> None:
        """Nothing is too much."""

    def over(self) -> None:
        """Nothing was counted."""


@dataclass
class JobContext:
    """Handed to `Recipe.run`.

    Attributes:
        spec: the job as it was launched.
        attempt_dir: this attempt's files (progress, result, cancel flag).
        tracker: the run's metrics.
        allowance: how much it may write.
        staged: the folders that were begun for a result.
    """

    spec: JobSpec
    attempt_dir: Path
    tracker: Tracker
    allowance: Allowance = field(default_factory=Unlimited)
    artifact: Artifact | None = None
    staged: list[Path] = field(default_factory=list)
    _phase: str = "running"
    _last: tuple[float, float, str] = (0, 0, "")

    @property
    def workdir(self) -> Path:
        """The job's folder: the same for every attempt, so checkpoints go here."""
        return self.spec.workdir

    @property
    def token(self) -> SecretStr | None:
        """The owner's Hub token, where the recipe takes one and the owner is signed in. It came through a pipe."""
        secret = self.spec.secrets.get("HF_TOKEN", "")
        return SecretStr(secret) if secret else None

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop; save what is worth saving and return."""
        return (self.attempt_dir / CANCEL).exists()

    def raise_if_cancelled(self) -> None:
        """Raise `JobCancelled` when somebody asked to stop."""
        if self.cancelled:
            raise JobCancelled

    def log(self, message: str) -> None:
        """One line in the job's log."""
        print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)

    def progress(self, done: float, total: float, message: str = "") -> None:
        """How far the job is; cheap enough for every step."""
        self._last = (done, total, message)
        self._write()
        self.allowance.check(self.staged)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Scalars of one step, for the curves."""
        self.tracker.log(values, step)

    def saving(self) -> None:
        """Say that the result is being written: the job's state becomes `saving`."""
        self._phase = "saving"
        self._write()

    def stage(self) -> Path:
        """An empty folder for the result, beside the finished artifacts."""
        self.staged.append(stage(self.spec.artifacts_dir))
        return self.staged[-1]

    def commit(self, staging: Path, manifest: Manifest) -> Artifact:
        """Turn the staged folder into an artifact, whole or not at all."""
        self.allowance.check(self.staged, now=True)
        self.artifact = commit(staging, manifest)
        self.allowance.over()
        return self.artifact

    def discard(self) -> None:
        """Remove what was staged and is no result."""
        for folder in self.staged:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self) -> None:
        done, total, message = self._last
        value = {"phase": self._phase, "done": done, "total": total, "message": message}
        write_json(self.attempt_dir / PROGRESS, value)
