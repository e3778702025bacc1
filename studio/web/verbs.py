"""What a tool is: a verb of the studio with its arguments; and the arguments that many share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studio.core.types import Caller
from studio.service import Studio

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
MODEL = {"type": "string", "description": "kit:ID, artifact:ID or a Hub id."}
REF = {"type": "string", "description": "kit:ID, upload:ID, artifact:ID or a Hub id."}


@dataclass(frozen=True)
class Verb:
    """One verb of the studio as a tool.

    Attributes:
        properties: JSON schema of each argument.
        run: `(studio, caller, arguments)` → what is told, as anything that JSON can say.
        reads: whether it changes nothing.
    """

    description: str
    properties: Mapping[str, Any]
    run: Callable[[Studio, Caller, Mapping[str, Any]], Any]
    required: tuple[str, ...] = ()
    reads: bool = True
