"""Outputs as JSON to read: files by their size, long rows of figures cut."""

import json
from collections.abc import Mapping
from typing import Any

from studio.ui import parts
from studio.ui.parts import Html

MOST_NUMBERS, SHOWN_NUMBERS = 64, 16  # a longer row of figures is cut
MOST_ROWS = 1000


def as_json(value: Any) -> str:
    """A value as indented JSON; what JSON has no word for stands as text."""
    return json.dumps(_shortened(value), indent=2, ensure_ascii=False, default=str)


def code(value: Any, label: str = "JSON") -> Html:
    """The same as a block with a copy button."""
    return parts.code_block(as_json(value), label, "json")


def _shortened(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"<{parts.format_bytes(len(value))}>"
    if isinstance(value, Mapping):
        return {str(name): _shortened(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        numbers = bool(value) and all(isinstance(one, int | float) for one in value)
        most, shown = (MOST_NUMBERS, SHOWN_NUMBERS) if numbers else (MOST_ROWS, MOST_ROWS // 10)
        if numbers or not value or not isinstance(value[0], list):
            cut = value[:shown] if len(value) > most else value
        else:  # rows of rows: a picture of figures would fill the page
            cut = value[: SHOWN_NUMBERS if len(value) > MOST_NUMBERS else len(value)]
        left = len(value) - len(cut)
        return [_shortened(one) for one in cut] + ([f"… {left:,} more"] if left else [])
    return value
