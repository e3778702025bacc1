"""What a task is: one pipeline task of the Hub, as the playground, REST, CLI and snippets see it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from studio.core.settings import ASSETS
from studio.core.types import MEDIA, Slot

EXAMPLES = ASSETS / "examples"
Group = Literal["Text", "Vision", "Audio", "Several at once"]


class Params(BaseModel):
    """What every task's parameters are: frozen, and without fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoParams(Params):
    """For tasks without any."""


@dataclass(frozen=True)
class Example:
    """Inputs that a visitor tries with one click.

    Attributes:
        inputs: by slot; media are names of files under `assets/examples`.
        params: what differs from the task's defaults, for example candidate labels.
    """

    title: str
    inputs: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)


def examples(task: str) -> tuple[Example, ...]:
    """What `assets/examples/TASK.json` holds; none where the studio was installed without its repository."""
    file = EXAMPLES / f"{task}.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return tuple(Example(one["title"], one["inputs"], one.get("params", {})) for one in found)


def with_media(task: "Task", inputs: Mapping[str, Any]) -> dict[str, Any]:
    """An example's inputs as `predict` takes them: its files read."""
    media = {slot.name for slot in task.inputs if slot.modality in MEDIA and inputs.get(slot.name)}
    return {name: (EXAMPLES / value).read_bytes() if name in media else value for name, value in inputs.items()}


class Pipe(Protocol):
    """A loaded model: whatever `predict` needs, and what it takes in memory."""

    @property
    def bytes(self) -> int:
        """Memory that its weights occupy."""


class Listener(Protocol):
    """Who waits for a text that is being written."""

    def part(self, text: str) -> None:
        """Send what has been written since the last call."""

    @property
    def gone(self) -> bool:
        """Whether nobody waits any more: stop then, and give what there is."""


class Snippet(Protocol):
    """Writes Python that does without the studio what the studio just did."""

    def __call__(self, model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
        """`model` and `base` (for adapters): Hub ids or folders, as a user would write them. Media are file names."""


def as_it_is(output: Any) -> Any:
    """The answer of the Hub's inference API where it is the output itself."""
    return output


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
        predict: `(pipe, batch of inputs, params)` → one output per input: JSON values, media as `bytes`.
        snippet: see `Snippet`; what it prints for an input is what `predict` gives.
        heads: how the class names of fitting architectures end, as config.json writes them; () takes any.
        group: where menus list it.
        stream: `(pipe, inputs, params, listener)` → the output, for tasks that write text: tells the listener of
            each part as it comes, and stops early when it is gone. The parts together are the text of the output.
        alone: `(pipe, inputs, params, listener)` → the output, as `predict` for one input, for tasks that take long:
            stops early when the listener is gone.
        answer: the output as the Hub's inference API gives it; `InferenceClient` reads it.
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
    group: Group = "Text"
    stream: Callable[[Any, Mapping[str, Any], Any, Listener], Any] | None = None
    alone: Callable[[Any, Mapping[str, Any], Any, Listener], Any] | None = None
    answer: Callable[[Any], Any] = as_it_is
