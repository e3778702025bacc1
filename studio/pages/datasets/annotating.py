"""Tab "Annotate": labels, spans and preferences, row by row; annotate.js shows the rows and takes the answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.types import Caller
from studio.data import media
from studio.data.annotations import Work
from studio.data.marks import FORMS
from studio.data.records import Dataset
from studio.pages.datasets import address as addresses
from studio.pages.datasets import table
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Tab
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, text

KINDS = [("Label", "label"), ("Parts of a text", "span"), ("Which is better", "preference")]
NONE = "(none)"
SAID = {"column": "a column of answers", "bio": "tokens and tags (BIO)", "trl": "chosen and rejected (TRL)"}
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Part:
    """The tab's components."""

    chosen: gr.Dropdown
    desk: gr.HTML
    kind: gr.Radio
    name: gr.Textbox
    column: gr.Dropdown
    other: gr.Dropdown
    prompt: gr.Dropdown
    classes: gr.Textbox
    several: gr.Checkbox
    confidence: gr.Dropdown
    begin: gr.Button
    form: gr.Dropdown
    unmarked: gr.Checkbox
    make: gr.Button
    made: gr.HTML


def layout() -> Part:
    """The desk, then what begins one, then what makes a data set of the answers."""
    chosen = gr.Dropdown([], label="Annotation", interactive=True, visible=False)
    desk = gr.HTML()
    with gr.Accordion("A new annotation", open=False, elem_classes="folded"):
        kind = gr.Radio(KINDS, value="label", label="What is asked")
        with gr.Row(equal_height=True):
            name = gr.Textbox(
                "label", label="Name", info="The column that the answers become.", max_lines=1, min_width=180
            )
            column = gr.Dropdown([], label="Column", info="What is looked at.", interactive=True, min_width=180)
            other = gr.Dropdown(
                [], label="Compared with", info="The second text.", interactive=True, visible=False, min_width=180
            )
            prompt = gr.Dropdown(
                [], label="Prompt", info="What both answer.", interactive=True, visible=False, min_width=180
            )
        with gr.Row(equal_height=True):
            classes = gr.Textbox(
                label="Classes", info="Parted by commas.", placeholder="bad, good", max_lines=2, min_width=240
            )
            several = gr.Checkbox(label="Several", info="More than one class for a row, or none.", min_width=160)
            confidence = gr.Dropdown(
                [NONE], value=NONE, label="Least sure first", info="By a column of numbers.", interactive=True
            )
        with gr.Row(elem_classes="actions-row"):
            begin = gr.Button("Begin", variant="primary", size="md")
    with gr.Accordion("Make a data set of the answers", open=False, elem_classes="folded"):
        with gr.Row(equal_height=True):
            form = gr.Dropdown([], label="Form", interactive=True, min_width=220)
            unmarked = gr.Checkbox(label="All rows", info="Also those without an answer.", min_width=180)
        with gr.Row(elem_classes="actions-row"):
            make = gr.Button("Make the data set", size="md")
    return Part(
        chosen, desk, kind, name, column, other, prompt, classes, several, confidence, begin, form, unmarked, make,
        gr.HTML(),
    )  # fmt: skip


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """Lay out and wire."""
    part = layout()
    wire(studio, query, part)

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        works = [work for work in studio.annotations(caller, address.ref) if work.plan.split == address.split]
        columns = dataset.info.columns
        names = [column.name for column in columns if column.type == media.COLUMN or column.kind != "other"]
        texts = [column.name for column in columns if column.kind == "text"]
        numbers = [column.name for column in columns if column.kind == "number"]
        first = next(iter(texts or names), None)
        return [
            menu(works, works[0].id if works else None),
            desk(works[0], dataset, address.row) if works else nothing(),
            gr.update(choices=names, value=first),
            gr.update(choices=texts, value=texts[1] if len(texts) > 1 else None),
            gr.update(choices=[NONE, *texts], value=NONE),
            gr.update(choices=[NONE, *numbers], value=NONE),
            forms(works[0]) if works else gr.update(choices=[], value=None),
            "",
        ]

    followers = [part.chosen, part.desk, part.column, part.other, part.prompt, part.confidence, part.form, part.made]
    return followers, shown


