"""Lists of jobs as HTML, kept up to date by the stream."""

from collections.abc import Sequence

from studio.jobs.job import Job
from studio.ui.parts import Html, format_time, job_progress, link, live, slot, state_chip, table


def jobs_table(jobs: Sequence[Job]) -> Html:
    """One line per job, with a link to its own page."""
    return table(("Job", "What", "Status", "Progress", "Started"), [_row(job) for job in jobs], "Jobs")


def _row(job: Job) -> list[object]:
    return [
        link(job.id, f"/jobs?id={job.id}"),
        job.title,
        live(job.id, slot("state", state_chip(job))) if not job.state.finished else state_chip(job),
        live(job.id, slot("progress", job_progress(job))) if not job.state.finished else job_progress(job),
        format_time(job.started_at or job.created_at),
    ]
