"""`studio jobs …`."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from studio.cli.shared import LOCAL, AsJson, JobId, Wait, follow, opened, submit
from studio.jobs.job import JobState
from studio.terminal import show

app = typer.Typer(no_args_is_help=True, help="List, follow, cancel, retry and delete jobs.")


@app.command("list")
def jobs_list(
    state: Annotated[list[JobState] | None, typer.Option(help="Only these states.")] = None,
    search: Annotated[str, typer.Option(help="Only where id, title or recipe hold this.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    with opened() as studio:
        found = studio.jobs(LOCAL, state or (), search, limit)
    if as_json:
        show([asdict(job) for job in found])
    for job in found if not as_json else ():
        fraction = job.progress.fraction
        done = "" if fraction is None or job.state.finished else f"{fraction:.0%}"
        print(f"{job.id}\t{job.state.value}\t{done}\t{job.title}")


@app.command("show")
def jobs_show(job_id: JobId) -> None:
    """Print one job as JSON."""
    with opened() as studio:
        show(asdict(studio.job(LOCAL, job_id)))


@app.command("log")
def jobs_log(job_id: JobId) -> None:
    """Print the log of a job."""
    with opened() as studio:
        follow(studio, job_id, 0, sys.stdout.write)


@app.command("wait")
def jobs_wait(job_id: JobId, as_json: AsJson = False) -> None:
    """Run what is queued, and follow a job until it is over."""
    submit(lambda studio: studio.job(LOCAL, job_id), wait=True, as_json=as_json)


@app.command("cancel")
def jobs_cancel(job_id: JobId) -> None:
    """Ask a job to stop; it saves what it has."""
    with opened() as studio:
        job = studio.cancel(LOCAL, job_id)
        print(f"{job.id}\t{'cancelled' if job.state.finished else 'cancelling'}")


@app.command("retry")
def jobs_retry(job_id: JobId, wait: Wait = False) -> None:
    """Start a failed or cancelled job again from its last checkpoint."""
    submit(lambda studio: studio.retry(LOCAL, job_id), wait=wait, as_json=False)


@app.command("delete")
def jobs_delete(job_id: JobId) -> None:
    """Delete a finished job with its log and checkpoints; its artifact stays."""
    with opened() as studio:
        studio.delete(LOCAL, job_id)
