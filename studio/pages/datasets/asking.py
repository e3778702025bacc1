"""Tab "SQL": a question to the split, read-only, with a time limit; the answer as a table and the link to it."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.data.records import Dataset
from studio.data.sandbox import Answer
from studio.pages.datasets import address as addresses
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Kept, Tab
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join

SHOWN = 200  # rows of an answer on the page
WIDEST = 300  # characters of a cell
NAMED = 100  # columns


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """A box, a button, a table."""
    box = gr.Code(
        label="Question",
        language="sql",
        lines=5,
        interactive=True,
        elem_classes=["field", "wide"],
        elem_id="sql-box",
    )
    with gr.Row(elem_classes="actions-row"):
        run = gr.Button("Run", variant="primary", size="md", elem_classes="main-action")
    told, answer = gr.HTML(), gr.HTML()

    def ask(at: str, question: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        try:
            split = here.split or next(iter(studio.dataset(caller, here.ref).info.splits))
            return table(studio.sql(caller, here.ref, split, question or "", SHOWN))
        except StudioError as error:
            return parts.notice("bad", str(error))

    run.click(guarded(ask), [query, box], answer, api_visibility="private", show_progress="minimal")

    def shown(_caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        known = dataset.info.columns
        columns = ", ".join(f"{column.name} ({column.type.lower()[:40]})" for column in known[:NAMED])
        columns += f" and {len(known) - NAMED:,} more" if len(known) > NAMED else ""
        hint = Html(
            f'<p class="note">The table is called <code>{parts.text(address.split)}</code>, or <code>data</code>. '
            f"Columns: {parts.text(columns)}. One SELECT of DuckDB; it may take ten seconds and read nothing else.</p>"
        )
        return [Kept(example(dataset)), hint, ""]

    return [box, told, answer], shown


def example(dataset: Dataset) -> str:
    """A question that fits the data set."""
    label = next((one.name for one in dataset.info.columns if one.name in ("label", "category", "class")), "")
    if label:
        return f'SELECT "{label}", count(*) AS rows\nFROM data\nGROUP BY 1\nORDER BY rows DESC'
    return "SELECT *\nFROM data\nLIMIT 20"


def table(found: Answer) -> Html:
    """The answer's rows."""
    more = f", and there are more; {SHOWN} are shown at most" if found.more else ""
    took = parts.format_duration(found.seconds)
    note = Html(f'<p class="note">{len(found.rows):,} rows{more}; {took}. {parts.text(found.partial)}</p>')
    if not found.rows:
        return join([note, parts.empty_state("No rows", "The question was answered; nothing fits it.")])
    rows = [[_cell(value) for value in row] for row in found.rows]
    return join([note, parts.table([column.name for column in found.columns], rows, "Answer", wide=True)])


def _cell(value: Any) -> Any:
    if value is None:
        return Html('<span class="null">null</span>')
    said = str(value)
    return said if len(said) <= WIDEST else said[:WIDEST] + "…"


TAB = Tab("sql", "SQL", build)
