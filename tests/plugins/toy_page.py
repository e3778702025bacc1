"""A page added from outside."""

import gradio as gr

from studio.service import Studio
from studio.ui.page import Page


def build(studio: Studio) -> None:
    gr.Markdown("This toy page was added from outside.")


PAGE = Page("toy-page", "Toy page", "Shows that a page is one file and one table line.", "Learn", "learn", build)
