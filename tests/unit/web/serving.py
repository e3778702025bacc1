"""A studio that serves, in this process, for tests over real HTTP."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gradio as gr
import httpx
from huggingface_hub import constants

from studio import app
from studio.core.settings import Settings
from studio.hub.reachability import set_offline
from studio.service import Studio
from studio.ui.page import Page


def _page(studio: Studio) -> None:
    gr.Markdown("hello")


PAGES = [Page("", "Overview", "Where it starts.", "", "home", _page)]


@dataclass
class Served:
    studio: Studio
    url: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api", timeout=60)


def free_port() -> int:
    """Gradio's own search leaves the sockets open that it has tried in vain."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(settings: Settings, pages: Sequence[Page] = PAGES) -> Iterator[Served]:
    before = constants.HF_HUB_OFFLINE
    studio = Studio(settings.model_copy(update={"port": free_port()}))
    server = app.launch(studio, block=False, pages=pages)
    yield Served(studio, server.url.rstrip("/"))
    server.close()
    set_offline(before)  # the studio has switched this whole process
