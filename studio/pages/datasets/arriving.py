"""A data set on its way: its job, live, with a way to stop it. And the button that fetches all of a large one."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.types import Caller
from studio.pages.datasets import address as addresses
from studio.pages.datasets import table
from studio.pages.datasets.address import Address
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.jobs import buttons
from studio.ui.parts import Html, join, text

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
RELOAD = "() => { location.reload() }"


@dataclass(frozen=True)
class Part:
    """The components; `look` is pressed by datasets.js when the job is over without a data set."""

    place: gr.Column
    panel: gr.HTML
    cancel: gr.Button
    retry: gr.Button
    look: gr.Button

    @property
    def followers(self) -> list[Component | gr.Column]:
        """What `shown` and `hidden` fill."""
        return [self.place, self.panel, self.cancel, self.retry]


def build(studio: Studio, query: gr.Textbox) -> Part:
    """Lay out and wire."""
    with gr.Column(visible=False) as place:
        panel = gr.HTML()
        with gr.Row(elem_classes="actions-row"):
            cancel = gr.Button("Cancel", variant="stop", size="md", visible=False)
            retry = gr.Button("Try again", variant="primary", size="md", visible=False)
        look = gr.Button("Look again", elem_id="dataset-look", elem_classes="offstage")

    @guarded
    def stopped(at: str, request: gr.Request) -> Any:
        return buttons(studio.cancel(caller_of(request, studio), addresses.parse(at).job))[0]

    @guarded
    def tried(at: str, request: gr.Request) -> None:
        studio.retry(caller_of(request, studio), addresses.parse(at).job)

    cancel.click(stopped, query, cancel, **QUIET)
    retry.click(tried, query, **QUIET).success(js=RELOAD)
    return Part(place, panel, cancel, retry, look)


def offer(studio: Studio, query: gr.Textbox) -> gr.Button:
    """Below the headline of a data set of which only the beginning is seen, or what says that it has none."""
    with gr.Row(elem_classes="actions-row"):
        button = gr.Button(visible=False, size="md")

    @guarded
    def wanted(at: str, request: gr.Request) -> str:
        return arriving(studio.add(caller_of(request, studio), addresses.parse(at).ref).id)

    button.click(wanted, query, query, api_visibility="private", show_progress="minimal")
    return button


def offered(wanted: bool, source: str = "") -> Any:
    """What `offer`'s button becomes."""
    return gr.update(visible=wanted, value="Download all of it" if source == "hub" else "Open all of it")


def arriving(job_id: str) -> str:
    """The query of the place where a job is followed; datasets.js opens from there what it has fetched."""
    return Address(job=job_id).query()


def shown(studio: Studio, caller: Caller, job_id: str) -> list[Any]:
    """The job as far as it is; raises `NotFound`."""
    job = studio.job(caller, job_id)
    cancel, retry, _ = buttons(job)
    back = Html(f'<a href="{addresses.PATH}" data-go>All data sets</a>')
    note = "" if job.state.finished else "It goes on when you leave or close this page, and opens here when it is done."
    head = Html(
        '<div class="dataset-head"><div><h2>A data set on its way</h2></div>'
        f'<div class="actions">{back}</div></div><p class="note">{text(note)}</p>'
    )
    return [gr.update(visible=True), join([head, table.job_panel(job, job.title)]), cancel, retry]


def hidden() -> list[Any]:
    """Something else is shown."""
    return [gr.update(visible=False), "", gr.skip(), gr.skip()]


def listed(studio: Studio, caller: Caller) -> Html:
    """What is on its way to the caller; nothing where nothing is."""
    running = studio.fetching(caller)
    rows = [
        [
            Html(f'<a href="{addresses.PATH}?{text(arriving(job.id))}" data-go><b>{text(job.title)}</b></a>'),
            parts.live(job.id, parts.slot("state", parts.state_chip(job))),
            parts.live(job.id, parts.slot("progress", parts.job_progress(job))),
        ]
        for job in running
    ]
    return parts.panel("On their way", parts.table(("Data set", "Status", "Progress"), rows)) if rows else Html("")
