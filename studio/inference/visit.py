"""Whoever waits for an answer, and may leave before it is there: then the request leaves the worker's line too."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Visit:
    """One visitor's wait. Thread-safe: who waits and who notices that they left are different threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gone = False
        self._waits: dict[int, Callable[[], None]] = {}

    @property
    def gone(self) -> bool:
        """Whether nobody waits any more."""
        return self._gone

    def leave(self) -> None:
        """Give up whatever is waited for; requests to come are given up as they begin."""
        with self._lock:
            self._gone = True
            waits, self._waits = list(self._waits.values()), {}
        for give_up in waits:
            give_up()

    def run(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `fn`; whatever it asks of a model meanwhile, it asks for this visitor."""
        token = _CURRENT.set(self)
        try:
            return fn(*args, **kwargs)
        finally:
            _CURRENT.reset(token)

    @contextmanager
    def waiting(self, give_up: Callable[[], None]) -> Iterator[None]:
        """While this lasts, leaving calls `give_up`; at once where they have left already."""
        key = id(give_up)
        with self._lock:
            gone = self._gone
            if not gone:
                self._waits[key] = give_up
        if gone:
            give_up()
        try:
            yield
        finally:
            with self._lock:
                self._waits.pop(key, None)


_CURRENT: ContextVar[Visit | None] = ContextVar("visit", default=None)


@contextmanager
def waiting(give_up: Callable[[], None]) -> Iterator[None]:
    """As `Visit.waiting` of whoever asks in this thread; nothing where nobody can leave."""
    visit = _CURRENT.get()
    if visit is None:
        yield
        return
    with visit.waiting(give_up):
        yield
