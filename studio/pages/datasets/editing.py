"""Rows edited by hand: what is written goes into the draft of the recipe, which the browser keeps until it is run."""

import json
import time
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.data.checks.base import plural
from studio.data.drafts import Draft
from studio.data.records import Column
from studio.pages.datasets import address as addresses
from studio.pages.datasets import boxes
from studio.pages.datasets.address import Address
from studio.pages.datasets.boxes import Box
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join, text

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
WITH_DRAFT = "(query, _, ...rest) => [query, window.studioDatasets.draft(), ...rest]"
KEPT = "(told) => { window.studioDatasets.wrote(told); return []; }"


@dataclass(frozen=True)
class Held:
    """A row while it is looked at: the columns of its split, its boxes as they are and as the draft has them."""

    columns: tuple[Column, ...]
    boxes: tuple[Box, ...]
    drafted: tuple[Box, ...]
    touched: bool
    deleted: bool
    left: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """The components.

    Attributes:
        place: the row that is shown, "" for none; it differs each time.
        written: what the browser is to keep as the draft, as JSON; as an input, the draft that it keeps.
        told: how much of the draft is edits, above the row.
        held: the row, for the form.
        drawn: differs each time the form is to be drawn; a `gr.State` would say so twice.
    """

    place: gr.Textbox
    written: gr.Textbox
    told: gr.HTML
    held: gr.State
    drawn: gr.Textbox


def layout() -> Part:
    """What stands above the row, and what is not seen."""
    place = gr.Textbox(elem_classes="offstage", label="Row")
    written = gr.Textbox(elem_classes="offstage", label="Draft")
    drawn = gr.Textbox(elem_classes="offstage", label="Drawn")
    return Part(place, written, gr.HTML(), gr.State(None), drawn)


def build(studio: Studio, query: gr.Textbox, part: Part) -> None:
    """The form below the row, and what it does."""

    def opened(at: str, draft: str, place: str, request: gr.Request) -> tuple[Html, Held | None, str]:
        if not place:
            return Html(""), None, ""
        caller = caller_of(request, studio)
        here = placed(studio, caller, at)
        try:
            held = row(studio, caller, here, draft)
        except StudioError as error:
            return unreadable(here, error), None, place
        return state(here, Draft.read(draft)), held, place

    part.place.change(
        guarded(opened), [query, part.written, part.place], [part.told, part.held, part.drawn], js=WITH_DRAFT, **QUIET
    )

    @gr.render(inputs=part.held, triggers=[part.drawn.change], show_progress="hidden")  # type: ignore[untyped-decorator]
    def show(held: Held | None) -> None:
        if held is not None:
            form(studio, query, part, held)


def placed(studio: Studio, caller: Caller, query: str) -> Address:
    """The place that a query names, with its split, which is the first where none is named."""
    here = addresses.parse(query)
    return here if here.split else replace(here, split=next(iter(studio.dataset(caller, here.ref).info.splits)))


def stamp(address: Address) -> str:
    """What `Part.place` is for a row."""
    return json.dumps([address.split, address.row, time.time_ns()])


def row(studio: Studio, caller: Caller, here: Address, draft: str) -> Held:
    """The row with what the draft sets in it."""
    drafted = Draft.read(draft)
    found = studio.row(caller, here.ref, here.split, here.row)
    info = studio.dataset(caller, here.ref).info
    known = {column.name: column for column in info.columns}
    columns = tuple(Column(one.column, one.type, known[one.column].kind) for one in found.values)
    values = {one.column: one for one in found.values}
    short = [
        column
        for column in boxes.simple(columns)
        if not values[column.name].length and len(str(values[column.name].value)) <= boxes.LONGEST
    ]
    cells = drafted.cells(here.split, here.row)
    labels = {column.name: info.labels.get(column.name, ()) for column in short}
    plain = [Box.of(column, values[column.name].value, labels[column.name]) for column in short]
    new = [Box.of(column, cells.get(column.name, values[column.name].value), labels[column.name]) for column in short]
    left = tuple(column.name for column in columns if column not in short)
    deleted = drafted.deletes(here.split, here.row)
    return Held(columns, tuple(plain), tuple(new), bool(cells) or deleted, deleted, left)


