"""Records as JSON that several parts of the API answer with."""

from dataclasses import asdict
from typing import Any

from studio.jobs.job import Job


def job_json(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return asdict(job) | {
        "state": job.state.value,
        "progress": asdict(job.progress) | {"fraction": job.progress.fraction},
    }
