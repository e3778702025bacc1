"""`/api/tasks`: every task as the Hub's inference API speaks it, so that `InferenceClient(model=URL)` works unchanged.

A body is JSON (`inputs`, `parameters`; files in base64) or the bytes of one picture, sound or video. The model of
one's choice is named in the query, `?model=kit:ner`, or in the JSON; so is an Inference Provider that is to answer in
the caller's name.
"""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from studio.core.errors import InvalidInput, StudioError
from studio.core.types import MEDIA, Modality, Slot
from studio.inference.calls import CALLS
from studio.inference.client import Prediction
from studio.inference.visit import Visit
from studio.service import Studio
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.tasks.bodies import decoded, encoded

R = TypeVar("R")

PREDICTIONS = 32  # that wait for the worker at a time: as many as it may put into a batch
BESIDE = {"inputs", "parameters", "model", "provider", "stream", "options"}  # keys of a body; others are parameters too
TYPES = {Modality.IMAGE: "image/png", Modality.AUDIO: "audio/wav", Modality.VIDEO: "video/mp4"}
EVENTS = "text/event-stream"
PROVIDER = {
    "type": "string",
    "description": "An Inference Provider that answers for a model of the Hub, in your account's name; empty: here.",
}


class Asking:
    """Questions to the worker from async routes, in threads of their own: pages and streams go on meanwhile.

    When the client goes away, what it has asked leaves the worker's line, or stops the text that is being written.
    """

    def __init__(self) -> None:
        self._waiting = anyio.CapacityLimiter(PREDICTIONS)

    async def run(self, ask: Callable[[], R], request: Request) -> R:
        """Wait for what asks a model."""
        async with _attended(request) as visit:
            return await anyio.to_thread.run_sync(partial(visit.run, ask), limiter=self._waiting)

    async def parts(self, stream: Iterator[R], request: Request) -> AsyncGenerator[R]:
        """The parts of a stream as they come."""
        turn = threading.Lock()  # a generator that is at work cannot be closed

        def after() -> R | None:
            with turn:
                return visit.run(next, stream, None)

        def close() -> None:
            with turn:
                getattr(stream, "close", lambda: None)()

        async with _attended(request) as visit:
            try:
                while (part := await self._part(after)) is not None:
                    yield part
            finally:
                visit.leave()
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(close)

    async def _part(self, after: Callable[[], R | None]) -> R | None:
        return await anyio.to_thread.run_sync(after, limiter=self._waiting, abandon_on_cancel=True)


@asynccontextmanager
async def _attended(request: Request) -> AsyncIterator[Visit]:
    """A visit that ends when the client hangs up. The body must have been read."""
    visit = Visit()
    watching = asyncio.create_task(_watch(request, visit))
    try:
        yield visit
    finally:
        watching.cancel()


async def _watch(request: Request, visit: Visit) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    visit.leave()


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""

    @api.get("/tasks")
    def tasks() -> list[dict[str, Any]]:
        """Every task with its inputs, the schema of its parameters and what can answer."""
        return [describe(task) for task in TASKS.values()]

    async def predict(
        task: str,
        request: Request,
        caller: who,
        model: str = "",
        provider: Annotated[str, Query(description=PROVIDER["description"])] = "",
    ) -> Response:
        """Run a model; the answer is what the Hub's inference API gives for this task."""
        asked = await _question(TASKS[task], request)
        given = caller, task, asked.inputs, asked.params, model or asked.model, provider or asked.provider
        if asked.stream and TASKS[task].stream is not None:
            parts = studio.stream(*given)
            return StreamingResponse(_events(asking.parts(parts, request)), media_type=EVENTS)
        found = await asking.run(partial(studio.predict, *given), request)
        return _response(TASKS[task], found)

    api.post("/tasks/{task}", openapi_extra={"requestBody": BODY})(predict)
    plain = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            _add_paths(plain())
        return plain()

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend a schema


BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "inputs": {"description": "A text, files in base64, or an object with one of them per input."},
                    "parameters": {"type": "object"},
                    "model": {"type": "string"},
                    "provider": PROVIDER,
                    "stream": {"type": "boolean"},
                },
                "required": ["inputs"],
            }
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}
SCHEMAS: dict[Modality, dict[str, Any]] = {
    Modality.TEXT: {"type": "string"},
    Modality.TEXTS: {"type": "array", "items": {"type": "string"}},
    Modality.LABELS: {"type": "array", "items": {"type": "string"}},
    Modality.CHAT: {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"role": {"enum": ["system", "user", "assistant"]}, "content": {"type": "string"}},
            "required": ["role", "content"],
        },
    },
    Modality.TABLE: {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": "Column name → cells.",
    },
    Modality.QUESTIONS: {"type": "object"},
    **{medium: {"type": "string", "contentEncoding": "base64"} for medium in MEDIA},
}


