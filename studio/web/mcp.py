"""`/mcp`: the studio's verbs as tools of the Model Context Protocol, over streamable HTTP without sessions.

Every task is a tool; so are the verbs for data, jobs and results in `VERBS`. modelcontextprotocol.io has the protocol.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import FastAPI, Request
from pydantic_core import to_jsonable_python
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from studio import __version__
from studio.core.errors import InvalidInput, StudioError, UnknownName
from studio.core.types import Caller, Modality
from studio.recipes import RECIPES
from studio.service import Studio
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.ui.events import caller_of
from studio.web.tasks import TYPES, Asking, decoded, encoded, inputs_schema

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
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


def _jobs(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return [_job(one) for one in studio.jobs(caller, (), str(given.get("search", "")), 50)]


def _job(job: Any) -> dict[str, Any]:
    return {"id": job.id, "title": job.title, "recipe": job.recipe, "state": job.state.value} | {
        "progress": asdict(job.progress),
        "error": job.error,
        "artifact": job.artifact,
    }


def _submit(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return _job(studio.submit(caller, given["recipe"], given.get("params", {})))


def _rows(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    offset, limit = int(given.get("offset", 0)), min(int(given.get("limit", 10)), 100)
    return asdict(studio.rows(caller, given["ref"], str(given.get("split", "train")), offset, limit))


VERBS: dict[str, Verb] = {
    "list_models": Verb(
        "Models that answer for a task.",
        {"task": TEXT},
        lambda studio, caller, given: [asdict(one) for one in studio.models(caller, given["task"])],
        ("task",),
    ),
    "list_datasets": Verb(
        "The starter kit's data sets and the caller's uploads.",
        {},
        lambda studio, caller, _: [asdict(one) for one in studio.datasets(caller)],
    ),
    "read_rows": Verb(
        "Rows of a data set, at most 100 at a time.",
        {"ref": REF, "split": TEXT, "offset": NUMBER, "limit": NUMBER},
        _rows,
        ("ref",),
    ),
    "list_recipes": Verb(
        "What can run as a job, with the schema of its parameters.",
        {},
        lambda *_: [
            {"name": one.name, "title": one.title, "parameters": one.params.model_json_schema()}
            for one in RECIPES.values()
        ],
    ),
    "submit_job": Verb(
        "Start a job, a fine-tune for example. Parameters are those of its recipe; the rest is default.",
        {"recipe": TEXT, "params": {"type": "object"}},
        _submit,
        ("recipe",),
        reads=False,
    ),
    "list_jobs": Verb("The caller's jobs, newest first.", {"search": TEXT}, _jobs),
    "get_job": Verb(
        "One job: its state, progress, error and result.",
        {"id": TEXT},
        lambda studio, caller, given: _job(studio.job(caller, given["id"])),
        ("id",),
    ),
    "read_log": Verb(
        "A job's log from a byte offset.",
        {"id": TEXT, "offset": NUMBER},
        lambda studio, caller, given: dict(
            zip(("text", "next_offset"), studio.log(caller, given["id"], int(given.get("offset", 0))), strict=True)
        ),
        ("id",),
    ),
    "cancel_job": Verb(
        "Ask a job to stop.",
        {"id": TEXT},
        lambda studio, caller, given: _job(studio.cancel(caller, given["id"])),
        ("id",),
        reads=False,
    ),
    "list_artifacts": Verb(
        "The caller's results, newest first.",
        {},
        lambda studio, caller, _: [one.manifest.model_dump(mode="json") for one in studio.artifacts(caller)],
    ),
    "get_card": Verb(
        "The model card of a result, as Markdown.",
        {"id": TEXT},
        lambda studio, caller, given: studio.card(caller, given["id"]),
        ("id",),
    ),
    "publish": Verb(
        "Push a result and its card to the Hub, as a job.",
        {"id": TEXT, "repo_id": TEXT, "private": {"type": "boolean", "default": True}},
        lambda studio, caller, given: _job(
            studio.publish(caller, given["id"], given["repo_id"], private=given.get("private") is not False)
        ),
        ("id", "repo_id"),
        reads=False,
    ),
}


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
            return await self._predict(caller, TASKS[task], given)
        if name not in VERBS:
            raise UnknownName("tool", name, [*(one.replace("-", "_") for one in TASKS), *VERBS])
        verb = VERBS[name]
        _check(given, _verb_tool(name, verb)["inputSchema"])
        found = await anyio.to_thread.run_sync(partial(verb.run, self._studio, caller, given))
        return [_text(found if isinstance(found, str) else to_jsonable_python(found))]

    async def _predict(self, caller: Caller, task: Task, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        _check(given, _task_tool(task)["inputSchema"])
        names = {slot.name for slot in task.inputs}
        inputs = decoded(task, {name: value for name, value in given.items() if name in names})
        params = {name: value for name, value in given.get("parameters", {}).items() if value is not None}
        model = str(given.get("model") or "")
        ask = partial(self._studio.predict, caller, task.id, inputs, params, model)
        found = await self._asking.predict(ask)
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
    }
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
