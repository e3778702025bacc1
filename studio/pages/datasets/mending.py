"""Tab "Mend": a recipe of steps, written by forms or by hand, tried on the first rows, run as a job over everything."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from pydantic import TypeAdapter

from studio.core.errors import InvalidInput, InvalidInputs, StudioError
from studio.core.params import leaf_fields
from studio.core.types import Caller
from studio.data import mending
from studio.data.mending import Entry
from studio.data.previews import Preview
from studio.data.records import Dataset
from studio.data.steps import STEPS
from studio.pages.datasets import adding, figures, table
from studio.pages.datasets import address as addresses
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Tab
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.forms import Form
from studio.ui.parts import Html, join, text

ROWS = 20
EVERY = "every split"
WIDEST = 300  # characters of a cell
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Offered:
    """What the forms of steps offer.

    Attributes:
        step: the one that the address names; "" where it names none.
        fields: what stands in its form.
        only: the split that it is for, "" for all.
        asked: when the address named the step: whoever comes for it a second time finds its form again.
    """

    columns: tuple[str, ...]
    splits: tuple[str, ...]
    step: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    only: str = ""
    asked: int = 0


OFFERED = TypeAdapter(Offered)


@dataclass(frozen=True)
class Part:
    """The tab's components; `offered` is what the form of the chosen step is drawn from, `row` what a new row has.

    Both are JSON in a field that is not seen: a `gr.State` tells each change twice, and what was written into the first
    form would be gone with the second. `placed` changes whenever the tab is shown: the browser then puts the draft that
    it keeps into `recipe`.
    """

    placed: gr.Textbox
    step: gr.Dropdown
    offered: gr.Textbox
    row: gr.Textbox
    form: gr.Column
    more: gr.Accordion
    recipe: gr.Code
    upload: gr.UploadButton
    title: gr.Textbox
    preview: gr.Button
    run: gr.Button
    python: gr.Button
    result: gr.HTML


def layout() -> Part:
    """Steps on the left, the recipe on the right, what it does below."""
    names = [(f"{one.group}: {one.title}", one.name) for one in STEPS.values()]
    placed, offered, row = (gr.Textbox(elem_classes="offstage", label=name) for name in ("Place", "Offered", "New row"))
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            step = gr.Dropdown(names, value=names[0][1], label="Add a step", interactive=True)
            form = gr.Column()
            more = gr.Accordion("Add a row", open=False, elem_classes="folded")
        with gr.Column(scale=1, min_width=320):
            recipe = gr.Code(label="Recipe", language="yaml", lines=12, max_lines=24, interactive=True)
            with gr.Row():
                title = gr.Textbox(label="Title of the result", placeholder="As the data set, mended", max_lines=1)
            with gr.Row(elem_classes="actions-row"):
                preview = gr.Button("Preview", variant="primary", size="md")
                run = gr.Button("Run as a job", size="md")
                python = gr.Button("Show as Python", size="md")
                upload = gr.UploadButton("Load a recipe", file_types=[".yaml", ".yml"], size="md")
    return Part(placed, step, offered, row, form, more, recipe, upload, title, preview, run, python, gr.HTML())


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """Lay out and wire."""
    part = layout()
    draw(part)
    adding.draw(part.more, part.row, part.recipe)
    wire(studio, query, part)

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        names = tuple(column.name for column in dataset.info.columns)
        try:
            written = studio.recipe_yaml(caller, address.ref)
        except StudioError:
            written = ""
        made = history(studio, caller, address)
        asked = time.time_ns() if address.step else 0
        splits = tuple(dataset.info.splits)
        only = address.only if address.only in splits else ""
        plan = Offered(names, splits, address.step, address.fields, only, asked)
        offered = OFFERED.dump_json(plan).decode()
        new = adding.NEW.dump_json(adding.New(address.split, dataset.info.columns)).decode()
        placed = json.dumps([address.ref, time.time_ns()])
        step = address.step or gr.skip()
        return [placed, step, offered, new, made if written or made else start()]

    return [part.placed, part.step, part.offered, part.row, part.result], shown


def draw(part: Part) -> None:
    """The form of the chosen step; its button writes the step into the recipe."""
    with part.form:

        @gr.render(  # type: ignore[untyped-decorator]
            inputs=[part.step, part.offered],
            # not step.change, which comes for what the page itself sets as well: a form that somebody already writes
            # into would be drawn anew
            triggers=[part.step.input, part.offered.change],
            trigger_mode="always_last",
            show_progress="hidden",
        )
        def show(name: str, plan: str) -> None:
            if not plan:
                return
            offered = OFFERED.validate_json(plan)
            step = STEPS[name]
            gr.HTML(f'<p class="note">{text(step.description)}</p>')
            known = {"column": list(offered.columns), "split": list(offered.splits)}
            choices = {
                path: known[hint]
                for path, leaf in leaf_fields(step.params)
                if isinstance(leaf.json_schema_extra, dict)
                and (hint := str(leaf.json_schema_extra.get("widget", ""))) in known
            }
            here = name == offered.step
            form = Form[Any](step.params, choices, dict(offered.fields) if here else {}, key=f"step-{name}")
            where = []  # a dropdown that is there but not shown would refuse its own value
            if len(offered.splits) > 1 and "split" not in step.params.model_fields:
                only = gr.Dropdown(
                    [(EVERY, ""), *[(split, split) for split in offered.splits]],
                    value=offered.only if here else "",
                    label="In",
                    info="Which part of the data set the step is for.",
                    interactive=True,
                    key=f"only-{name}",
                )
                where.append(only)
            add = gr.Button("Add to the recipe", size="md")
            told = gr.HTML()

            @guarded
            def added(recipe: str, *only: str, **values: Any) -> tuple[Any, Any]:
                try:
                    params = form.read(values)
                    step.check(params)
                    return appended(recipe or "", Entry(name, params, tuple(filter(None, only)))), ""
                except (InvalidInput, InvalidInputs) as error:
                    return gr.skip(), parts.notice("bad", str(error))

            add.click(added, [part.recipe, *where], [part.recipe, told], inputs_kwargs={**form.fields}, **QUIET)


def wire(studio: Studio, query: gr.Textbox, part: Part) -> None:
    """Try, run, tell."""

    def previewed(at: str, recipe: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        split = here.split or next(iter(studio.dataset(caller, here.ref).info.splits))
        return bordered(
            lambda: before_and_after(studio.preview(caller, here.ref, split, recipe or "", ROWS, with_media=True))
        )

    def started(at: str, recipe: str, title: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)

        def start() -> Html:
            job = studio.transform(caller, here.ref, recipe or "", (title or "").strip())
            return table.job_panel(job, "The recipe runs over everything; its result will be among the data sets")

        return bordered(start)

    def told(at: str, recipe: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        return bordered(
            lambda: parts.code_block(studio.recipe_python(caller, here.ref, recipe or ""), "Python", "python")
        )

    def loaded(path: str) -> str:
        given = Path(path).read_bytes()[: mending.MAX_TEXT].decode("utf-8", errors="replace")
        return mending.dumped(mending.read(given))

    part.placed.change(None, part.recipe, part.recipe, js="(written) => window.studioDatasets.place(written)", **QUIET)
    typed = "(recipe) => { window.studioDatasets.typed(recipe); return []; }"
    part.recipe.change(None, part.recipe, None, js=typed, **QUIET)
    part.preview.click(
        guarded(previewed), [query, part.recipe], part.result, api_visibility="private", show_progress="minimal"
    )
    part.run.click(guarded(started), [query, part.recipe, part.title], part.result, **QUIET)
    part.python.click(guarded(told), [query, part.recipe], part.result, **QUIET)
    part.upload.upload(guarded(loaded), part.upload, part.recipe, **QUIET)


def bordered(make: Callable[[], Html]) -> Html:
    """What was made, or why it was not: beside the recipe, where it stays to be read."""
    try:
        return make()
    except StudioError as error:
        return parts.notice("bad", Html(text(str(error)).replace("\n", "<br>")))


def appended(recipe: str, entry: Entry) -> str:
    """The recipe with one step more; raises what `mending.read` raises for what is written there."""
    known = mending.read(recipe) if recipe.strip() else mending.Mending(())
    return mending.dumped(mending.Mending((*known.steps, entry), known.source))


def before_and_after(found: Preview) -> Html:
    """What the steps did to the first rows."""
    notes = [parts.notice("warn", note) for note in found.notes]
    counts = [[one.number, one.title, f"{one.before:,}", f"{one.after:,}"] for one in found.counts]
    tried = Html(
        f'<p class="note">Tried on {figures.basis(found.basis)}; nothing is written. '
        f"Result: {text(', '.join(f'{name} {rows:,}' for name, rows in found.parts.items()))} rows.</p>"
    )
    names = [column.name for column in found.columns]
    rows = [[_number(row.row), *_cells(row.cells, row.media, changed=row.changed)] for row in found.after]
    gone = set(found.removed)
    before = [
        [Html(f"<s>{place}</s>") if place in gone else place, *_cells(row, media, gone=place in gone)]
        for place, (row, media) in enumerate(zip(found.before, found.media_before, strict=True), found.start)
    ]
    shown = f"rows from {found.start:,} on, before which nothing changes," if found.start else "the first rows"
    steps = parts.table(("Step", "What", "Rows before", "Rows after"), counts, "Steps")
    after = parts.table(["Row", *names], rows, "After", wide=True)
    was = parts.table(["Row", *[column.name for column in found.columns_before]], before, "Before", wide=True)
    return join(
        [
            *notes,
            tried,
            parts.panel("", steps),
            parts.panel(f"After: {shown} of {found.split}", Html(f'<div class="after">{after}</div>')),
            Html(f'<details class="counts"><summary>Before</summary><div class="after">{was}</div></details>'),
        ]
    )


def _number(row: int | None) -> object:
    return Html('<span class="null">new</span>') if row is None else row


def _cells(
    row: Sequence[Any], media: Mapping[int, str], *, changed: Sequence[int] = (), gone: bool = False
) -> list[Html]:
    return [
        _medium(media[place], value, changed=place in changed)
        if place in media
        else _cell(value, changed=place in changed, gone=gone)
        for place, value in enumerate(row)
    ]


def _medium(url: str, value: Any, *, changed: bool) -> Html:
    """A small picture or a player; what it is stands below."""
    shown = (
        f'<img src="{text(url)}" alt="{text(value)}">'
        if url.startswith("data:image/")
        else f'<audio controls preload="none" src="{text(url)}" aria-label="{text(value)}"></audio>'
    )
    return Html(f'<figure class="medium">{shown}<figcaption>{_cell(value, changed=changed)}</figcaption></figure>')


def _cell(value: Any, *, changed: bool = False, gone: bool = False) -> Html:
    said = "null" if value is None else str(value)
    shown = text(said if len(said) <= WIDEST else said[:WIDEST] + "…")
    if gone:
        return Html(f"<s>{shown}</s>")
    return Html(f'<span class="{"new-cell" if changed else ""}{" null" if value is None else ""}">{shown}</span>')


def history(studio: Studio, caller: Caller, address: Address) -> Html:
    """What this data set was made from, step by step; empty where nothing here made it."""
    found = studio.lineage(caller, address.ref)
    if len(found) < 2:
        return Html("")
    lines = []
    for one in found:
        place = text(Address(ref=one.ref).link())
        name = text(one.title) if one.problem else Html(f'<a href="{place}" data-go>{text(one.title)}</a>')
        steps = f"<br>{text('; '.join(one.steps))}" if one.steps else ""
        lines.append(Html(f'<li>{name} <span class="ref">{text(one.ref)}</span>{steps} {text(one.problem)}</li>'))
    return parts.panel("Where it is from", Html(f'<ol class="finds">{join(lines)}</ol>'))


def start() -> Html:
    """What stands here before a recipe is tried."""
    told = "Add steps, see what they do to the first rows, then run them over everything. The original stays as it is."
    return parts.empty_state("Not tried yet", told, picture="tune")


TAB = Tab("mend", "Mend", build)
