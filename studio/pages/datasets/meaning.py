"""Tab "Map": rows on a plane by their meaning, coloured by a column; each point leads to its row."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import NotFound
from studio.core.types import Caller
from studio.data.records import Dataset
from studio.pages.datasets import address as addresses
from studio.pages.datasets import figures, table
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Tab
from studio.service import Studio
from studio.service.searching import Map
from studio.ui import parts, plots
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
NONE = "(one colour)"


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """A choice of the colour, the button that makes the index, the map."""
    with gr.Row(equal_height=True):
        colour = gr.Dropdown([NONE], value=NONE, label="Colour by", interactive=True)
    with gr.Row(elem_classes="actions-row"):
        make = gr.Button("Make the map", variant="primary", size="md", visible=False)
    drawn = gr.HTML()

    def see(at: str, chosen: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        split = here.split or next(iter(studio.dataset(caller, here.ref).info.splits))
        column = "" if chosen == NONE else chosen
        return mapped(here, studio.embedding_map(caller, here.ref, split, (), column))

    def start(at: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        split = here.split or next(iter(studio.dataset(caller, here.ref).info.splits))
        return table.job_panel(
            studio.build_index(caller, here.ref, {"split": split, "kind": "meaning"}),
            "The map is being made; open this tab again when it is done",
        )

    colour.input(guarded(see), [query, colour], drawn, **QUIET)
    make.click(guarded(start), query, drawn, **QUIET)

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        groups = [one.name for one in dataset.info.columns if one.kind in ("text", "boolean", "number")]
        usual = next((name for name in ("label", "category", "class", "topic") if name in groups), NONE)
        choices = gr.update(choices=[NONE, *groups], value=usual)
        try:
            found = studio.embedding_map(caller, address.ref, address.split, (), "" if usual == NONE else usual)
        except NotFound:
            told = "Every text is read by the encoder once, as a job; then rows can be searched by meaning too."
            return [choices, gr.update(visible=True), parts.empty_state("No map yet", told, picture="spark")]
        return [choices, gr.update(visible=False), mapped(address, found)]

    return [colour, make, drawn], shown


def mapped(address: Address, found: Map) -> Html:
    """The points, and what their colours mean: the seven most frequent values, and all others."""
    counts = Counter(found.colours)
    named = {value: place for place, (value, _) in enumerate(counts.most_common(plots.COLOURS - 1))}
    groups = [named.get(value, plots.COLOURS - 1) for value in found.colours] or [0] * len(found.rows)
    links = [address.link(tab="rows", row=row) for row in found.rows]
    drawn = plots.points(found.x, found.y, found.texts, groups, links)
    keys = [(value, place, counts[value]) for value, place in named.items()]
    others = sum(counts.values()) - sum(count for *_, count in keys)
    keys += [("others", plots.COLOURS - 1, others)] if others else []
    legend = join(
        Html(f'<li><i class="c{place}"></i>{parts.text(value[:60])} <small>{count:,}</small></li>')
        for value, place, count in keys
    )
    note = Html(
        f'<p class="note">Of {figures.basis(found.basis)}. What lies close together means the same to the encoder; the '
        "distance between groups says little (t-SNE).</p>"
    )
    return join([Html(f'<div class="map"><div>{drawn}</div><ul class="legend">{legend}</ul></div>'), note])


TAB = Tab("map", "Map", build)
