"""The web app: every page in its shell, and the one way in which it is served."""

import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from studio.core.settings import ASSETS, Settings
from studio.pages import PAGES
from studio.service import Studio
from studio.ui import shell, visits
from studio.ui.blocks import PagedBlocks, new_blocks
from studio.ui.events import oauth_available
from studio.ui.page import Page
from studio.ui.theme import studio_theme
from studio.web import events, health, middleware, static
from studio.web.events import Streams
from studio.web.health import CountRequests, Requests

PARALLEL_EVENTS = 8  # of one handler; the work itself is done by other processes


def create_app(studio: Studio, pages: Sequence[Page] | None = None) -> gr.Blocks:
    """Build every page of the table (or `pages`), the start page first; nothing listens yet."""
    shown = list(PAGES.values()) if pages is None else list(pages)
    demo = new_blocks(title="Studio", analytics_enabled=False, fill_width=True)
    start = next((page for page in shown if not page.path), None)
    with demo:
        if start is not None:
            _build(start, shown, studio)
        if oauth_available():
            gr.LoginButton(visible=False)  # its presence makes Gradio serve /login/huggingface and /logout
        demo.unload(visits.leave)
    for page in shown:
        if page.path:
            with demo.route(page.title, page.path):
                _build(page, shown, studio)
    for block in demo.blocks.values():
        if isinstance(block, gr.HTML):
            block.apply_default_css = False  # Gradio's type for articles; ours is the stylesheet's
    if isinstance(demo, PagedBlocks):
        demo.finish()
    return demo


def _build(page: Page, pages: Sequence[Page], studio: Studio) -> None:
    shell.frame(page, pages)
    shell.header(page)
    page.build(studio)


@dataclass
class Server:
    """A running studio."""

    studio: Studio
    demo: gr.Blocks
    streams: Streams
    app: FastAPI
    url: str

    def close(self) -> None:
        """Stop serving, then what the studio runs in this process; jobs go on."""
        self.streams.close()
        self.demo.close(verbose=False)
        self.studio.close()

    def wait(self) -> None:
        """Serve until SIGTERM or SIGINT, then close."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.wait(timeout=3600):
            pass
        self.close()


def launch(studio: Studio, *, block: bool = True, pages: Sequence[Page] | None = None) -> Server:
    """Serve the studio on a laptop, a Space or in a container: all the same way.

    With `block` it returns after SIGTERM or SIGINT, else at once with the running server.
    Raises `OSError` when the port is taken.
    """
    settings = studio.settings
    demo = create_app(studio, pages)
    demo.queue(default_concurrency_limit=PARALLEL_EVENTS)
    routes, streams, requests = _routes(studio)
    paths = [page[0] for page in demo.pages]
    studio.start()
    try:
        app, url, _ = demo.launch(
            server_name=settings.host,
            server_port=settings.port or None,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            show_error=False,
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            footer_links=["api"],
            favicon_path=ASSETS / "favicon.png",
            allowed_paths=[],
            blocked_paths=_blocked(settings),
            max_file_size=f"{settings.max_upload_mb}mb",
            theme=studio_theme(),
            app_kwargs={
                "routes": routes.routes,
                "middleware": [
                    Middleware(CountRequests, requests=requests),
                    *middleware.stack(settings, paths, shell.head()),
                ],
            },
        )
    except BaseException:
        studio.close()
        raise
    server = Server(studio, demo, streams, app, url)
    if block:
        print(f"Studio is open at {url}", flush=True)  # noqa: T201  the one line that `make run` shows
        server.wait()
    return server


def _routes(studio: Studio) -> tuple[FastAPI, Streams, Requests]:
    """The studio's own routes. They go in front of Gradio's, and are there from the first request on."""
    own = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    requests = Requests()
    static.add_routes(own)
    health.add_routes(own, studio, requests)
    streams = events.add_routes(own, studio)
    if find_spec("studio.web.rest") is not None:
        import_module("studio.web.rest").add_routes(own, studio)
    return own, streams, requests


def _blocked(settings: Settings) -> list[str]:
    """What Gradio must never serve as a file: the data folder, and the working directory's own files."""
    return [str(settings.home), str(ASSETS.parent)]
