"""Lists of jobs as HTML, kept up to date by the stream; what can be done with a job, as buttons."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from studio.jobs.job import FINISHED, Job, JobState
from studio.recipes import fetch
from studio.ui.parts import Html, format_time, job_progress, join, link, live, notice, slot, state_chip, table


def jobs_table(jobs: Sequence[Job]) -> Html:
    """One line per job, with a link to its own page."""
    return table(("Job", "What", "Status", "Progress", "Started"), [_row(job) for job in jobs], "Jobs")


def buttons(job: Job) -> list[Any]:
    """Cancel, try again and delete, each only when it can be done."""
    running = not job.state.finished
    return [
        gr.update(
            visible=running,
            interactive=not job.cancel_requested,
            value="Cancelling …" if job.cancel_requested else "Cancel",
        ),
        gr.update(visible=job.state in FINISHED - {JobState.SUCCEEDED}),
        gr.update(visible=not running),
    ]


def fetched(job: Job) -> Html:
    """The way to the data set that a job has fetched; nothing for any other job."""
    ref = fetch.result(job)
    if not ref:
        return Html("")
    return notice("good", join(["The data set is ready. ", link("Open it", f"/datasets?{urlencode({'ref': ref})}")]))


def _row(job: Job) -> list[object]:
    return [
        link(job.id, f"/jobs?id={job.id}"),
        job.title,
        live(job.id, slot("state", state_chip(job))) if not job.state.finished else state_chip(job),
        live(job.id, slot("progress", job_progress(job))) if not job.state.finished else job_progress(job),
        format_time(job.started_at or job.created_at),
    ]
