"""Whether anybody still waits for what a model computes. Where nobody does, it ends at its next step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from studio.core.errors import VisitorLeft

_GONE: ContextVar[Callable[[], bool] | None] = ContextVar("gone", default=None)


@contextmanager
def attended(gone: Callable[[], bool]) -> Iterator[None]:
    """What models compute meanwhile is wanted until `gone`; then a model that is watched raises `VisitorLeft`."""
    token = _GONE.set(gone)
    try:
        yield
    finally:
        _GONE.reset(token)


def watch(model: Any) -> None:
    """Look before each step of a model. Some write with a part of theirs (BLIP, adapters), whose steps count too."""
    for part in model.modules():
        if part is model or callable(getattr(part, "generate", None)):
            part.register_forward_pre_hook(_look)


def _look(_model: Any, _inputs: Any) -> None:
    gone = _GONE.get()
    if gone is not None and gone():
        raise VisitorLeft()
