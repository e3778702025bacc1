"""Starter kit: what lies here, what it is worth, and the extras that can be fetched."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.core.errors import NotFound
from studio.core.types import Caller
from studio.jobs.job import Job
from studio.pages.kit import entries as kit
from studio.service import Studio
from studio.starter.kit import Listing
from studio.ui import parts
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.live import job_time
from studio.ui.page import Page
from studio.ui.parts import Html

ALL = "All tasks"
POLL = 1.0  # seconds between two looks whether a fetch is over


@dataclass(frozen=True)
class View:
    """The page's components."""

    listing: gr.Column
    task: gr.Dropdown
    table: gr.HTML
    detail: gr.Column
    headline: gr.HTML
    about: gr.HTML
    add: gr.Button
    remove: gr.Button
    check: gr.Button
    checked: gr.HTML
    id: gr.State
    clock: gr.Timer


def layout() -> View:
    """List and detail; the address says which of the two is shown."""
    with gr.Column() as listing:
        task = gr.Dropdown([ALL], value=ALL, label="Task", info="Only what serves this task.", filterable=True)
        table = gr.HTML()
    with gr.Column(visible=False) as detail:
        headline = gr.HTML()
        with gr.Row(elem_classes="actions-row"):
            add = gr.Button("Fetch it", variant="primary", size="md", visible=False)
            check = gr.Button("Check its files", size="md", visible=False)
            remove = gr.Button("Remove", variant="stop", size="md", visible=False)
        checked = gr.HTML()
        about = gr.HTML()
    return View(
        listing, task, table, detail, headline, about, add, remove, check, checked, gr.State(""),
        gr.Timer(POLL, active=False),
    )  # fmt: skip


def build(studio: Studio) -> None:
    """Wire the page."""
    view = layout()
    entry = [view.headline, view.about, view.add, view.remove, view.check, view.clock]

    @guarded
    def load(request: gr.Request) -> list[Any]:
        caller, query = caller_of(request, studio), dict(request.query_params)
        if name := str(query.get("id", "")):
            one = find(studio, caller, name)
            page = ["", gr.update(visible=False), gr.update(visible=True), gr.skip(), gr.skip(), name]
            return [*page, *shown(studio, caller, one)]
        found = studio.kit(caller)
        tasks = sorted({task for one in found for task in one.entry.tasks})
        wanted = query["task"] if query.get("task") in tasks else ALL
        chooser = gr.update(choices=[ALL, *tasks], value=wanted)
        pieces = ["", gr.update(visible=True), gr.update(visible=False), chooser, overview(studio, caller, wanted), ""]
        return [*pieces, *[gr.skip()] * len(entry)]

    @guarded
    def narrow(task: str | None, request: gr.Request) -> Html:
        return overview(studio, caller_of(request, studio), task or ALL)

    @guarded
    def add(name: str, request: gr.Request) -> list[Any]:
        caller = caller_of(request, studio)
        studio.kit_add(caller, name)
        return shown(studio, caller, find(studio, caller, name))

    @guarded
    def remove(name: str, request: gr.Request) -> list[Any]:
        caller = caller_of(request, studio)
        studio.kit_remove(caller, name)
        return shown(studio, caller, find(studio, caller, name))

    @guarded
    def check(name: str, request: gr.Request) -> Html:
        problems = studio.kit_verify(caller_of(request, studio), name)
        if problems:
            return parts.notice("bad", parts.join(problems, "<br>"))
        return parts.notice("good", "Every file is as the manifest says, byte by byte.")

    @guarded
    def tick(name: str, request: gr.Request) -> list[Any]:
        if not name or studio.kit_job(name) is not None:
            return [gr.skip()] * len(entry)  # the stream shows how far it is
        caller = caller_of(request, studio)
        return shown(studio, caller, find(studio, caller, name))

    page = [view.checked, view.listing, view.detail, view.task, view.table, view.id]
    on_load(load, outputs=[*page, *entry])
    view.task.input(narrow, view.task, view.table, api_visibility="private")
    view.add.click(add, view.id, entry, api_visibility="private")
    view.remove.click(remove, view.id, entry, api_visibility="private")
    view.check.click(check, view.id, view.checked, api_visibility="private")
    view.clock.tick(tick, view.id, entry, api_visibility="private", show_progress="hidden")


def overview(studio: Studio, caller: Caller, task: str) -> Html:
    """Everything of the kit, or what serves one task."""
    found = [one for one in studio.kit(caller) if task in (ALL, *one.entry.tasks)]
    missing = [one for one in studio.kit_missing() if task in (ALL, one.task)]
    if not found and not missing:
        body = "Neither a model nor a data set of the kit serves this task."
        return parts.empty_state("Nothing for this task", body, ("Show all of it", "/kit"), "inbox")
    endpoint = studio.settings.endpoint
    return parts.join([kit.damage(found), kit.lists(found), kit.nothing(missing, endpoint)])


def find(studio: Studio, caller: Caller, name: str) -> Listing:
    """One entry of the list; raises `NotFound`."""
    for one in studio.kit(caller):
        if one.entry.name == name:
            return one
    raise NotFound(f"The starter kit has no entry {name!r}.")


def shown(studio: Studio, caller: Caller, one: Listing) -> list[Any]:
    """An entry: headline, facts, the buttons that make sense now, and whether a fetch is to be watched."""
    extra = one.entry.tier == "extra"
    job = studio.kit_job(one.entry.name) if extra else None
    may = not studio.settings.public or caller.admin
    return [
        kit.headline(one, progress(job) if job else hint(studio, one, may=may)),
        kit.details(one),
        gr.update(
            visible=extra and may and job is None and one.status in ("available", "damaged"),
            value="Make it anew" if one.status == "damaged" else "Fetch it",
        ),
        gr.update(visible=extra and may and job is None and one.entry.here),
        gr.update(visible=one.entry.here and job is None),
        gr.update(active=job is not None),
    ]


def progress(job: Job) -> Html:
    """How far a fetch is; the stream keeps it up to date."""
    line = parts.join(
        [
            parts.slot("state", parts.state_chip(job)),
            Html("&nbsp; "),
            parts.slot("message", job.progress.message or job.waiting_for),
            Html("&nbsp; "),
            parts.slot("seconds", job_time(job)),
            Html("&nbsp; "),
            parts.link("Its log", f"/jobs?id={job.id}"),
        ]
    )
    bar = parts.slot("progress", parts.job_progress(job))
    return parts.live(job.id, line, bar, parts.slot("error"))


def hint(studio: Studio, one: Listing, *, may: bool) -> Html:
    """What stands between an extra and its use."""
    if one.status != "available":
        return Html("")
    if not may:
        return parts.notice("info", "The owner of this installation can fetch it; ask them.")
    if not studio.hub().reachable:
        text = "The Hub is out of reach: it comes from the package index, or from a folder that pip's find-links names."
        return parts.notice("info", text)
    return Html("")


PAGE = Page(
    "kit",
    "Starter kit",
    "Small real models and data sets that need no network, with what they are worth.",
    "Learn",
    "learn",
    build,
)
