"""Tab "Rows": pages of rows, one box that searches in three ways, filters, SQL conditions; a row by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import InvalidInput, NotFound, StudioError
from studio.core.types import Caller
from studio.data import filters
from studio.data.filters import VALUELESS, Condition
from studio.data.records import Dataset
from studio.data.views import View
from studio.pages.datasets import address as addresses
from studio.pages.datasets import editing, table
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Kept, Tab
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join, text

LISTS = ("in", "not in", "between")
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Part:
    """The tab's components."""

    controls: gr.Column
    q: gr.Textbox
    by: gr.Radio
    search: gr.Button
    column: gr.Dropdown
    op: gr.Dropdown
    value: gr.Textbox
    add: gr.Button
    where: gr.Textbox
    apply: gr.Button
    chips: gr.HTML
    index: gr.Button
    edits: editing.Part
    rows: gr.HTML


def layout() -> Part:
    """Search, filters, rows."""
    with gr.Column() as controls:
        with gr.Row(elem_classes="search-row"):
            q = gr.Textbox(
                label="Search", placeholder="Words or characters", max_lines=1, scale=3, elem_classes="field"
            )
            by = gr.Radio(
                [("Characters", "text"), ("Words", "words"), ("Meaning", "meaning")],
                value="text", label="By", scale=3, min_width=400,
            )  # fmt: skip
            search = gr.Button("Search", variant="primary", size="md", scale=1, min_width=100)
        with gr.Accordion("Filter", open=False, elem_classes="folded"):
            with gr.Row(equal_height=True):
                column = gr.Dropdown([], label="Column", interactive=True, min_width=150)
                op = gr.Dropdown([], label="Condition", interactive=True, min_width=130)
                value = gr.Textbox(
                    label="Value", placeholder="Several are parted by commas", max_lines=1, min_width=160
                )
                add = gr.Button("Add", size="md", min_width=80)
            with gr.Row(equal_height=True):
                where = gr.Textbox(
                    label="Or a condition in SQL", placeholder="length(text) > 200 AND label <> 'games'", scale=5
                )
                apply = gr.Button("Apply", size="md", scale=1, min_width=80)
        chips = gr.HTML()
    with gr.Row(elem_classes="actions-row"):
        index = gr.Button("Build the index", variant="primary", size="md", visible=False)
    return Part(
        controls, q, by, search, column, op, value, add, where, apply, chips, index, editing.layout(), gr.HTML()
    )


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """Lay out and wire."""
    part = layout()
    wire(studio, query, part)
    editing.build(studio, query, part.edits)
    followers: list[Any] = [part.controls, part.q, part.by, part.column, part.op, part.where, part.chips, part.index]

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        if address.row >= 0:
            hidden = [gr.update(visible=False), *[gr.skip()] * 6, gr.update(visible=False)]
            return [*hidden, editing.stamp(address), one_row(studio, caller, address, dataset)]
        columns = [column.name for column in dataset.info.columns]
        first = dataset.info.columns[0]
        rows, missing = found(studio, caller, address, dataset)
        return [
            gr.update(visible=True),
            Kept(address.q),
            Kept(address.by),
            Kept(gr.update(choices=columns, value=first.name)),
            Kept(gr.update(choices=list(filters.operators(first)), value=filters.operators(first)[0])),
            Kept(address.where),
            chips(address),
            gr.update(visible=missing),
            "",
            rows,
        ]

    return [*followers, part.edits.place, part.rows], shown


