"""Jobs: the list, and one job with its live log, progress and curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.jobs.job import ACTIVE, FINISHED, Job, JobState
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.jobs import buttons, fetched, jobs_table
from studio.ui.live import job_charts, job_time
from studio.ui.page import Page
from studio.ui.parts import Html

FILTERS: dict[str, Sequence[JobState]] = {
    "All": (),
    "Running": tuple(ACTIVE),
    "Waiting": (JobState.QUEUED, JobState.RETRY_WAIT, JobState.LOST),
    "Done": (JobState.SUCCEEDED,),
    "Failed or cancelled": tuple(FINISHED - {JobState.SUCCEEDED}),
}
LIMIT = 100


@dataclass(frozen=True)
class View:
    """The page's components."""

    listing: gr.Column
    state: gr.Radio
    search: gr.Textbox
    table: gr.HTML
    detail: gr.Column
    job: gr.HTML
    log: gr.HTML
    facts: gr.HTML
    id: gr.State
    cancel: gr.Button
    retry: gr.Button
    delete: gr.Button


def layout() -> View:
    """List and detail; the address says which of the two is shown."""
    job_id = gr.State("")
    with gr.Column() as listing:
        with gr.Row():
            state = gr.Radio(list(FILTERS), value="All", label="Show", scale=5)
            search = gr.Textbox(label="Search", placeholder="Title, id or recipe", scale=2)
        table = gr.HTML()
    with gr.Column(visible=False) as detail:
        job = gr.HTML()
        with gr.Row(elem_classes="actions-row"):
            cancel = gr.Button("Cancel", variant="stop", size="md", visible=False)
            retry = gr.Button("Try again", variant="primary", size="md", visible=False)
            delete = gr.Button("Delete", size="md", visible=False)
        log = gr.HTML()
        facts = gr.HTML()
    return View(listing, state, search, table, detail, job, log, facts, job_id, cancel, retry, delete)


def build(studio: Studio) -> None:
    """Wire the page."""
    view = layout()
    shown = [view.id, view.listing, view.detail, view.table, view.job, view.log, view.facts]
    shown += [view.cancel, view.retry, view.delete]

    @guarded
    def load(request: gr.Request) -> list[Any]:
        job_id = str(dict(request.query_params).get("id", ""))
        if not job_id:
            return ["", gr.update(visible=True), gr.update(visible=False), listing(studio, request), *[gr.skip()] * 6]
        caller = caller_of(request, studio)
        job = studio.job(caller, job_id)
        page = [gr.update(visible=False), gr.update(visible=True), gr.skip(), headline(studio, caller, job)]
        return [job.id, *page, parts.panel("Log", parts.log_view(job.id)), details(job), *buttons(job)]

    @guarded
    def narrow(state: str, search: str | None, request: gr.Request) -> Html:
        return listing(studio, request, FILTERS[state], search or "")

    @guarded
    def cancel(job_id: str, request: gr.Request) -> list[Any]:
        return buttons(studio.cancel(caller_of(request, studio), job_id))

    @guarded
    def retry(job_id: str, request: gr.Request) -> None:
        studio.retry(caller_of(request, studio), job_id)

    @guarded
    def delete(job_id: str, request: gr.Request) -> None:
        studio.delete(caller_of(request, studio), job_id)

    on_load(load, outputs=shown)
    gr.on(
        [view.state.change, view.search.change], narrow, [view.state, view.search], view.table, api_visibility="private"
    )
    actions = [view.cancel, view.retry, view.delete]
    view.cancel.click(cancel, view.id, actions, api_visibility="private")
    view.retry.click(retry, view.id, api_visibility="private").success(js="() => { location.reload() }")
    view.delete.click(delete, view.id, api_visibility="private").success(js="() => { location.assign('/jobs') }")


def listing(studio: Studio, request: gr.Request, states: Sequence[JobState] = (), search: str = "") -> Html:
    """The table of jobs, or what to do when there is none."""
    found = studio.jobs(caller_of(request, studio), states, search.strip(), LIMIT)
    if not found and (states or search.strip()):
        return parts.empty_state("No job like this", "Choose another filter or search for something else.")
    if not found:
        action = ("Fine-tune a model", "/fine-tune")
        return parts.empty_state("No jobs yet", "What you train, evaluate or publish runs as a job.", action, "list")
    return parts.panel("", jobs_table(found))


def headline(studio: Studio, caller: Caller, job: Job) -> Html:
    """State, progress, and the curve: the part that the stream keeps up to date."""
    state = parts.join(
        [
            parts.slot("state", parts.state_chip(job)),
            Html("&nbsp; "),
            parts.slot("message", job.progress.message or job.waiting_for),
            Html("&nbsp; "),
            parts.slot("seconds", job_time(job)),
        ]
    )
    error = parts.notice("bad", job.error) if job.error else ""
    result: Html | str = ""
    if job.artifact:
        result = parts.notice("good", parts.join(["The result is ready. ", *artifact_links(job)]))
    body = parts.join(
        [
            state,
            parts.slot("progress", parts.job_progress(job)),
            parts.slot("error", error),
            parts.slot("result", fetched(job)),
            result,
        ]
    )
    back = parts.link("All jobs", "/jobs")
    return parts.live(job.id, parts.panel(job.title, body, back), parts.slot("chart", curves(studio, caller, job)))


def curves(studio: Studio, caller: Caller, job: Job) -> Html:
    """The run's curves; empty where nothing was measured."""
    try:
        return job_charts(studio, caller, job)
    except StudioError:
        return Html("")


def artifact_links(job: Job) -> list[Html]:
    """Where one goes with a result."""
    playground = parts.link("Try it in the playground", f"/playground?task={job.recipe}&model=artifact:{job.artifact}")
    return [playground, Html(" · "), parts.link("Model card and publishing", f"/cards?id={job.artifact}")]


def details(job: Job) -> Html:
    """Everything that is known of a job."""
    predicted, measured = job.resources.memory_bytes, job.measured_memory_bytes
    pairs = [
        ("Job", job.id),
        ("Recipe", job.recipe),
        ("Engine", job.engine),
        ("Owner", job.owner),
        ("Attempt", f"{job.attempt} of {job.max_attempts}"),
        ("Peak memory, predicted", parts.format_bytes(predicted) if predicted else "—"),
        ("Peak memory, measured", parts.format_bytes(measured) if measured else "—"),
        ("Created", parts.format_time(job.created_at)),
        ("Started", parts.format_time(job.started_at)),
        ("Finished", parts.format_time(job.finished_at)),
    ]
    values = [(name, value) for name, value in flat(job.params)]
    return parts.join(
        [parts.panel("Job", parts.key_values(pairs)), parts.panel("Parameters", parts.key_values(values))]
    )


def flat(params: dict[str, Any]) -> list[tuple[str, str]]:
    """Parameters with dotted names."""
    found: list[tuple[str, str]] = []
    for name, value in params.items():
        if isinstance(value, dict):
            found += [(f"{name}.{inner}", shown) for inner, shown in flat(value)]
        else:
            found.append((name, "—" if value in ("", None, []) else str(value)))
    return found


PAGE = Page(
    "jobs", "Jobs", "What runs, what waits, what is done. Logs are live and survive a reload.", "Measure", "list", build
)
