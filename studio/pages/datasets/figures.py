"""Tab "Columns": what is known of each column, texts in tokens, and two columns against each other."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.types import Caller
from studio.data.crossing import Cross
from studio.data.records import Basis, Dataset
from studio.data.statistics import Figures, Spread
from studio.pages.datasets import address as addresses
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Tab
from studio.service import Studio
from studio.ui import parts, plots
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join, text
from studio.ui.plots import number

AT_ONCE = 2_000_000  # cells; what has more is counted column by column, on request
MOST_COLUMNS = 200  # whose cards a page can show
TOP, FEW_VALUES = 8, 50
TOKENIZERS = ("kit:minilm-l6", "kit:writer", "kit:fill-mask")
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Part:
    """The tab's components."""

    count: gr.Button
    stop: gr.Button
    cards: gr.HTML
    column: gr.Dropdown
    tokenizer: gr.Dropdown
    measure: gr.Button
    tokens: gr.HTML
    x: gr.Dropdown
    y: gr.Dropdown
    compare: gr.Button
    cross: gr.HTML


def layout() -> Part:
    """Cards, then what needs a choice."""
    with gr.Row(elem_classes="actions-row"):
        count = gr.Button("Count all columns", variant="primary", size="md", visible=False)
        stop = gr.Button("Stop", variant="stop", size="md", visible=False)
    cards = gr.HTML()
    with gr.Accordion("Texts in tokens", open=False, elem_classes="folded"):
        with gr.Row(equal_height=True):
            column = gr.Dropdown([], label="Column", interactive=True)
            tokenizer = gr.Dropdown(
                list(TOKENIZERS), value=TOKENIZERS[0], label="Tokenizer of", allow_custom_value=True, interactive=True
            )
        with gr.Row(elem_classes="actions-row"):
            measure = gr.Button("Count tokens", size="md")
        tokens = gr.HTML()
    with gr.Accordion("Two columns against each other", open=False, elem_classes="folded"):
        with gr.Row(equal_height=True):
            x = gr.Dropdown([], label="Across", interactive=True)
            y = gr.Dropdown([], label="Down", interactive=True)
        with gr.Row(elem_classes="actions-row"):
            compare = gr.Button("Compare", size="md")
        cross = gr.HTML()
    return Part(count, stop, cards, column, tokenizer, measure, tokens, x, y, compare, cross)


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """Lay out and wire."""
    part = layout()
    wire(studio, query, part)

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        rows, columns = dataset.info.splits[address.split], dataset.info.columns
        large = rows * len(columns) > AT_ONCE or len(columns) > MOST_COLUMNS
        if large:
            told = f"{rows:,} rows are counted column by column; the figures appear as they are known."
            cards = parts.empty_state("Not counted yet", told, picture="chart")
        else:
            cards = grid(studio.statistics(caller, address.ref, address.split))
        texts = [one.name for one in columns if one.kind == "text"]
        simple = [one.name for one in columns if one.kind != "other"]
        pair = simple[:2] if len(simple) > 1 else [None, None]
        return [
            gr.update(visible=large),
            gr.update(visible=False),
            cards,
            gr.update(choices=texts, value=texts[0] if texts else None),
            "",
            gr.update(choices=simple, value=pair[0]),
            gr.update(choices=simple, value=pair[1]),
            "",
        ]

    return [part.count, part.stop, part.cards, part.column, part.tokens, part.x, part.y, part.cross], shown


