"""Text of others as it may stand in a card: without markup of its own."""

import re


def inline(text: str) -> str:
    """Text as it may stand in a line or a table cell: no markup of its own, no line breaks."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split())) if text else ""


def code(text: str) -> str:
    """Text between code marks."""
    plain = " ".join(text.replace("`", "'").split())
    return f"`{plain}`"
