"""What a task is: one pipeline task of the Hub, as the playground, REST, CLI and snippets see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from studio.core.types import Slot


@dataclass(frozen=True)
class Example:
    """Inputs that a visitor tries with one click."""

    title: str
    inputs: Mapping[str, Any]


class Pipe(Protocol):
    """A loaded model: whatever `predict` needs, and what it takes in memory."""

    @property
    def bytes(self) -> int:
        """Memory that its weights occupy."""


class Snippet(Protocol):
    """Writes Python that does without the studio what the studio just did."""

    def __call__(self, model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
        """`model` and `base` (for adapters) are Hub ids or folders, as a user would write them."""


@dataclass(frozen=True)
class Task:
    """One pipeline task. Its id is the Hub's pipeline tag.

    Attributes:
        inputs: what the model takes; a single slot is the bare `inputs` of the Hub's inference API.
        output: what comes back.
        params: the task's parameters with the library's own names and defaults.
        models: ids worth offering, `kit:` ones first.
        load: `(folder, base folder or None, device)` → the loaded pipe. Runs in the worker; may import torch
            inside. A base folder is given when `folder` holds a PEFT adapter.
        predict: `(pipe, batch of inputs, params)` → one output per input, plain JSON values.
        snippet: see `Snippet`; what it prints for an input is what `predict` gives.
        heads: how the class names of fitting architectures end, as config.json writes them; () takes any.
    """

    id: str
    title: str
    description: str
    inputs: tuple[Slot, ...]
    output: Slot
    params: type[BaseModel]
    models: tuple[str, ...]
    examples: tuple[Example, ...]
    load: Callable[[Path, Path | None, str], Pipe]
    predict: Callable[[Any, Sequence[Mapping[str, Any]], Any], list[Any]]
    snippet: Snippet
    heads: tuple[str, ...] = ()
