"""A new data set from rows that are pasted, with what its card says of it. Stands on the list of data sets."""

from typing import Any
from urllib.parse import urlencode

import gradio as gr

from studio.hub.vocabulary import LICENSES
from studio.service import Studio
from studio.ui.events import caller_of, guarded

LINES = 6
EXAMPLE = "text,label\nIt works well.,good\nIt broke at once.,bad"


def build(studio: Studio, query: gr.Textbox) -> None:
    """A folded form; what it makes is opened."""
    with gr.Accordion("Or make a new one", open=False, elem_classes="folded"):
        with gr.Row(equal_height=True):
            title = gr.Textbox(label="Title", max_lines=1, min_width=200)
            license_ = gr.Dropdown(["", *sorted(LICENSES)], value="", label="Licence", interactive=True, min_width=160)
            languages = gr.Textbox(
                label="Languages", info="Codes, parted by commas.", placeholder="en, de", max_lines=1, min_width=160
            )
        description = gr.Textbox(label="Description", info="What it holds, and how it came about.", max_lines=3)
        rows = gr.Textbox(
            label="Rows",
            info="Paste CSV, TSV, JSON or JSON Lines; the first line of a table names the columns.",
            placeholder=EXAMPLE,
            lines=LINES,
            max_lines=LINES,
            elem_classes="mono",
        )
        with gr.Row(elem_classes="actions-row"):
            make = gr.Button("Make it", variant="primary", size="md")

    @guarded
    def made(request: gr.Request, **given: Any) -> str:
        about: dict[str, Any] = {"description": (given["description"] or "").strip(), "license": given["license"] or ""}
        about["languages"] = [code.strip() for code in (given["languages"] or "").split(",") if code.strip()]
        info = studio.create_dataset(
            caller_of(request, studio), (given["title"] or "").strip(), given["rows"] or "", about
        )
        return urlencode({"ref": info.ref}, safe=":/")

    fields: dict[str, Any] = {
        "title": title,
        "license": license_,
        "languages": languages,
        "description": description,
        "rows": rows,
    }
    make.click(made, inputs_kwargs=fields, outputs=query, api_visibility="private", show_progress="minimal")
