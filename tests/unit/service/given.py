"""What the tests of the verbs share: who asks, a result, and a job's end without its processes."""

import time
from dataclasses import replace

from studio.core.types import Caller
from studio.jobs import artifacts
from studio.jobs.artifacts import Manifest
from studio.jobs.job import Job, JobState, Lease
from studio.jobs.store import Ending
from studio.service import Studio

LOCAL = Caller("local", "You", admin=True)
ANN = Caller("session:ann", "Guest")
BEN = Caller("session:ben", "Guest")
TEACHER = Caller("hf:teacher", "teacher", admin=True)
TOY = "toy-recipe"


def add_artifact(studio: Studio, owner: str, name: str = "result") -> str:
    staging = artifacts.stage(studio.settings.artifacts_dir)
    (staging / "count.txt").write_text("3")
    manifest = Manifest(
        id=name, kind="model", title="A result", recipe=TOY, params={}, owner=owner, job="toy-1", created_at=1
    )
    return artifacts.commit(staging, manifest).id


def end(studio: Studio, job: Job, state: JobState) -> Job:
    """Bring a queued job to its end by the store's own steps, without processes."""
    lease = Lease(job.id, job.attempt + 1, "cpu", 0, 1, "boot:1:1:x", time.time(), time.time() + 30)
    assert studio.store.claim(job, lease, studio.store.leases())
    assert studio.store.settle(replace(job, state=JobState.ADMITTED, attempt=job.attempt + 1), Ending(state))
    return studio.job(LOCAL, job.id)
