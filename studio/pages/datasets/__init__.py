"""Datasets: open, see, search, question, check and mend any data set. The address says what is looked at.

A tab is one file and one line in `TABS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import StudioError, Unopened
from studio.core.types import Caller
from studio.data.records import DatasetInfo
from studio.pages.datasets import address as addresses
from studio.pages.datasets import (
    annotating,
    arriving,
    asking,
    checking,
    figures,
    listing,
    looking,
    meaning,
    mending,
    publishing,
)
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Kept, Shown, Tab
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.page import Page
from studio.ui.parts import Html, join, text

TABS: tuple[Tab, ...] = (
    looking.TAB,
    figures.TAB,
    asking.TAB,
    meaning.TAB,
    checking.TAB,
    mending.TAB,
    annotating.TAB,
    publishing.TAB,
)
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class View:
    """What does not belong to a tab."""

    query: gr.Textbox
    listing: gr.Column
    problem: gr.HTML
    listed: gr.HTML
    unopened: gr.Button
    detail: gr.Column
    headline: gr.HTML
    whole: gr.Button
    tabs: gr.Tabs
    arrival: arriving.Part
    written: gr.State


@dataclass(frozen=True)
class Written:
    """What the page has put last into the fields of a data set: tab and place → value."""

    ref: str
    values: dict[tuple[str, int], Any] = field(default_factory=dict, hash=False)

    def fresh(self, tab: str, shown: Sequence[Any]) -> list[Any]:
        """Updates, of which those are left out that would put there what was put there last."""
        updates = []
        for place, value in enumerate(shown):
            if isinstance(value, Kept):
                known = (tab, place) in self.values and self.values[tab, place] == value.value
                self.values[tab, place] = value.value
                updates.append(gr.skip() if known else value.value)
            else:
                updates.append(value)
        return updates


def build(studio: Studio) -> None:
    """List and detail; the address says which of the two is shown, and which tab."""
    query = gr.Textbox(elem_id="dataset-query", elem_classes="offstage", label="Address")
    with gr.Column(visible=False) as column:
        problem, unopened = gr.HTML(), arriving.offer(studio, query)
        listed = listing.build(studio, query)
    arrival = arriving.build(studio, query)
    with gr.Column(visible=False) as detail:
        head, whole = gr.HTML(), arriving.offer(studio, query)
        with gr.Tabs(elem_id="dataset-tabs") as tabs:
            made = []
            for tab in TABS:
                with gr.Tab(tab.title, id=tab.id) as opened:
                    made.append((tab, opened, *tab.build(studio, query)))
    wire(
        studio,
        View(query, column, problem, listed, unopened, detail, head, whole, tabs, arrival, gr.State(None)),
        [(tab, inside, shown) for tab, _, inside, shown in made],
    )
    for tab, opened, *_ in made:
        opened.select(None, None, query, js=f"() => window.studioDatasets.tab('{tab.id}')", **QUIET)


def wire(studio: Studio, view: View, made: Sequence[tuple[Tab, Sequence[Component], Shown]]) -> None:
    """The page follows its address."""
    frame: list[Any] = [view.written, view.listing, view.problem, view.listed, view.unopened]
    frame += [view.detail, *view.arrival.followers]
    frame += [view.headline, view.whole, view.tabs]
    outputs = [*frame, *[component for _, components, _ in made for component in components]]

    def listed(caller: Caller, error: StudioError | None = None) -> list[Any]:
        problem = parts.notice("bad", str(error)) if error else ""
        shown = [gr.skip(), gr.update(visible=True), problem, listing.listed(studio, caller)]
        shown += [arriving.offered(isinstance(error, Unopened)), gr.update(visible=False), *arriving.hidden()]
        return [*shown, *[gr.skip()] * (len(outputs) - len(shown))]

    def on_its_way(caller: Caller, job: str) -> list[Any]:
        shown = [gr.skip(), gr.update(visible=False), *[gr.skip()] * 3, gr.update(visible=False)]
        shown += arriving.shown(studio, caller, job)
        return [*shown, *[gr.skip()] * (len(outputs) - len(shown))]

    @guarded
    def show(query: str, written: Written | None, request: gr.Request) -> list[Any]:
        caller, at = caller_of(request, studio), addresses.parse(query)
        if not at.ref and not at.job:
            return listed(caller)
        try:
            if not at.ref:
                return on_its_way(caller, at.job)
            dataset = studio.dataset(caller, at.ref)
        except StudioError as error:
            return listed(caller, error)
        if at.split not in dataset.info.splits:
            at = replace(at, split=next(iter(dataset.info.splits)))
        now, updates = Written(at.ref, dict(written.values) if written and written.ref == at.ref else {}), list[Any]()
        for tab, components, shown_at in made:
            here = tab.id == at.tab
            updates += now.fresh(tab.id, shown_at(caller, at, dataset)) if here else [gr.skip()] * len(components)
        shown = [now, gr.update(visible=False), *[gr.skip()] * 3, gr.update(visible=True), *arriving.hidden()]
        info = dataset.info
        shown += [headline(at, info), arriving.offered(bool(info.partial), info.source)]
        return [*shown, gr.update(selected=at.tab), *updates]

    on_load(None, outputs=view.query, js="() => window.studioDatasets.opened()")
    went = "(query, ...rest) => [window.studioDatasets.went(query), ...rest]"
    follows = view.query.change(show, [view.query, view.written], outputs, js=went, trigger_mode="always_last", **QUIET)
    follows.then(None, js="() => window.studioDatasets.arrived()", **QUIET)
    view.arrival.look.click(show, [view.query, view.written], outputs, **QUIET)


def headline(at: Address, info: DatasetInfo) -> Html:
    """What it is, and which part of it is looked at."""
    more = "+" if info.partial else ""
    facts = [
        parts.chip("info", listing.SOURCES.get(info.source, info.source)),
        f"{sum(info.splits.values()):,}{more} rows · {len(info.columns)} columns · {parts.format_bytes(info.bytes)}",
        f"licence {info.license}" if info.license else "licence not stated",
        *([f"revision {info.revision[:10]}"] if info.revision else []),
    ]
    splits = join(_split(at, name, f"{rows:,}{'+' * (name in info.cut)}") for name, rows in info.splits.items())
    subsets = Html("")
    if len(info.configs) > 1:
        named = join(_subset(at, info, name) for name in info.configs)
        subsets = Html(f'<nav class="splits" aria-label="Subsets">{named}</nav>')
    back = Html(f'<a href="{addresses.PATH}" data-go>All data sets</a>')
    about = Html(f'<p class="note">{text(info.description)}</p>') if info.description else ""
    line = join([Html(f"<span>{text(fact)}</span>") for fact in facts])
    beginning = parts.notice("warn", info.partial) if info.partial else ""
    return Html(
        f'<div class="dataset-head"><div><h2>{text(info.title)}</h2><p class="ref">{text(info.ref)}</p></div>'
        f'<div class="actions">{back}</div></div><p class="facts-line">{line}</p>{about}'
        f'{beginning}{subsets}<nav class="splits" aria-label="Splits">{splits}</nav>'
    )


def _subset(at: Address, info: DatasetInfo, name: str) -> Html:
    here = ' aria-current="true"' if name == info.config else ""
    place = Address(ref=f"{at.ref.partition('#')[0]}#{name}", tab=at.tab).link()
    return Html(f'<a href="{text(place)}" data-go{here}>{text(name)}</a>')


def _split(at: Address, name: str, rows: str) -> Html:
    here = ' aria-current="true"' if name == at.split else ""
    place = at.link(split=name, page=0, row=-1)
    return Html(f'<a href="{text(place)}" data-go{here}>{text(name)} <small>{text(rows)}</small></a>')


PAGE = Page(
    "datasets",
    "Datasets",
    "See, search, question, check and mend any data set, on or off the Hub.",
    "Build",
    "database",
    build,
)
