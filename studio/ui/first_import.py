"""Importing gradio without what it does on the side: look-ups on the network, and a third of its import time."""

import inspect
import os
from typing import Any


def import_gradio() -> None:
    """Import gradio for the first time in this process.

    For each of its component classes gradio writes a .pyi file beside the source, 1.3 s of CPU time in every
    process; it leaves out a class whose file cannot be found, so during the import none of its own can be.
    Without the trick everything works the same, only slower.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")  # a table after each event, that nobody reads
    original = inspect.getfile

    def getfile(thing: Any) -> str:
        if isinstance(thing, type) and str(getattr(thing, "__module__", "")).startswith("gradio."):
            raise OSError("not during gradio's import")
        return original(thing)

    inspect.getfile = getfile  # type: ignore[assignment]  # its stub spells out every kind of thing
    try:
        import gradio  # noqa: F401
    finally:
        inspect.getfile = original
