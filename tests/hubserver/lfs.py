"""Git LFS as huggingface_hub uses it: batch, then PUT (in one piece or in parts) to signed addresses, then verify."""

from __future__ import annotations

import hashlib
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import contributor, hub_of, json_body, param
from .errors import HubError
from .storage import Hub

_SHA256 = re.compile(r"^[0-9a-f]{64}$")


def _address(hub: Hub, path: str) -> str:
    return f"{hub.base}{path}?signature={hub.accounts.sign(path)}"


def _check_signature(request: Request) -> None:
    hub_of(request).accounts.check_signature(request.scope["path"], request.query_params.get("signature", ""))


async def batch(request: Request) -> Response:
    """Where to send each object; an object that is here already has no actions."""
    hub = hub_of(request)
    repo, _ = contributor(request)
    body = await json_body(request)
    if body.get("operation") != "upload":
        raise HubError(400, 'Only "operation": "upload" is served')
    objects = []
    multipart = "multipart" in (body.get("transfers") or [])
    for item in body.get("objects") or []:
        oid, size = str(item.get("oid")), int(item.get("size", -1))
        answer: dict[str, object] = {"oid": oid, "size": size, "authenticated": True}
        if not _SHA256.match(oid) or size < 0:
            answer["error"] = {"code": 422, "message": "oid must be a sha256 and size must not be negative"}
        elif oid not in hub.large:
            verify = {"href": f"{hub.base}/{repo.url_path}.git/info/lfs/objects/verify"}
            answer["actions"] = {"upload": _upload_action(hub, oid, size, multipart=multipart), "verify": verify}
        objects.append(answer)
    return JSONResponse({"transfer": "basic", "objects": objects}, media_type="application/vnd.git-lfs+json")


def _upload_action(hub: Hub, oid: str, size: int, *, multipart: bool) -> dict[str, object]:
    if not multipart or size <= hub.multipart_bytes:
        return {"href": _address(hub, f"/lfs/{oid}")}
    parts = -(-size // hub.multipart_bytes)
    header = {str(part): _address(hub, f"/lfs/{oid}/{part}") for part in range(1, parts + 1)}
    return {"href": _address(hub, f"/lfs/{oid}/complete"), "header": header | {"chunk_size": str(hub.multipart_bytes)}}


async def put(request: Request) -> Response:
    """Take an object; 400 where its content is not what its name says."""
    _check_signature(request)
    hub_of(request).store_large(await request.body(), param(request, "oid"))
    return Response(status_code=200)


async def put_part(request: Request) -> Response:
    """Take one part of an object."""
    _check_signature(request)
    data, number = await request.body(), param(request, "part")
    if not number.isdigit():
        raise HubError(404, "No such part")
    hub_of(request).lfs_parts.setdefault(param(request, "oid"), {})[int(number)] = data
    return Response(headers={"ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'})


async def complete(request: Request) -> Response:
    """Put the parts together; 400 where one is missing or the whole is not what its name says."""
    _check_signature(request)
    hub, oid = hub_of(request), param(request, "oid")
    body = await json_body(request)
    parts = hub.lfs_parts.get(oid, {})
    for item in body.get("parts") or []:
        data = parts.get(item.get("partNumber"))
        if data is None or hashlib.md5(data, usedforsecurity=False).hexdigest() != str(item.get("etag")).strip('"'):
            raise HubError(400, f"InvalidPart: {item.get('partNumber')}")
    hub.store_large(b"".join(parts[number] for number in sorted(parts)), oid)
    hub.lfs_parts.pop(oid, None)
    return JSONResponse({"success": True})


async def verify(request: Request) -> Response:
    """Say whether an object arrived whole."""
    hub = hub_of(request)
    contributor(request)
    body = await json_body(request)
    data = hub.large.get(str(body.get("oid")))
    if data is None or len(data) != body.get("size"):
        raise HubError(404, f"Object {body.get('oid')} was not uploaded")
    return JSONResponse({"success": True})


ROUTES: list[BaseRoute] = [
    Route("/lfs/{oid}", put, methods=["PUT"]),
    Route("/lfs/{oid}/complete", complete, methods=["POST"]),
    Route("/lfs/{oid}/{part}", put_part, methods=["PUT"]),
]
for _prefix in ("/datasets", "/spaces", ""):
    _repo = f"{_prefix}/{{namespace}}/{{name}}.git/info/lfs/objects"
    ROUTES += [
        Route(f"{_repo}/batch", batch, methods=["POST"]),
        Route(f"{_repo}/verify", verify, methods=["POST"]),
    ]
