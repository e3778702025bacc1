"""What a Space has besides files: secrets (never told again), variables, hardware and its runtime. Nothing runs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import json_body, readable, text_field, writable
from .errors import HubError
from .storage import SpaceState


def _runtime(space: SpaceState) -> dict[str, Any]:
    hardware = {"current": space.hardware, "requested": space.hardware}
    return {"stage": space.stage, "hardware": hardware, "gcTimeout": space.sleep_seconds, "storage": None}


async def runtime(request: Request) -> Response:
    """Stage and hardware."""
    return JSONResponse(_runtime(readable(request).space))


async def secrets(request: Request) -> Response:
    """Names of the secrets; add one; delete one."""
    space = writable(request).space
    if request.method == "POST":
        body = await json_body(request)
        space.secrets[text_field(body, "key")] = str(body.get("value"))
    elif request.method == "DELETE":
        space.secrets.pop(text_field(await json_body(request), "key"), None)
    return JSONResponse({name: {"key": name} for name in space.secrets})


async def variables(request: Request) -> Response:
    """The variables; add one; delete one."""
    space = writable(request).space
    if request.method == "POST":
        body = await json_body(request)
        space.variables[text_field(body, "key")] = str(body.get("value"))
    elif request.method == "DELETE":
        space.variables.pop(text_field(await json_body(request), "key"), None)
    return JSONResponse({name: {"key": name, "value": value} for name, value in space.variables.items()})


async def hardware(request: Request) -> Response:
    """Ask for other hardware."""
    space, body = writable(request).space, await json_body(request)
    space.hardware = text_field(body, "flavor")
    space.sleep_seconds = body.get("sleepTimeSeconds", space.sleep_seconds)
    return JSONResponse(_runtime(space))


async def sleep_time(request: Request) -> Response:
    """Set after how many idle seconds the Space sleeps."""
    space, body = writable(request).space, await json_body(request)
    if not isinstance(body.get("seconds"), int):
        raise HubError(400, '"seconds" is required and must be a number')
    space.sleep_seconds = body["seconds"]
    return JSONResponse(_runtime(space))


async def restart(request: Request) -> Response:
    """Start (again)."""
    space = writable(request).space
    space.stage = "RUNNING"
    return JSONResponse(_runtime(space))


async def pause(request: Request) -> Response:
    """Stop until it is started again."""
    space = writable(request).space
    space.stage = "PAUSED"
    return JSONResponse(_runtime(space))


_SPACE = "/api/spaces/{namespace}/{name}"
ROUTES: list[BaseRoute] = [
    Route(f"{_SPACE}/runtime", runtime),
    Route(f"{_SPACE}/secrets", secrets, methods=["GET", "POST", "DELETE"]),
    Route(f"{_SPACE}/variables", variables, methods=["GET", "POST", "DELETE"]),
    Route(f"{_SPACE}/hardware", hardware, methods=["POST"]),
    Route(f"{_SPACE}/sleeptime", sleep_time, methods=["POST"]),
    Route(f"{_SPACE}/restart", restart, methods=["POST"]),
    Route(f"{_SPACE}/pause", pause, methods=["POST"]),
]