def describe(task: Task) -> dict[str, Any]:
    """A task as JSON: what it takes and gives."""
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "group": task.group,
        "inputs": {slot.name: slot_schema(slot) for slot in task.inputs},
        "output": task.output.modality,
        "parameters": task.params.model_json_schema(),
        "models": task.models,
        "streams": task.stream is not None,
    }


def slot_schema(slot: Slot) -> dict[str, Any]:
    """The JSON schema of one input."""
    help_text = f"{slot.label}. {slot.help}".strip()
    return {"description": help_text} | SCHEMAS[slot.modality]


def inputs_schema(task: Task) -> dict[str, Any]:
    """The JSON schema of all inputs of a task, by name."""
    return {
        "type": "object",
        "properties": {slot.name: slot_schema(slot) for slot in task.inputs},
        "required": [slot.name for slot in task.inputs if not slot.optional],
    }


@dataclass(frozen=True)
class Question:
    """What a body of either kind asks."""

    inputs: dict[str, Any]
    params: dict[str, Any]
    model: str = ""
    provider: str = ""
    stream: bool = False


async def _question(task: Task, request: Request) -> Question:
    content = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    first = task.inputs[0]
    if kind != "application/json" and first.modality in MEDIA:
        return Question({first.name: content}, {})
    try:
        body = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise InvalidInput("body", "this body", "It is no JSON object with `inputs`.") from None
    if not isinstance(body, dict) or "inputs" not in body:
        raise InvalidInput("inputs", "nothing", "This field is required.")
    params = body.get("parameters") or {}
    if not isinstance(params, Mapping):
        raise InvalidInput("parameters", params, "Give an object of names and values.")
    slots = {slot.name for slot in task.inputs} - BESIDE
    params = {**params, **{name: value for name, value in body.items() if name not in BESIDE | slots}}
    given = {name: value for name, value in params.items() if value is not None}
    inputs = decoded(task, body["inputs"])
    if slots & set(body):  # as the Hub's client asks about pictures
        inputs |= decoded(task, {name: body[name] for name in slots & set(body)})
    model, provider = (str(body.get(name) or "") for name in ("model", "provider"))
    return Question(inputs, given, model, provider, body.get("stream") is True)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _response(task: Task, found: Prediction) -> Response:
    headers = {"X-Compute-Time": f"{found.seconds:.4f}", "X-Compute-Type": found.device}
    answer = task.answer(found.output)
    if isinstance(answer, bytes):
        return Response(answer, media_type=TYPES[task.output.modality], headers=headers)
    return JSONResponse(encoded(answer), headers=headers)


async def _events(parts: AsyncIterator[str | Prediction]) -> AsyncIterator[str]:
    """Server-sent events as the Hub's text generation gives them."""
    index = 0
    try:
        async for part in parts:
            if isinstance(part, str):
                index += 1
                token = {"id": None, "text": part, "logprob": None, "special": False}
                yield event({"index": index, "token": token, "generated_text": None, "details": None})
            else:
                text = part.output.get("generated_text") if isinstance(part.output, dict) else None
                token = {"id": None, "text": "", "logprob": None, "special": True}
                yield event({"index": index + 1, "token": token, "generated_text": text, "details": None})
    except StudioError as error:
        yield event({"error": str(error), "error_type": type(error).__name__})


def event(value: Any) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _add_paths(schema: dict[str, Any]) -> None:
    """One operation per task, so that a reader of the schema sees its inputs and parameters."""
    generic = schema["paths"]["/tasks/{task}"]["post"]
    for task in TASKS.values():
        properties = {
            "inputs": inputs_schema(task) if len(task.inputs) > 1 else slot_schema(task.inputs[0]),
            "parameters": task.params.model_json_schema(),
            "model": {"type": "string"},
        } | ({"provider": PROVIDER} if task.id in CALLS else {})
        body = {"type": "object", "properties": properties, "required": ["inputs"]}
        content: dict[str, Any] = {"application/json": {"schema": body}}
        if task.inputs[0].modality in MEDIA:
            content["application/octet-stream"] = BODY["content"]["application/octet-stream"]  # type: ignore[index]
        schema["paths"][f"/tasks/{task.id}"] = {
            "post": {
                **generic,
                "summary": task.title,
                "description": task.description,
                "operationId": f"predict_{task.id.replace('-', '_')}",
                "parameters": [
                    one for one in generic["parameters"] if one["in"] == "query" and one["name"] in properties
                ],
                "requestBody": {"required": True, "content": content},
            }
        }
