"""Overview: what runs, what came out, and the quickest ways to start something."""

import gradio as gr

from studio.core.types import Caller
from studio.jobs.artifacts import Artifact
from studio.jobs.job import ACTIVE, Job, JobState
from studio.service import Studio
from studio.ui import parts
from studio.ui.charts import Line, line_chart
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.jobs import jobs_table
from studio.ui.page import Page
from studio.ui.parts import Html, Stat

RECENT = 6
CURVES = ("train/loss", "loss")


def build(studio: Studio) -> None:
    """Everything is read when the page is opened; jobs then stay live."""
    body = gr.HTML()

    @guarded
    def load(request: gr.Request) -> Html:
        return overview(studio, caller_of(request, studio))

    on_load(load, outputs=body)


def overview(studio: Studio, caller: Caller) -> Html:
    """Figures, the last curve, recent jobs; for a newcomer the way in."""
    jobs = studio.jobs(caller, limit=RECENT)
    artifacts = studio.artifacts(caller)
    running = studio.jobs(caller, tuple(ACTIVE))
    waiting = studio.jobs(caller, (JobState.QUEUED, JobState.RETRY_WAIT))
    best = max(
        (artifact for artifact in artifacts if "accuracy" in artifact.manifest.metrics), key=accuracy, default=None
    )
    stats = [
        Stat("Jobs running", str(len(running)), f"{len(waiting)} waiting", href="/jobs"),
        Stat(
            "Results", str(len(artifacts)), parts.format_bytes(sum(found.bytes for found in artifacts)), href="/cards"
        ),
        Stat(
            "Best accuracy",
            f"{accuracy(best):.1%}" if best else "—",
            best.manifest.title if best else "no trained model yet",
            href=f"/cards?id={best.id}" if best else "/fine-tune",
        ),
        Stat("Data sets", str(len(studio.datasets(caller))), "starter kit and uploads", href="/fine-tune"),
    ]
    first = empty() if not jobs else Html(f'<div class="split">{curve(studio, caller, jobs)}{next_steps()}</div>')
    table = parts.panel("Recent jobs", jobs_table(jobs), parts.link("All jobs", "/jobs")) if jobs else ""
    return parts.join([parts.stat_cards(stats), first, table])


def accuracy(artifact: Artifact) -> float:
    """Held-out accuracy of an artifact."""
    return float(artifact.manifest.metrics["accuracy"])


def curve(studio: Studio, caller: Caller, jobs: list[Job]) -> Html:
    """Training loss of the latest runs that have one."""
    lines: list[Line] = []
    for job in jobs:
        project = studio.project_of(job)
        if project not in studio.projects(caller) or not any(
            run.name == job.id for run in studio.runs(caller, project)
        ):
            continue
        names = studio.run_metrics(caller, project, job.id)
        metric = next((name for name in CURVES if name in names), "")
        if metric and len(lines) < 3:
            series = studio.series(caller, project, job.id, metric, 300)
            lines.append(Line(f"{job.title} · {job.id}", series.steps, series.values))
    return parts.panel("", line_chart(lines, "Training loss", width=620, height=230)) if lines else empty()


def next_steps() -> Html:
    """The four ways on."""
    steps = [
        (parts.link("Fine-tune a model", "/fine-tune"), "on the starter kit's data or your own"),
        (parts.link("Try a model", "/playground"), "in the playground, and take the code home"),
        (parts.link("Compare runs", "/runs"), "curves side by side"),
        (parts.link("Write the model card", "/cards"), "filled from the run; then publish"),
    ]
    return parts.panel("Next", parts.key_values(steps))


def empty() -> Html:
    """For who opens the studio for the first time."""
    return parts.empty_state(
        "Train your first model",
        "The starter kit has an encoder and a data set of topics: a few minutes on a laptop, no network needed.",
        ("Fine-tune a model", "/fine-tune"),
        "spark",
    )


PAGE = Page(
    "", "Overview", "Everything in your workspace, and the quickest ways to start something new.", "", "home", build
)
