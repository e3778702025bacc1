"""The list of data sets, and the ways to open another: a name, an address, a file."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from studio.core.types import Caller
from studio.data.records import DatasetInfo
from studio.data.watching import Watch
from studio.pages.datasets import arriving, creating
from studio.pages.datasets.address import PATH
from studio.recipes import fetch
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_now, caller_of, guarded
from studio.ui.parts import Html, join, text

SOURCES = {"kit": "Starter kit", "upload": "Uploaded", "artifact": "Made by a job", "hub": "Hub", "file": "File"}
HELP = "Of the Hub: owner/name@revision#subset; a file's web address; or a path on your own machine."


def build(studio: Studio, query: gr.Textbox) -> gr.HTML:
    """Find (datasets.js narrows the table as one types), open, upload; the table is what is returned."""
    with gr.Row(elem_classes="search-row"):
        gr.Textbox(
            label="Find",
            info="Among those below.",
            placeholder="Title, column, words",
            max_lines=1,
            interactive=True,
            elem_id="dataset-find",
        )
        ref = gr.Textbox(label="Open another", info=HELP, placeholder="owner/name, https://… or a path", max_lines=1)
        open_ = gr.Button("Open", size="md", scale=0, min_width=100)
    upload = gr.File(label="Or upload a file", height=150)
    creating.build(studio, query)
    table = gr.HTML()

    def check(given: str | None) -> Any:
        wanted, caller = (given or "").strip(), caller_now(studio)
        if not wanted:
            return gr.validate(False, "Write the name of a data set, an address or a path.")
        problems = studio.validate(caller, fetch.NAME, {"source": wanted}) if studio.takes_long(caller, wanted) else []
        return gr.validate(not problems, " ".join(problem.expected for problem in problems))

    @guarded
    def opened(given: str | None, request: gr.Request) -> str:
        wanted, caller = (given or "").strip(), caller_of(request, studio)
        if studio.takes_long(caller, wanted):  # it becomes the caller's own
            return arriving.arriving(studio.add(caller, wanted).id)
        return urlencode({"ref": wanted}, safe=":/@")

    @guarded
    def uploaded(path: str | None, request: gr.Request, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
        if not path:
            return gr.skip()
        info = studio.upload(caller_of(request, studio), Path(path), Path(path).name, watch(progress))
        return urlencode({"ref": info.ref}, safe=":/")

    gr.on([open_.click, ref.submit], opened, ref, query, validator=check, api_visibility="private")
    upload.upload(uploaded, upload, query, api_visibility="private", show_progress="full")
    return table


def watch(progress: gr.Progress) -> Watch:
    """How far a conversion is, on the page that waits for it; Gradio names progress by its parameter's default."""
    return Watch(lambda done, total, message: progress(done / (total or 1), desc=message))


def listed(studio: Studio, caller: Caller) -> Html:
    """Everything that the caller can open by a click."""
    headers = ("Data set", "Source", "Rows", "Columns", "Size", "Licence")
    table = parts.table(headers, [_row(one) for one in studio.datasets(caller)])
    nothing = parts.empty_state("No data set like this", "Search for other words, upload a file, or open a Hub id.")
    known = Html(f'<div class="dataset-list">{parts.panel("", table)}<div data-none hidden>{nothing}</div></div>')
    return join([arriving.listed(studio, caller), known])


def place(ref: str) -> str:
    """Where a data set is shown."""
    return f"{PATH}?{urlencode({'ref': ref}, safe=':/@#')}".replace("#", "%23")


def _said(one: DatasetInfo) -> str:
    return " ".join([one.ref, one.title, one.description, *(column.name for column in one.columns)]).lower()


def _row(one: DatasetInfo) -> list[object]:
    link = f'<a href="{text(place(one.ref))}" data-go data-said="{text(_said(one))}"><b>{text(one.title)}</b></a>'
    return [
        Html(f'{link}<br><span class="ref">{text(one.ref)}</span>'),
        SOURCES.get(one.source, one.source),
        ", ".join(f"{split} {rows:,}" for split, rows in one.splits.items()),
        len(one.columns),
        parts.format_bytes(one.bytes),
        one.license or "not stated",
    ]
