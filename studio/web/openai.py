"""`/v1`: chat models as OpenAI's API speaks, so that its clients and `InferenceClient.chat_completion` just work.

The protocol: platform.openai.com/docs/api-reference/chat. What a model here cannot do (tools, several answers at once)
is refused by name instead of being left out silently.
"""

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from studio.core.errors import InvalidInput, InvalidInputs, StudioError
from studio.inference.client import Prediction
from studio.service import Studio
from studio.tasks import TASKS
from studio.web.tasks import EVENTS, Asking, event

TASK = "conversational"
OWN = {"model", "messages", "stream"}
IGNORED = {  # what changes no answer
    "metadata",
    "n",
    "parallel_tool_calls",
    "service_tier",
    "store",
    "stream_options",
    "user",
}
DEFAULTS = {"dummy", "default", "tgi", ""}  # names that clients give when they leave the choice to the server


def create(studio: Studio, who: Any, asking: Asking) -> FastAPI:
    """The application for /v1."""
    api = FastAPI(title="Studio, chat completions", openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    api.add_exception_handler(StudioError, _studio_error)
    api.add_exception_handler(RequestValidationError, _bad_body)
    api.add_exception_handler(HTTPException, _no_route)

    @api.get("/models")
    def models(caller: who) -> dict[str, Any]:
        """Models that chat."""
        found = [
            {"id": model.ref, "object": "model", "created": 0, "owned_by": model.source}
            for model in studio.models(caller, TASK)
        ]
        return {"object": "list", "data": found}

    @api.post("/chat/completions")
    async def complete(request: Request, caller: who) -> Response:
        """Answer a conversation, whole or as server-sent events."""
        messages, params, model, stream = question(await _body(request))
        name = model or studio.default_model(TASK)
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": name}
        head["system_fingerprint"] = ""
        if stream is not None:
            parts = asking.parts(studio.stream(caller, TASK, {"messages": messages}, params, model), request)
            first = await anext(parts)  # what is refused is refused before the stream begins
            return StreamingResponse(_chunks(head, first, parts, stream), media_type=EVENTS)
        ask = partial(studio.predict, caller, TASK, {"messages": messages}, params, model)
        return JSONResponse(_whole(head, (await asking.run(ask, request)).output))

    return api


def question(body: Mapping[str, Any]) -> tuple[list[dict[str, str]], dict[str, Any], str, bool | None]:
    """Messages, parameters of the task, model, and for streams whether they end with the usage (None: no stream).

    Raises `InvalidInputs` with every field that is missing, or that no model here can honour.
    """
    problems = []
    known = TASKS[TASK].params.model_fields
    params = {}
    for name, value in body.items():
        wanted = "max_tokens" if name == "max_completion_tokens" else name
        if name in OWN or value is None or (name in IGNORED and (name != "n" or value == 1)):
            continue
        if wanted in known:
            params[wanted] = value
        elif value not in (False, [], {}, "auto", {"type": "text"}, 0):
            problems.append(InvalidInput(name, value, "It is not supported here; leave it out."))
    given = body.get("messages")
    messages = [_message(one) for one in given] if isinstance(given, list) else []
    if not messages or None in messages:
        problems.append(InvalidInput("messages", given, 'Give a list of {"role", "content"}, the content as text.'))
    if problems:
        raise InvalidInputs(problems)
    model = str(body.get("model") or "")
    choices = body.get("stream_options")
    usage = isinstance(choices, Mapping) and choices.get("include_usage") is True
    return (
        [one for one in messages if one],
        params,
        "" if model in DEFAULTS else model,
        usage if body.get("stream") is True else None,
    )


def _message(given: Any) -> dict[str, str] | None:
    """Role and text; a list of text parts is joined. None where it is something else."""
    if not isinstance(given, Mapping):
        return None
    content = given.get("content")
    if isinstance(content, list):
        parts = [
            part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None for part in content
        ]
        content = None if None in parts else "".join(map(str, parts))
    role = "system" if given.get("role") == "developer" else given.get("role")
    return {"role": role, "content": content} if isinstance(role, str) and isinstance(content, str) else None


def _whole(head: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": output["content"]}
    choice = {"index": 0, "message": message, "finish_reason": output["finish_reason"], "logprobs": None}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": output["usage"]}


async def _chunks(
    head: Mapping[str, Any], first: str | Prediction, parts: AsyncGenerator[str | Prediction], usage: bool
) -> AsyncIterator[str]:
    part: str | Prediction | None = first
    role = {"role": "assistant"}
    try:
        while isinstance(part, str):
            yield event(_chunk(head, {**role, "content": part}))
            role = {}
            part = await anext(parts)
        if isinstance(part, Prediction):
            yield event(_chunk(head, {**role, "content": ""} if role else {}, part.output["finish_reason"]))
            if usage:
                yield event({**head, "object": "chat.completion.chunk", "choices": [], "usage": part.output["usage"]})
    except StudioError as error:
        yield event(_error(error))
    finally:
        await parts.aclose()  # when the reader has left, the model stops
    yield "data: [DONE]\n\n"


def _chunk(head: Mapping[str, Any], delta: Mapping[str, str], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise InvalidInput("body", "this body", "It is no JSON object.")
    return body


def _error(error: StudioError) -> dict[str, Any]:
    field = error.field if isinstance(error, InvalidInput) else None
    if isinstance(error, InvalidInputs):
        field = error.problems[0].field
    kind = "invalid_request_error" if 400 <= error.status < 500 else "server_error"
    return {"error": {"message": str(error), "type": kind, "param": field, "code": None}}


async def _studio_error(_: Request, error: Exception) -> Response:
    known = error if isinstance(error, StudioError) else StudioError()
    return JSONResponse(_error(known), status_code=known.status)


async def _bad_body(_: Request, error: Exception) -> Response:
    return JSONResponse(_error(InvalidInput("body", "this body", str(error))), status_code=422)


async def _no_route(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    body = {"error": {"message": str(getattr(error, "detail", error)), "type": "invalid_request_error"}}
    return JSONResponse(body, status_code=status)