def form(studio: Studio, query: gr.Textbox, part: Part, held: Held) -> None:
    """The boxes of a row, and three buttons."""
    with gr.Accordion("Edit this row", open=held.touched, elem_classes="folded"):
        drawn = boxes.draw(held.drafted)
        if held.left:
            gr.HTML(
                f'<p class="note">No box for {text(", ".join(held.left[:20]))}: only short plain values have one.</p>'
            )
        with gr.Row(elem_classes="actions-row"):
            save = gr.Button("Save into the recipe", variant="primary", size="md")
            delete = gr.Button("Delete this row", size="md", interactive=not held.deleted)
            undo = gr.Button("Undo its edits", size="md", visible=held.touched)
        told = gr.HTML()

    def into(at: str, draft: str, change: Any, request: gr.Request) -> tuple[Any, ...]:
        caller = caller_of(request, studio)
        here = placed(studio, caller, at)
        try:
            changed: Draft = change(Draft.read(draft), here)
            written = json.dumps({"ref": here.ref, "recipe": changed.text})
            return written, state(here, changed), row(studio, caller, here, changed.text), stamp(here), ""
        except StudioError as error:
            return (
                "",
                gr.skip(),
                gr.skip(),
                gr.skip(),
                parts.notice("bad", Html(text(str(error)).replace("\n", "<br>"))),
            )

    def saved(at: str, draft: str, request: gr.Request, *given: Any) -> tuple[Any, ...]:
        return into(
            at,
            draft,
            lambda known, here: known.with_row(here.split, here.row, boxes.changes(held.boxes, given), held.columns),
            request,
        )

    def deleted(at: str, draft: str, request: gr.Request) -> tuple[Any, ...]:
        return into(at, draft, lambda known, here: known.with_deleted(here.split, here.row, held.columns), request)

    def undone(at: str, draft: str, request: gr.Request) -> tuple[Any, ...]:
        return into(at, draft, lambda known, here: known.without(here.split, here.row, held.columns), request)

    outputs = [part.written, part.told, part.held, part.drawn, told]
    for button, action, given in ((save, saved, drawn), (delete, deleted, []), (undo, undone, [])):
        inputs: list[Any] = [query, part.written, *given]
        button.click(guarded(action), inputs, outputs, js=WITH_DRAFT, **QUIET).then(
            None, part.written, None, js=KEPT, **QUIET
        )


def state(here: Address, draft: Draft) -> Html:
    """What the draft holds that has not run; empty where it holds nothing."""
    edits = draft.edits
    if not draft.recipe.steps:
        return Html("")
    counted = [
        plural(edits.cells, "cell") + " set" if edits.cells else "",
        plural(edits.deleted, "row") + " deleted" if edits.deleted else "",
        plural(edits.added, "row") + " added" if edits.added else "",
        plural(draft.others, "other step") if draft.others else "",
    ]
    mine = "This row is deleted in it. " if draft.deletes(here.split, here.row) else ""
    if cells := draft.cells(here.split, here.row):
        mine += f"Of this row it sets {', '.join(cells)}. "
    told = f"The draft of the recipe has {', '.join(filter(None, counted))}; not yet run. {mine}"
    return parts.notice("info", join([text(told), to_draft(here)]))


def unreadable(here: Address, error: StudioError) -> Html:
    """Why rows cannot be edited now."""
    return parts.notice("warn", join([text(f"Rows cannot be edited now. {error} "), to_draft(here)]))


def to_draft(here: Address) -> Html:
    """The way to the recipe."""
    return Html(f'<a href="{text(here.link(tab="mend", row=-1))}" data-go>Open the recipe</a>')
