"""Waiting for what is to come true, not for a time."""

import time
from collections.abc import Callable
from typing import Any


def wait(condition: Callable[[], Any], what: str = "the condition", deadline: float = 60.0) -> Any:
    """Return the condition's first true value; fails when the deadline passes."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {deadline} s")
