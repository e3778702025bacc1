"""`/mcp`: the studio's verbs as tools of the Model Context Protocol, over streamable HTTP without sessions.

Every task is a tool; so are the verbs of `tools.VERBS`. modelcontextprotocol.io has the protocol.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from pydantic_core import to_jsonable_python
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from studio import __version__
from studio.core.errors import InvalidInput, StudioError, UnknownName
from studio.core.types import Caller, Modality
from studio.inference.calls import CALLS
from studio.service import Studio
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.tasks.bodies import decoded, encoded
from studio.ui.events import caller_of
from studio.web.tasks import PROVIDER, TYPES, Asking, inputs_schema
from studio.web.tools import VERBS
from studio.web.verbs import Verb

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class Tools:
    """The endpoint. Its library is imported, and its server begins, with the first request."""

    def __init__(self, studio: Studio, asking: Asking) -> None:
        self._studio, self._asking = studio, asking
        self._manager: StreamableHTTPSessionManager | None = None
        self._starting = asyncio.Lock()
        self._serving: asyncio.Task[None] | None = None  # ends with the event loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        async with self._starting:
            manager = self._manager or await self._begin()
        await manager.handle_request(scope, receive, send)

    async def _begin(self) -> "StreamableHTTPSessionManager":
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(self._server(), json_response=True, stateless=True)
        begun = asyncio.Event()

        async def serve() -> None:
            async with manager.run():
                begun.set()
                await asyncio.Event().wait()

        self._serving = asyncio.create_task(serve())
        await begun.wait()
        self._manager = manager
        return manager

    def _server(self) -> Any:
        import mcp_types as types
        from mcp.server.lowlevel.server import Server

        async def list_tools(_context: Any, _page: Any) -> Any:
            found = [*map(_task_tool, TASKS.values()), *(_verb_tool(name, verb) for name, verb in VERBS.items())]
            return types.ListToolsResult(tools=[types.Tool.model_validate(one) for one in found])

        async def call_tool(context: Any, asked: Any) -> Any:
            try:
                content = await self._call(context.request, asked.name, asked.arguments or {})
            except StudioError as error:
                return types.CallToolResult(content=[types.TextContent(type="text", text=str(error))], is_error=True)
            return types.CallToolResult.model_validate({"content": content})

        return Server("studio", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)

    async def _call(self, request: Request, name: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        caller = caller_of(request, self._studio)
        task = name.replace("_", "-")
        if task in TASKS:
            return await self._predict(request, caller, TASKS[task], given)
        if name not in VERBS:
            raise UnknownName("tool", name, [*(one.replace("-", "_") for one in TASKS), *VERBS])
        verb = VERBS[name]
        _check(given, _verb_tool(name, verb)["inputSchema"])
        found = await self._asking.run(partial(verb.run, self._studio, caller, given), request)
        return [_text(found if isinstance(found, str) else to_jsonable_python(found))]

    async def _predict(
        self, request: Request, caller: Caller, task: Task, given: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        _check(given, _task_tool(task)["inputSchema"])
        names = {slot.name for slot in task.inputs}
        inputs = decoded(task, {name: value for name, value in given.items() if name in names})
        params = {name: value for name, value in given.get("parameters", {}).items() if value is not None}
        model, provider = (str(given.get(name) or "") for name in ("model", "provider"))
        ask = partial(self._studio.predict, caller, task.id, inputs, params, model, provider)
        found = await self._asking.run(ask, request)
        pictures = task.output.modality in (Modality.IMAGE, Modality.AUDIO)
        if pictures and isinstance(found.output, bytes):
            kind = task.output.modality.value
            data = base64.b64encode(found.output).decode()
            return [{"type": kind, "data": data, "mimeType": TYPES[task.output.modality]}]
        return [_text(encoded(found.output))]


def add_routes(app: FastAPI, studio: Studio, asking: Asking) -> None:
    """Serve the tools at /mcp."""
    tools = Tools(studio, asking)
    app.router.routes.append(Route("/mcp", tools, methods=["GET", "POST", "DELETE"], include_in_schema=False))


def _task_tool(task: Task) -> dict[str, Any]:
    schema = inputs_schema(task)
    properties = {
        **schema["properties"],
        "parameters": task.params.model_json_schema(),
        "model": {"type": "string", "description": "kit:ID, artifact:ID or a Hub id; empty for the studio's choice."},
    } | ({"provider": PROVIDER} if task.id in CALLS else {})
    required = [*schema["required"]]
    if any(field.is_required() for field in task.params.model_fields.values()):
        required.append("parameters")
    return {
        "name": task.id.replace("-", "_"),
        "title": task.title,
        "description": task.description,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True},
    }


def _verb_tool(name: str, verb: Verb) -> dict[str, Any]:
    properties, required = dict(verb.properties), list(verb.required)
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "description": verb.description,
        "inputSchema": schema,
        "annotations": {"readOnlyHint": verb.reads},
    }


def _check(given: Mapping[str, Any], schema: dict[str, Any]) -> None:
    """Raise `InvalidInput` for the first argument that is not as the tool's schema says."""
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(dict(given)):
        field = ".".join(map(str, error.absolute_path)) or "arguments"
        raise InvalidInput(field, error.instance, f"{error.message}.")


def _text(found: Any) -> dict[str, Any]:
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return {"type": "text", "text": text}
