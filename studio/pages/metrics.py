"""Metrics: the runs of a project side by side, their curves live."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.core.types import Caller
from studio.service import Studio
from studio.tracking.reader import Run
from studio.ui import parts
from studio.ui.charts import Line, line_chart
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.page import Page
from studio.ui.parts import Html

MOST_RUNS = 8
REFRESH_SECONDS = 3.0
FIRST = ("eval/loss", "eval_loss", "train/loss", "loss")


@dataclass(frozen=True)
class View:
    """The page's components."""

    project: gr.Dropdown
    runs: gr.Dropdown
    metrics: gr.Dropdown
    charts: gr.HTML
    table: gr.HTML
    timer: gr.Timer


def layout() -> View:
    """Choice on top, curves below it, figures at the end."""
    with gr.Row():
        project = gr.Dropdown([], label="Project", interactive=True)
        runs = gr.Dropdown([], label="Runs", multiselect=True, interactive=True, max_choices=MOST_RUNS)
        metrics = gr.Dropdown([], label="Metrics", multiselect=True, interactive=True)
    charts, table = gr.HTML(), gr.HTML()
    return View(project, runs, metrics, charts, table, gr.Timer(REFRESH_SECONDS, active=False))


def build(studio: Studio) -> None:
    """Wire the page."""
    view = layout()
    choice = [view.project, view.runs, view.metrics]
    shown = [view.charts, view.table, view.timer]

    @guarded
    def load(request: gr.Request) -> list[Any]:
        caller, query = caller_of(request, studio), dict(request.query_params)
        projects = studio.projects(caller)
        if not projects:
            return [gr.update(visible=False)] * 3 + [nothing(), "", gr.update(active=False)]
        project = query["project"] if query.get("project") in projects else projects[0]
        wanted = [query["run"]] if query.get("run") else []
        return [gr.update(choices=projects, value=project, visible=True), *open_project(caller, project, wanted)]

    def open_project(caller: Caller, project: str, wanted: Sequence[str] = ()) -> list[Any]:
        found = studio.runs(caller, project)
        names = [(title(studio, caller, run), run.name) for run in found]
        runs = [run.name for run in found if run.name in wanted] or [run.name for run in found[:MOST_RUNS]]
        metrics = metric_names(studio, caller, project, runs)
        chosen = preferred(metrics)
        updates = [
            gr.update(choices=names, value=runs, visible=True),
            gr.update(choices=metrics, value=chosen, visible=True),
        ]
        return updates + draw(caller, project, runs, chosen)

    def draw(caller: Caller, project: str, runs: Sequence[str], metrics: Sequence[str]) -> list[Any]:
        found = [run for run in studio.runs(caller, project) if run.name in runs]
        active = any(not finished(studio, run) for run in found)
        charts = [curve(studio, caller, found, metric) for metric in metrics]
        grid = parts.panel("", Html(f'<div class="chart-grid">{parts.join(charts)}</div>')) if charts else nothing()
        return [grid, figures(studio, caller, found), gr.update(active=active)]

    @guarded
    def choose_project(project: str, request: gr.Request) -> list[Any]:
        return open_project(caller_of(request, studio), project)

    @guarded
    def choose(project: str, runs: list[str], metrics: list[str], request: gr.Request) -> list[Any]:
        return draw(caller_of(request, studio), project, runs or [], metrics or [])

    @guarded
    def refresh(project: str, runs: list[str], metrics: list[str], request: gr.Request) -> list[Any]:
        return draw(caller_of(request, studio), project, runs or [], metrics or [])

    on_load(load, outputs=[*choice, *shown])
    view.project.input(choose_project, view.project, [view.runs, view.metrics, *shown], api_visibility="private")
    gr.on([view.runs.input, view.metrics.input], choose, choice, shown, api_visibility="private")
    view.timer.tick(refresh, choice, shown, api_visibility="private", show_progress="hidden")


def metric_names(studio: Studio, caller: Caller, project: str, runs: Sequence[str]) -> list[str]:
    """Every metric that one of the runs has."""
    return sorted({name for run in runs for name in studio.run_metrics(caller, project, run)})


def preferred(metrics: Sequence[str]) -> list[str]:
    """What is looked at first: losses, then what is measured on held-out data."""
    losses = [name for name in FIRST if name in metrics]
    held_out = [
        name for name in metrics if name.startswith(("eval", "test")) and not name.endswith(("_per_second", "runtime"))
    ]
    return list(dict.fromkeys(losses + held_out))[:4] or list(metrics[:4])


def curve(studio: Studio, caller: Caller, runs: Sequence[Run], metric: str) -> Html:
    """One metric of several runs."""
    lines = []
    for run in runs:
        if metric in studio.run_metrics(caller, run.project, run.name):
            series = studio.series(caller, run.project, run.name, metric)
            lines.append(Line(title(studio, caller, run), series.steps, series.values))
    return line_chart(lines, metric)


def figures(studio: Studio, caller: Caller, runs: Sequence[Run]) -> Html:
    """The latest value of each metric, a line per run."""
    names = sorted({name for run in runs for name in run.latest})
    rows = [
        [
            parts.link(title(studio, caller, run), f"/jobs?id={run.name}"),
            run.last_step,
            *[f"{run.latest[name]:.4g}" if name in run.latest else "—" for name in names],
        ]
        for run in runs
    ]
    return (
        parts.panel("Latest values", parts.table(("Run", "Step", *names), rows, "Latest values", wide=True))
        if rows
        else Html("")
    )


def title(studio: Studio, caller: Caller, run: Run) -> str:
    """A run by its job's title and id."""
    job = studio.store.get(run.name)
    return f"{job.title} · {job.id}" if job is not None and caller.may_see(job.owner) else run.name


def finished(studio: Studio, run: Run) -> bool:
    """Whether a run will not change any more."""
    job = studio.store.get(run.name)
    return job is None or job.state.finished


def nothing() -> Html:
    """Before the first run."""
    return parts.empty_state(
        "No runs yet", "Curves appear here while a model trains.", ("Fine-tune a model", "/fine-tune"), "chart"
    )


PAGE = Page(
    "runs", "Metrics", "Compare the runs of a project; curves are drawn as they grow.", "Measure", "chart", build
)
