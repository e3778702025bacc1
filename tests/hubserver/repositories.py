"""The life of a repository: create, rename, settings, delete, and asking whether one has access."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import find_repo, hub_of, json_body, readable, signed_in, text_field, writable, writer
from .errors import HubError
from .storage import Hub, Repo, RepoKind

_NAME = re.compile(r"^(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,94}[A-Za-z0-9_]$|^[A-Za-z0-9]$")
_SDKS = ("gradio", "streamlit", "docker", "static")


def _kind(body: dict[str, object]) -> RepoKind:
    kind = body.get("type") or "model"
    if kind == "model" or kind == "dataset" or kind == "space":
        return kind
    raise HubError(400, f'"type" must be one of [model, dataset, space], not {kind!r}')


def _check_name(name: str) -> None:
    if not _NAME.match(name) or name.endswith(".git"):
        raise HubError(
            400,
            f"Invalid repo name: {name!r} - repo name can only contain regular characters, '-', '_', '.'; '--' and"
            " '..' are forbidden; it cannot end with '-' or '.' or '.git', and its length is 96 at most",
        )


def _address(hub: Hub, repo: Repo) -> dict[str, object]:
    return {"url": f"{hub.base}/{repo.url_path}", "name": repo.id, "id": repo.id, "private": repo.private}


async def create(request: Request) -> Response:
    """Make a repository: 409 (with its address) if it is there, 403 where the caller may not write."""
    hub, body = hub_of(request), await json_body(request)
    token = signed_in(request)
    name, kind = text_field(body, "name"), _kind(body)
    namespace = str(body.get("organization") or token.user)
    writer(request, namespace)
    _check_name(name)
    repo_id = f"{namespace}/{name}"
    existing = hub.repos.get((kind, repo_id))
    if existing is not None:
        error = HubError(409, f"You already created this {kind} repo")
        error.body |= {"url": f"{hub.base}/{existing.url_path}", "id": existing.id}
        raise error
    sdk = str(body.get("sdk") or "gradio")
    if kind == "space" and sdk not in _SDKS:
        raise HubError(400, f'"sdk" must be one of [{", ".join(_SDKS)}], not {sdk!r}')
    private = body.get("visibility") == "private" or body.get("private") is True
    repo = hub.create(kind, repo_id, token.user, sdk, private=private)
    if kind == "space":
        repo.space.hardware = str(body.get("hardware") or "cpu-basic")
        repo.space.secrets = {item["key"]: item["value"] for item in body.get("secrets") or []}
        repo.space.variables = {item["key"]: item["value"] for item in body.get("variables") or []}
    return JSONResponse(_address(hub, repo))


async def delete(request: Request) -> Response:
    """Remove a repository for good."""
    hub, body = hub_of(request), await json_body(request)
    token = signed_in(request)
    repo_id = f"{body.get('organization') or token.user}/{text_field(body, 'name')}"
    repo = find_repo(hub, _kind(body), repo_id, token)
    writer(request, repo.author)
    del hub.repos[(repo.kind, repo.id)]
    return JSONResponse({"success": True})


async def move(request: Request) -> Response:
    """Rename or transfer a repository; reads under the old name are redirected."""
    hub, body = hub_of(request), await json_body(request)
    token = signed_in(request)
    old, new = text_field(body, "fromRepo"), text_field(body, "toRepo")
    repo = find_repo(hub, _kind(body), old, token)
    writer(request, repo.author)
    if new.count("/") != 1:
        raise HubError(400, '"toRepo" must be namespace/name')
    namespace, name = new.split("/")
    writer(request, namespace)
    _check_name(name)
    if (repo.kind, new) in hub.repos:
        raise HubError(409, f"{new} exists already")
    del hub.repos[(repo.kind, old)]
    repo.id = new
    hub.repos[(repo.kind, new)] = repo
    hub.moved.pop((repo.kind, new), None)
    hub.moved[(repo.kind, old)] = new
    return JSONResponse(_address(hub, repo))


async def settings(request: Request) -> Response:
    """Change who may see a repository."""
    repo, body = writable(request), await json_body(request)
    if "gated" in body:
        gate = body["gated"]
        if gate not in ("auto", "manual", False):
            raise HubError(400, '"gated" must be one of [auto, manual, false]')
        repo.gated = gate
    if "visibility" in body or "private" in body:
        repo.private = body.get("visibility") == "private" or body.get("private") is True
    return JSONResponse({"private": repo.private, "gated": repo.gated})


async def auth_check(request: Request) -> Response:
    """200 where the caller may read (or write) the repository's files."""
    from .downloads import check_gate

    repo = writable(request) if request.url.path.endswith("/write") else readable(request)
    check_gate(request, repo)
    return JSONResponse({"success": True})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES: list[BaseRoute] = [
    Route("/api/repos/create", create, methods=["POST"]),
    Route("/api/repos/delete", delete, methods=["DELETE"]),
    Route("/api/repos/move", move, methods=["POST"]),
    Route(f"{_REPO}/settings", settings, methods=["PUT"]),
    Route(f"{_REPO}/auth-check", auth_check),
    Route(f"{_REPO}/auth-check/write", auth_check),
]
