"""From a request to what it is about: its caller, its repository, its path parameters and its JSON body."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from .accounts import AccessToken
from .errors import HubError, RepoMovedError, repo_not_found
from .storage import KINDS, Hub, Repo, RepoKind


def hub_of(request: Request) -> Hub:
    """The server's state."""
    hub: Hub = request.app.state.hub
    return hub


def param(request: Request, name: str) -> str:
    """A path parameter, decoded: routes match the quoted path, so that `refs%2Fpr%2F1` stays one segment."""
    return unquote(request.path_params[name])


def caller_of(request: Request) -> AccessToken | None:
    """Who asks (None without a token); raises 401 for an unknown token."""
    return hub_of(request).accounts.caller(request.headers)


def signed_in(request: Request) -> AccessToken:
    """Who asks; raises 401 without a token."""
    token = caller_of(request)
    if token is None:
        raise HubError(401, "Invalid username or password.")
    return token


def kind_of(request: Request) -> RepoKind:
    """The kind of repository the path speaks of: `/api/datasets/…`, `/datasets/…`; none: a model."""
    if "kind" in request.path_params:
        kind = KINDS.get(request.path_params["kind"])
        if kind is None:
            raise HubError(404, f"No such API: {request.scope['path']}")
        return kind
    first = request.scope["path"].removeprefix("/api").split("/")[1]
    return KINDS.get(first, "model")


def is_member(hub: Hub, token: AccessToken | None, repo: Repo) -> bool:
    """Whether the caller belongs to the repository's namespace."""
    return token is not None and repo.author in hub.accounts.namespaces(token.user)


def find_repo(hub: Hub, kind: RepoKind, repo_id: str, token: AccessToken | None) -> Repo:
    """A repository the caller may see; raises RepoNotFound, also for a private one of somebody else."""
    repo = hub.repos.get((kind, repo_id))
    if repo is None and (kind, repo_id) in hub.moved:
        raise RepoMovedError(repo_id, hub.moved[(kind, repo_id)])
    if repo is None or (repo.private and not is_member(hub, token, repo)):
        raise repo_not_found(token is not None)
    return repo


def readable(request: Request) -> Repo:
    """The repository of this request, for reading."""
    repo_id = f"{param(request, 'namespace')}/{param(request, 'name')}"
    return find_repo(hub_of(request), kind_of(request), repo_id, caller_of(request))


def writer(request: Request, namespace: str | None = None) -> AccessToken:
    """The caller, allowed to write (in `namespace`, if given); raises 401 or 403 otherwise."""
    token = signed_in(request)
    if token.role != "write":
        raise HubError(403, "Forbidden: this token has no write permission; use a token with the role 'write'")
    if namespace is not None and namespace not in hub_of(request).accounts.namespaces(token.user):
        raise HubError(403, f"You don't have the rights to write under the namespace {namespace!r}")
    return token


def writable(request: Request) -> Repo:
    """The repository of this request, for writing; what the caller may not even see is not found."""
    repo = readable(request)
    writer(request, repo.author)
    return repo


def contributor(request: Request) -> tuple[Repo, AccessToken]:
    """The repository and a caller who may at least propose changes to it."""
    repo = readable(request)
    return repo, writer(request)


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; raises 400 for anything else."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise HubError(400, f"Invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise HubError(400, "Invalid JSON: an object is expected")
    return body


def text_field(body: dict[str, Any], name: str) -> str:
    """A required text of a JSON body; raises 400 where it is missing or not text."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise HubError(400, f'"{name}" is required and must be a string')
    return value
