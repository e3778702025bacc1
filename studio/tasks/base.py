"""What a task is: one pipeline task of the Hub, as the playground, REST, CLI and snippets see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from studio.core.types import Slot


@dataclass(frozen=True)
class Example:
    """Inputs that a visitor tries with one click."""

    title: str
    inputs: Mapping[str, Any]


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
        snippet: `(model id as a user would write it, inputs, params)` → Python that does the same.
    """

    id: str
    title: str
    description: str
    inputs: tuple[Slot, ...]
    output: Slot
    params: type[BaseModel]
    models: tuple[str, ...]
    examples: tuple[Example, ...]
    load: Callable[[Path, Path | None, str], Any]
    predict: Callable[[Any, Sequence[Mapping[str, Any]], Any], list[Any]]
    snippet: Callable[[str, Mapping[str, Any], BaseModel], str]
