"""Models of a few thousand weights from configurations, one for every task: a new task is one line in its table."""

from collections.abc import Callable
from pathlib import Path

from tests.tiny import text, vision

TINY: dict[str, Callable[[Path], None]] = {**text.TINY, **vision.TINY}