def wire(studio: Studio, query: gr.Textbox, part: Part) -> None:
    """Counting streams; the two questions answer at once."""

    def count(at: str, request: gr.Request) -> Iterator[list[Any]]:
        here, caller = addresses.parse(at), caller_of(request, studio)
        dataset = studio.dataset(caller, here.ref)
        split = here.split or next(iter(dataset.info.splits))
        every = [column.name for column in dataset.info.columns]
        names, found = every[:MOST_COLUMNS], list[Figures]()
        began = time.monotonic()
        for place, name in enumerate(names):
            bar = parts.progress_bar(place / len(names), "Columns counted")
            told = Html(f'<p class="note">{text(name)}: column {place + 1} of {len(names)}</p>')
            yield [gr.update(visible=False), gr.update(visible=True), join([bar, told, grid(found)])]
            found += studio.statistics(caller, here.ref, split, [name])
        seconds = parts.format_duration(time.monotonic() - began)
        left = f" The first {len(names)} of {len(every):,} columns are shown." if len(names) < len(every) else ""
        told = Html(f'<p class="note">Counted in {seconds}.{left}</p>')
        yield [gr.update(visible=False), gr.update(visible=False), join([told, grid(found)])]

    def measured(at: str, column: str | None, tokenizer: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        if not column:
            return parts.notice("warn", "It has no column of text.")
        split = here.split or next(iter(studio.dataset(caller, here.ref).info.splits))
        found = studio.token_lengths(caller, here.ref, split, column, tokenizer)
        return spread(found) if found else parts.notice("info", "There is no text in this column.")

    def crossed(at: str, x: str, y: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        split = here.split or next(iter(studio.dataset(caller, here.ref).info.splits))
        return drawn(studio.cross(caller, here.ref, split, x, y), x, y)

    counting = part.count.click(guarded(count), query, [part.count, part.stop, part.cards], **QUIET)
    part.stop.click(
        lambda: [gr.update(visible=True), gr.update(visible=False)],
        None,
        [part.count, part.stop],
        cancels=counting,
        **QUIET,
    )
    part.measure.click(guarded(measured), [query, part.column, part.tokenizer], part.tokens, api_visibility="private")
    part.compare.click(guarded(crossed), [query, part.x, part.y], part.cross, api_visibility="private")


def grid(figures: Sequence[Figures]) -> Html:
    """One card per column."""
    return Html(f'<div class="column-cards">{join(map(card, figures))}</div>')


def card(one: Figures) -> Html:
    """What is known of a column."""
    about = "" if one.distinct_exact else "about "
    facts = [
        f"{one.nulls:,} null ({one.nulls / max(1, one.basis.rows_total):.1%})" if one.nulls else "no nulls",
        *([f"{about}{one.distinct:,} different"] if one.distinct is not None else []),
        *([f"{one.empty:,} empty"] if one.empty else []),
        *([f"{one.not_finite:,} not finite"] if one.not_finite else []),
    ]
    few = one.distinct is not None and one.distinct <= FEW_VALUES
    drawn = [] if few and one.kind == "text" else one.spreads  # how long the names of classes are says little
    shown = join([*(spread(found, one.basis) for found in drawn), frequent(one) if few or one.kind == "text" else ""])
    head = f"<h2>{text(one.column)}</h2><small>{text(one.type[:48])}</small>"
    told = f"{text(' · '.join(facts))}; of {basis(one.basis)}"
    return Html(
        f'<section class="panel"><div class="panel-head">{head}</div><p class="note">{told}</p>{shown}</section>'
    )


def spread(found: Spread, known: Basis | None = None) -> Html:
    """A histogram and its figures; on which rows they rest is said where it is not `known`."""
    unit = "" if found.unit == "value" else f" {found.unit}"
    low, high = _said(found.minimum), _said(found.maximum)
    shown = plots.histogram(found.edges, found.counts, (low, high))
    pairs = [("range", f"{low} to {high}{unit}")]
    if found.mean is not None:
        around = f" ± {number(found.deviation)}" if found.deviation is not None else ""
        pairs.append(("mean", f"{number(found.mean)}{around}"))
    if not isinstance(found.minimum, str):
        middle = found.quantiles.get(0.5)
        half = f"{_said(found.quantiles.get(0.25))} to {_said(found.quantiles.get(0.75))}"
        about = "" if found.exact else "about "
        pairs += [("median", f"{about}{_said(middle)}"), ("middle half", f"{about}{half}")]
    line = join(Html(f"<span>{name} <b>{text(value)}</b></span>") for name, value in pairs)
    note = "" if found.basis == known else f'<p class="note">of {basis(found.basis)}</p>'
    return Html(f'{shown}<p class="facts-line">{line}</p>{note}')


def frequent(one: Figures) -> Html:
    """The most frequent values, where values repeat."""
    if not one.top or one.top_basis is None or one.top[0][1] < 2:
        return Html("")
    rows = max(1, one.top_basis.rows_seen)
    bars = [(value if value.strip() else "(empty)", count / rows, f"{count:,}") for value, count in one.top[:TOP]]
    shown = parts.value_bars([(value[:120], share, figure) for value, share, figure in bars])
    note = "" if one.top_basis == one.basis else Html(f'<p class="note">of {basis(one.top_basis)}</p>')
    return join([shown, note])


def drawn(found: Cross, x: str, y: str) -> Html:
    """What two columns have to do with each other."""
    note = Html(f'<p class="note">of {basis(found.basis)} in which both have a value</p>')
    if found.kind == "plane":
        known = "" if found.correlation is None else f"Pearson's correlation {found.correlation:.3f}"
        shown = plots.plane(
            [float(one) for one in found.across], [float(one) for one in found.down], found.cells, (x, y)
        )
        return join([Html(f'<p class="note">{known}</p>'), shown, note])
    if found.kind == "spreads":
        return join([plots.boxes([str(name) for name in found.down], found.cells, found.sizes), note])
    most = max((max(row) for row in found.cells), default=1) or 1
    rows = [[name, *[_shade(count, most) for count in row]] for name, row in zip(found.down, found.cells, strict=True)]
    return join([parts.table([f"{y} ↓ {x} →", *found.across], rows, "Counts", wide=True), note])


def basis(found: Basis) -> str:
    """On how many rows a figure rests."""
    part = " of the beginning" if found.beginning else ""
    if found.rows_seen == found.rows_total:
        return f"all {found.rows_total:,} rows{part}"
    return f"a sample of {found.rows_seen:,} of {found.rows_total:,} rows{part}"


def _said(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else str(value)


def _shade(count: float, most: float) -> Html:
    return Html(f'<span class="shade" style="--share:{count / most:.3f}">{count:,.0f}</span>')


TAB = Tab("columns", "Columns", build)
