"""The YAML block at the top of a card, edited in place so that comments, order and quoting survive.

huggingface_hub's own card classes drop comments and reshape model-index, so they are not used.
"""

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from studio.core.errors import InvalidInput

BLOCK = re.compile(r"\A\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
LARGEST = 200_000


class BadYaml(InvalidInput):
    """The block cannot be read; `line` counts from 1 within the card, 0 when unknown."""

    def __init__(self, problem: str, line: int = 0) -> None:
        self.problem, self.line = problem, line
        super().__init__("card", f"line {line}", f"{problem[:1].upper()}{problem[1:]}.")


def split(text: str) -> tuple[str, str]:
    """The raw YAML and the text after it; the YAML is empty when the card has no block."""
    found = BLOCK.match(text)
    return (found["yaml"], text[found.end() :]) if found else ("", text)


def has_block(text: str) -> bool:
    """Whether the card begins with a block, even an empty one."""
    return BLOCK.match(text) is not None


def load(raw: str) -> Any:
    """Parse a raw block; mappings know the lines of their keys. Raises `BadYaml`."""
    if len(raw) > LARGEST:
        raise BadYaml(f"the metadata is longer than {LARGEST} characters")
    try:
        return _parser().load(raw)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(str(error.problem or error.context), mark.line + 2 if mark else 0) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise BadYaml(str(error).split("\n", 1)[0] or "it is nested too deeply") from None


def edit(text: str, changes: Mapping[str, Any]) -> str:
    """The card with some fields set; None takes a field away. Everything else stays as it was written."""
    raw, body = split(text)
    data = load(raw)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise BadYaml("the metadata is not a list of fields", 2)
    for name, value in changes.items():
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
    return f"---\n{dump(data)}---\n{body}"


def dump(data: Mapping[str, Any]) -> str:
    """A block's content; long lines are not folded."""
    stream = StringIO()
    _parser().dump(data, stream)
    return stream.getvalue()


def _parser() -> YAML:
    parser = YAML(typ="rt")
    parser.preserve_quotes = True
    parser.width = 4096
    parser.indent(mapping=2, sequence=2, offset=0)
    return parser
