"""A row that is added by hand: a box per simple column, written into the recipe as part of its first step."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import TypeAdapter

from studio.core.errors import InvalidInput, StudioError
from studio.data.drafts import Draft
from studio.data.records import Column
from studio.pages.datasets import boxes
from studio.pages.datasets.boxes import Box
from studio.ui import parts
from studio.ui.events import guarded
from studio.ui.parts import text


@dataclass(frozen=True)
class New:
    """Where a row is added, and the columns that it has."""

    split: str
    columns: tuple[Column, ...]


NEW = TypeAdapter(New)


def draw(place: gr.Accordion, row: gr.Textbox, recipe: gr.Code) -> None:
    """The form; it follows `row`, which is `New` as JSON, and writes into the recipe."""
    with place:

        @gr.render(inputs=row, triggers=[row.change], show_progress="hidden")  # type: ignore[untyped-decorator]
        def show(plan: str) -> None:
            if not plan:
                return
            new = NEW.validate_json(plan)
            empty = [Box(column) for column in boxes.simple(new.columns)]
            gr.HTML(
                f'<p class="note">It comes after the last row of {text(new.split)}; what has no box stays empty.</p>'
            )
            drawn = boxes.draw(empty)
            add = gr.Button("Add this row to the recipe", size="md")
            told = gr.HTML()

            def added(written: str, *given: Any) -> tuple[Any, Any]:
                try:
                    values = boxes.changes(empty, given)
                    if not values:
                        raise InvalidInput("row", "nothing", "Fill one of the boxes.")
                    draft = Draft.read(written or "").with_added(new.split, values, new.columns)
                    return draft.text, parts.notice("good", "The row stands in the recipe.")
                except StudioError as error:
                    return gr.skip(), parts.notice("bad", str(error))

            add.click(
                guarded(added), [recipe, *drawn], [recipe, told], api_visibility="private", show_progress="hidden"
            )
