"""Records as JSON that several parts of the API answer with."""

from dataclasses import asdict
from typing import Any

from studio.jobs.job import Job
from studio.recipes import fetch


def job_json(job: Job) -> dict[str, Any]:
    """A job as JSON; `dataset` is the reference of what a job has fetched."""
    return asdict(job) | {
        "state": job.state.value,
        "dataset": fetch.result(job),
        "progress": asdict(job.progress) | {"fraction": job.progress.fraction},
    }
