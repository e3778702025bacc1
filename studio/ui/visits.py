"""Visitors of pages who leave while a model works for them: what they have asked leaves the worker's line.

Gradio tells of a closed page by its `unload` event, and ends a generator between two of its values only.
"""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import gradio as gr

from studio.inference.visit import Visit

T = TypeVar("T")

_under_way: dict[str, set[Visit]] = {}  # by Gradio's session, which is one page that is open
_lock = threading.Lock()


def attended(request: gr.Request, values: Iterator[T]) -> Generator[T]:
    """The same values, as long as the page is open: when it is closed, whatever they wait for is given up."""
    with _visit(str(request.session_hash or "")) as visit:
        done = object()
        try:
            while (value := visit.run(next, values, done)) is not done:
                yield value  # type: ignore[misc]  # not the mark
        finally:
            getattr(values, "close", lambda: None)()


def leave(request: gr.Request) -> None:
    """The page was closed, or its visitor has pressed Stop."""
    with _lock:
        visits = list(_under_way.pop(str(request.session_hash or ""), ()))
    for visit in visits:
        visit.leave()


@contextmanager
def _visit(session: str) -> Iterator[Visit]:
    visit = Visit()
    with _lock:
        _under_way.setdefault(session, set()).add(visit)
    try:
        yield visit
    finally:
        with _lock:
            left = _under_way.get(session, set())
            left.discard(visit)
            if not left:
                _under_way.pop(session, None)
