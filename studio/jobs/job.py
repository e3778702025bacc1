"""The records of the runner: job, attempt, event, and the states a job goes through."""

import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from studio.core.types import DeviceKind


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # stored, waits for its turn
    ADMITTED = "admitted"  # a lease is granted
    STARTING = "starting"  # its processes are being launched
    RUNNING = "running"  # the recipe runs
    SAVING = "saving"  # the recipe writes its result
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRY_WAIT = "retry_wait"  # its runner died; tried again from the last checkpoint after a pause
    LOST = "lost"  # its processes vanished without a result; becomes retry_wait or failed

    @property
    def finished(self) -> bool:
        """Whether nothing will happen any more by itself."""
        return self in FINISHED

    @property
    def active(self) -> bool:
        """Whether the job holds a lease."""
        return self in ACTIVE


FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
ACTIVE = frozenset({JobState.ADMITTED, JobState.STARTING, JobState.RUNNING, JobState.SAVING})


@dataclass(frozen=True)
class Resources:
    """What a job needs; predicted by its recipe before anything is started.

    Attributes:
        memory_bytes: predicted peak memory of the runner process, imports included. 0 marks a light job (network
            and files, no model): it runs beside the others and takes no core from them.
        gpu: whether a GPU is of use (taken when there is one).
        threads: torch threads wanted on CPU; 0 lets the scheduler choose.
    """

    memory_bytes: int = 0
    gpu: bool = False
    threads: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a running job is; written by the runner, read by everybody."""

    done: float = 0
    total: float = 0
    message: str = ""

    @property
    def fraction(self) -> float | None:
        """Between 0 and 1, or None when the total is unknown."""
        return min(1.0, self.done / self.total) if self.total > 0 else None


@dataclass(frozen=True)
class Job:
    """One run of a recipe. Times are seconds since the epoch; 0 means not yet.

    `key` is the idempotency key (unique per owner). `push` is a repository id that the artifact is to be
    published to when the job has succeeded. `needs_token` holds the job back until its owner is signed in.
    `waiting_for` says in words why a queued job does not start.
    """

    id: str
    recipe: str
    title: str
    params: dict[str, Any]
    owner: str
    key: str
    state: JobState = JobState.QUEUED
    attempt: int = 0
    max_attempts: int = 3
    priority: int = 0
    engine: str = "local"
    resources: Resources = field(default_factory=Resources)
    measured_memory_bytes: int = 0
    cancel_requested: bool = False
    needs_token: bool = False
    push: str = ""
    progress: Progress = field(default_factory=Progress)
    error: str = ""
    waiting_for: str = ""
    artifact: str = ""
    created_at: float = 0
    started_at: float = 0
    finished_at: float = 0
    retry_at: float = 0


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that can be misread


def new_job_id(prefix: str = "job") -> str:
    """A short id that sorts by time, for example "job-1v3k9q2-x7f0k2m": seconds since the epoch, then chance."""
    now, digits = int(time.time()), ""
    for _ in range(7):
        now, digit = divmod(now, 32)
        digits = _ALPHABET[digit] + digits
    return f"{prefix}-{digits}-{''.join(secrets.choice(_ALPHABET) for _ in range(7))}"


@dataclass(frozen=True)
class Attempt:
    """One try of a job: which processes, where, and how it ended."""

    job: str
    number: int
    handle: str = ""
    pid: int = 0
    pid_started: int = 0
    boot_id: str = ""
    exit_code: int | None = None
    peak_memory_bytes: int = 0
    error: str = ""
    started_at: float = 0
    finished_at: float = 0


@dataclass(frozen=True)
class Event:
    """Something that happened to a job; `id` grows and is the SSE event id."""

    id: int
    job: str
    owner: str
    kind: str
    data: dict[str, Any]
    at: float


@dataclass(frozen=True)
class Device:
    """A place to run: the CPU, or one GPU. `memory_bytes` is what the runner may hand out."""

    id: str
    kind: DeviceKind
    index: int
    memory_bytes: int
    name: str = ""


@dataclass(frozen=True)
class Lease:
    """What one attempt has been granted, until it is given back.

    Attributes:
        memory_bytes: what is kept free for it, already calibrated.
        holder: the scheduler that granted it: "BOOT_ID:PID:START:RANDOM".
        expires_at: renewed while somebody watches the attempt; seconds since the epoch.
    """

    job: str
    attempt: int
    device: str
    memory_bytes: int
    threads: int
    holder: str = ""
    granted_at: float = 0
    expires_at: float = 0
