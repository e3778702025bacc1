"""What a job shows while it runs, as HTML: the same for the page that is loaded and for the stream that follows."""

import time

from studio.core.types import Caller
from studio.jobs.job import Job
from studio.service import Studio
from studio.ui.charts import Line, line_chart
from studio.ui.parts import Html, format_duration, join

# last part of a metric's name → the chart it is drawn in; step sizes and the like are no curves to watch
CHARTS = {"loss": "Loss", "accuracy": "Accuracy and F1", "f1": "Accuracy and F1", "f1_macro": "Accuracy and F1"}


def job_seconds(job: Job, now: float | None = None) -> float:
    """How long a job has run; 0 before its start."""
    if not job.started_at:
        return 0.0
    return max(0.0, (job.finished_at or (time.time() if now is None else now)) - job.started_at)


def job_time(job: Job) -> str:
    """`job_seconds` in words, a dash before the start."""
    return format_duration(job_seconds(job)) if job.started_at else "—"


def job_charts(studio: Studio, caller: Caller, job: Job) -> Html:
    """The curves of a job's run; empty where it has none."""
    project = studio.project_of(job)
    charts: dict[str, list[Line]] = {}
    for metric in studio.run_metrics(caller, project, job.id):
        last = metric.replace("/", "_").removeprefix("eval_").removeprefix("train_")
        if last in CHARTS:
            found = studio.series(caller, project, job.id, metric)
            if found.steps:
                charts.setdefault(CHARTS[last], []).append(Line(metric, found.steps, found.values))
    if not charts:
        return Html("")
    return Html(f'<div class="chart-grid">{join(line_chart(lines, title) for title, lines in charts.items())}</div>')