def wire(studio: Studio, query: gr.Textbox, part: Part) -> None:
    """Each control writes the address anew; the rows follow it."""

    def searched(at: str, q: str, by: Any) -> str:
        return replace(addresses.parse(at), q=(q or "").strip(), by=by, page=0, row=-1).query()

    def operators(at: str, name: str, request: gr.Request) -> Any:
        dataset = studio.dataset(caller_of(request, studio), addresses.parse(at).ref)
        for column in dataset.info.columns:
            if column.name == name:
                known = filters.operators(column)
                return gr.update(choices=list(known), value=known[0])
        return gr.skip()

    def added(at: str, column: str, op: str, value: str, request: gr.Request) -> tuple[str, str]:
        here = addresses.parse(at)
        given = tuple(one.strip() for one in value.split(",")) if op in LISTS else value
        condition = Condition(column=column, op=op, value=None if op in VALUELESS else given)
        dataset = studio.dataset(caller_of(request, studio), here.ref)
        filters.compiled(dataset.info.columns, [condition], dataset.info.labels)  # a mistake is told at once
        return replace(here, conditions=(*here.conditions, condition), page=0).query(), ""

    def applied(at: str, where: str) -> str:
        return replace(addresses.parse(at), where=(where or "").strip(), page=0).query()

    def index(at: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        job = studio.build_index(caller, here.ref, {"split": here.split, "kind": here.by})
        return table.job_panel(job, "The index is being made; search again when it is done")

    gr.on([part.search.click, part.q.submit], guarded(searched), [query, part.q, part.by], query, **QUIET)
    part.column.input(guarded(operators), [query, part.column], part.op, **QUIET)
    filter_inputs = [query, part.column, part.op, part.value]
    gr.on([part.add.click, part.value.submit], guarded(added), filter_inputs, [query, part.value], **QUIET)
    gr.on([part.apply.click, part.where.submit], guarded(applied), [query, part.where], query, **QUIET)
    part.index.click(guarded(index), query, part.rows, **QUIET)


def found(studio: Studio, caller: Caller, address: Address, dataset: Dataset) -> tuple[Html, bool]:
    """The rows at this place, and whether an index is missing for them."""
    try:
        if address.q:
            hits = studio.search(caller, address.ref, address.search())
            page, total, scores = hits.page, hits.total, hits.scores
            ranked = total if address.by == "words" else None
            told = said(hits.total, address, hits.columns)
        else:
            page = studio.view(caller, address.ref, narrow(studio, caller, address, dataset))
            total, scores, ranked, told = page.matching, [], page.matching, Html("")
    except NotFound as error:
        return parts.notice("info", str(error)), address.by != "text" and bool(address.q)
    except StudioError as error:
        return parts.notice("bad", str(error)), False
    if not page.rows:
        nothing = "No row holds it." if address.q else "No row is like this." if address.narrowed else "It has no rows."
        return parts.empty_state(nothing, "Look for something else, or take the filters away."), False
    cut = Html("") if not page.cut else Html('<p class="note">Long cells are cut; a row by itself has them whole.</p>')
    if len(page.columns) >= table.MOST_COLUMNS and len(dataset.info.columns) > table.MOST_COLUMNS:
        cut = join([cut, table.left_out(len(dataset.info.columns))])
    count = len(page.rows), ranked if address.q else total
    above, below = (table.pager(address, *count, name) for name in ("Pages", "Pages, below the rows"))
    return join([told, above, table.table(address, dataset.info.columns, page, scores), cut, below]), False


def narrow(studio: Studio, caller: Caller, address: Address, dataset: Dataset) -> View:
    """The view at this place; of very many columns only the first, which is all that a page can show."""
    view = address.view()
    if len(dataset.info.columns) <= table.MOST_COLUMNS:
        return view
    known = studio.view(caller, address.ref, View(split=address.split, limit=0)).columns
    return view.model_copy(update={"columns": known[: table.MOST_COLUMNS]})


def said(total: int | None, address: Address, columns: Sequence[str]) -> Html:
    """What was found, where, and how it is ranked."""
    where = f"in {', '.join(columns)}"
    left = address.by != "text" and (address.conditions or address.where)
    if left:
        where += " (filters do not hold for a ranking)"
    elif address.where:
        where += " (the condition in SQL does not hold for a search)"
    if address.by == "meaning":
        return Html(f'<p class="note">The nearest of {total:,} rows by meaning, {text(where)}.</p>')
    if address.by == "words":
        return Html(f'<p class="note">{total:,} rows hold any of the words, {text(where)}; ranked by BM25.</p>')
    many = "Rows" if total is None else f"{total:,} rows"
    return Html(f'<p class="note">{many} that hold these characters {text(where)}, in the order of the files.</p>')


def chips(address: Address) -> Html:
    """The filters that hold, each with a link that takes it away."""
    found = []
    for place, one in enumerate(address.conditions):
        rest = tuple(other for number, other in enumerate(address.conditions) if number != place)
        value = ", ".join(map(str, one.value)) if isinstance(one.value, tuple) else one.value
        words = f"{one.column} {one.op}{'' if value is None else f' {value}'}"
        found.append(_chip(words, address.link(conditions=rest, page=0)))
    if address.where:
        found.append(_chip(address.where, address.link(where="", page=0)))
    if address.q:
        found.append(_chip(f"search: {address.q}", address.link(q="", page=0)))
    return Html(f'<ul class="filters" aria-label="Filters">{join(found)}</ul>') if found else Html("")


def _chip(words: str, without: str) -> Html:
    return Html(f'<li>{text(words)} <a href="{text(without)}" data-go aria-label="Take away: {text(words)}">×</a></li>')


def one_row(studio: Studio, caller: Caller, address: Address, dataset: Dataset) -> Html:
    """Everything of one row, and the ways to its neighbours and back."""
    try:
        row = studio.row(caller, address.ref, address.split, address.row)
    except InvalidInput as error:
        return parts.notice("bad", str(error))
    columns = {column.name: column for column in dataset.info.columns}
    pairs = []
    for one in row.values:
        shown = table.value(address, row.number, columns[one.column], one.value, one.label)
        note = f" (cut; {one.length:,} characters)" if one.length else ""
        head = join([Html(f"<b>{text(one.column)}</b>"), Html(f" <small>{text(one.type[:60] + note)}</small>")])
        pairs.append(Html(f'<div class="held"><dt>{head}</dt><dd>{shown}</dd></div>'))
    back = address.link(row=-1)
    ways = [
        table.step("Previous row", address.link(row=row.number - 1), possible=row.number > 0),
        table.step("Next row", address.link(row=row.number + 1), possible=row.number + 1 < row.total),
        table.step("All rows", back, possible=True),
    ]
    title = f"Row {row.number:,} of {row.total:,}"
    return join(
        [
            Html(f'<nav class="pager" aria-label="Rows"><p>{title}, counted from 0</p><div>{join(ways)}</div></nav>'),
            Html(f'<section class="panel"><dl class="whole-row">{join(pairs)}</dl></section>'),
        ]
    )


TAB = Tab("rows", "Rows", build)
