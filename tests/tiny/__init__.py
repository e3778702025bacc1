"""Models of a few thousand weights from configurations, one for every task: a new task is one line in its table."""

from collections.abc import Callable
from pathlib import Path

from tests.tiny import audio, several, text, vision, writing

TINY: dict[str, Callable[[Path], None]] = {
    **text.TINY,
    **writing.TINY,
    **vision.TINY,
    **audio.TINY,
    **several.TINY,
}
