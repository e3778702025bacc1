"""What an engine is: a place where a job's processes run. The engines themselves stand in `studio.engines`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import TypeAdapter

from studio.jobs.job import Device, Progress


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do, as the scheduler and the pages need to know it."""

    gpu: bool = False
    survives_restart: bool = False
    priced: bool = False


@dataclass(frozen=True)
class JobSpec:
    """Everything that a runner needs. All of it but `secrets` lies in the attempt's folder as spec.json.

    Attributes:
        workdir: the job's folder, the same for every attempt (checkpoints lie here).
        secrets: environment-like names → values; handed over through a pipe, never written.
    """

    job: str
    attempt: int
    recipe: str
    params: Mapping[str, Any]
    owner: str
    workdir: Path
    artifacts_dir: Path
    tracking_dir: Path
    home: Path
    device: Device
    threads: int
    predicted_memory_bytes: int = 0
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """What an engine calls this attempt: no second one is ever started under the same key."""
        return attempt_key(self.job, self.attempt)

    def to_json(self) -> dict[str, Any]:
        """Everything but the secrets."""
        value: dict[str, Any] = _SPEC.dump_python(self, mode="json", exclude={"secrets"})
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any], secrets: Mapping[str, str]) -> "JobSpec":
        """The record that `to_json` was made of; raises pydantic's `ValidationError`."""
        return _SPEC.validate_python({**value, "secrets": dict(secrets)})


_SPEC = TypeAdapter(JobSpec)


def attempt_key(job: str, attempt: int) -> str:
    """The key of one attempt, in every engine: "JOB.NUMBER"."""
    return f"{job}.{attempt}"


@dataclass(frozen=True)
class EngineStatus:
    """What an engine knows of one attempt.

    `phase` comes from the runner. "exited" means that a result is there: `exit_code` and `outcome` are set.
    "lost" means that the processes are gone and left no result.
    """

    phase: Literal["starting", "running", "saving", "exited", "lost"]
    outcome: Literal["", "succeeded", "failed", "cancelled"] = ""
    exit_code: int | None = None
    error: str = ""
    retryable: bool = True
    artifact: str = ""
    progress: Progress = field(default_factory=Progress)
    peak_memory_bytes: int = 0
    pid: int = 0
    pid_started: int = 0
    boot_id: str = ""


class Engine(Protocol):
    """Where jobs run. All calls return at once; none raises for a job that is gone."""

    name: str
    capabilities: Capabilities

    def submit(self, spec: JobSpec, key: str) -> str:
        """Start an attempt and return its handle; the same key never starts a second one.

        `key` is `spec.key`. Raises `StudioError` when the attempt cannot be started.
        """

    def status(self, handle: str) -> EngineStatus:
        """What is known now."""

    def logs(self, handle: str, offset: int, limit: int = 65536) -> tuple[bytes, int]:
        """Log bytes from `offset` on, and the offset to go on from."""

    def cancel(self, handle: str, grace: float) -> None:
        """Ask to stop and save; after `grace` seconds SIGTERM, then SIGKILL of the whole tree."""

    def find(self, key: str) -> str | None:
        """The handle that was started under this key, or None."""

    def warm_up(self) -> None:
        """Get ready in the background, so that the first job starts at once."""

    def close(self) -> None:
        """Let go of helpers (never of running jobs)."""
