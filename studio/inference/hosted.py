"""A prediction by an Inference Provider: the task's inputs → the Hub's client → the task's own output."""

import io
import time
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from studio.core.errors import HubError, InvalidInput
from studio.core.settings import Settings
from studio.core.types import Modality
from studio.hub import providers
from studio.inference import calls
from studio.inference.client import Prediction
from studio.tasks.base import Task


def predict(
    task: Task,
    inputs: Mapping[str, Any],
    params: BaseModel,
    who: tuple[str, str],
    access: tuple[Settings, SecretStr],
) -> Prediction:
    """Ask `who`, a model and a provider; the prediction's device is the provider's name."""
    model, provider = who
    given = calls.arguments(task.id, inputs, params.model_dump(exclude_defaults=True))
    if given is None:
        known = ", ".join(calls.CALLS)
        expected = f"Inference Providers take these inputs and parameters for {task.id} in no way. Tasks: {known}."
        raise InvalidInput("provider", provider, expected)
    started = time.perf_counter()
    found = providers.ask(calls.CALLS[task.id].method, given, model, provider, access)
    seconds = time.perf_counter() - started
    try:
        return Prediction(output(task, found), seconds, 0.0, device=provider, dtype="")
    except (LookupError, TypeError, AttributeError) as error:  # an answer of another shape
        raise HubError(providers.NONSENSE.format(provider)) from error


def output(task: Task, found: Any) -> Any:
    """What the Hub's client returns, as the task gives it."""
    if task.id == "conversational":
        choice = found.choices[0]
        usage = plain(found.usage) if found.usage else {}
        message = {"role": "assistant", "content": choice.message.content or ""}
        return {**message, "finish_reason": choice.finish_reason, "usage": usage}
    value = plain(found)
    if isinstance(value, str):
        return {task.output.name: value}
    if task.id == "question-answering" and isinstance(value, dict):
        return [value]
    return value[0] if task.output.modality is Modality.TEXT and isinstance(value, list) else value


def plain(value: Any) -> Any:
    """JSON values, files as bytes: of the client's records, of arrays, and of pictures."""
    if isinstance(value, dict):  # its records are dictionaries too
        return {name: plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "save"):  # an image of Pillow
        target = io.BytesIO()
        value.save(target, format="PNG")
        return target.getvalue()
    return value