def wire(studio: Studio, query: gr.Textbox, part: Part) -> None:
    """Begin, choose another, make a data set; the kind says which fields there are."""

    def asked(kind: str) -> list[Any]:
        pair = kind == "preference"
        usual = {"label": "label", "span": "spans", "preference": "preference"}[kind]
        return [
            usual,
            gr.update(visible=pair),
            gr.update(visible=pair),
            gr.update(visible=not pair),
            gr.update(visible=kind == "label"),
        ]

    def begin(request: gr.Request, **given: Any) -> list[Any]:
        here, caller = addresses.parse(given["query"]), caller_of(request, studio)
        dataset = studio.dataset(caller, here.ref)
        kind = given["kind"]
        plan = {
            "name": (given["name"] or "").strip(),
            "kind": kind,
            "split": here.split or next(iter(dataset.info.splits)),
            "column": given["column"] or "",
            "several": bool(given["several"]) and kind == "label",
            "confidence": _named(given["confidence"]),
        }
        if kind == "preference":
            plan |= {"other": given["other"] or "", "prompt": _named(given["prompt"])}
        else:
            plan["classes"] = [name.strip() for name in (given["classes"] or "").split(",") if name.strip()]
        work = studio.start_annotation(caller, here.ref, plan)
        works = [one for one in studio.annotations(caller, here.ref) if one.plan.split == work.plan.split]
        return [menu(works, work.id), desk(work, dataset), forms(work)]

    def chosen(at: str, work_id: str, request: gr.Request) -> list[Any]:
        caller = caller_of(request, studio)
        work = studio.annotation(caller, work_id)
        return [desk(work, studio.dataset(caller, addresses.parse(at).ref)), forms(work)]

    def make(work_id: str | None, form: str, unmarked: bool, request: gr.Request) -> Html:
        if not work_id:
            return parts.notice("warn", "Begin an annotation first.")
        values = {"form": form, "unmarked": bool(unmarked) and form == "column"}
        job = studio.export_annotations(caller_of(request, studio), work_id, values)
        return table.job_panel(job, "The data set is being made; it will stand in the list of data sets")

    fields = ("kind", "name", "column", "other", "prompt", "classes", "several", "confidence")
    given = {"query": query} | {field: getattr(part, field) for field in fields}
    asked_for = [part.name, part.other, part.prompt, part.classes, part.several]
    part.kind.input(asked, part.kind, asked_for, **QUIET)
    shown = [part.chosen, part.desk, part.form]
    part.begin.click(guarded(begin), inputs_kwargs=given, outputs=shown, api_visibility="private")
    part.chosen.input(guarded(chosen), [query, part.chosen], [part.desk, part.form], **QUIET)
    part.make.click(guarded(make), [part.chosen, part.form, part.unmarked], part.made, api_visibility="private")


def desk(work: Work, dataset: Dataset, row: int = -1) -> Html:
    """Where annotate.js puts a row and takes its answer."""
    held = json.dumps([column.name for column in dataset.info.columns if column.type == media.COLUMN])
    place = row if row < work.rows else -1
    return Html(
        f'<section class="panel desk" aria-label="Annotation" data-annotate="{text(work.id)}" data-row="{place}" '
        f'data-ref="{text(work.ref)}" data-split="{text(work.plan.split)}" data-media="{text(held)}">'
        '<p class="note">The row is being fetched.</p></section>'
    )


def menu(works: Sequence[Work], chosen: str | None) -> Any:
    """The annotations of this split; hidden where there is none to choose."""
    choices = [(f"{one.plan.name} ({one.plan.kind})", one.id) for one in works]
    return gr.update(choices=choices, value=chosen, visible=bool(works))


def forms(work: Work) -> Any:
    """The forms that answers of this kind can take."""
    known = FORMS[work.plan.kind]
    return gr.update(choices=[(SAID[form], form) for form in known], value=known[0])


def nothing() -> Html:
    """Before the first."""
    told = (
        "Give rows a class, mark parts of their text, or say which of two answers is better. Every answer is kept at "
        "once, and can be taken back; digits and arrows are enough to work with."
    )
    return parts.empty_state("Not annotated yet", told, picture="card")


def _named(chosen: str | None) -> str:
    return "" if not chosen or chosen == NONE else chosen


TAB = Tab("annotate", "Annotate", build)
