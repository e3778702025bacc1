"""`/resolve/`: what a file is (HEAD) and its bytes (GET). Large files are at signed addresses under `/cdn/`."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .access import caller_of, hub_of, is_member, param, readable
from .errors import HubError, entry_not_found
from .objects import Commit, Entry
from .storage import Hub, Repo

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


def check_gate(request: Request, repo: Repo) -> None:
    """Raise GatedRepo where the files may only be had by people who were let in."""
    token = caller_of(request)
    if not repo.gated or is_member(hub_of(request), token, repo) or (token and token.user in repo.granted):
        return
    status = 403 if token else 401
    hint = "Visit its page to ask for access." if token else "You must have access to it and be authenticated."
    raise HubError(status, f"Access to {repo.kind} {repo.id} is restricted. {hint}", "GatedRepo")


async def resolve(request: Request) -> Response:
    """The head or the content of one file at a revision."""
    hub, repo = hub_of(request), readable(request)
    check_gate(request, repo)
    commit = repo.find(param(request, "revision"))
    path = param(request, "path")
    entry = commit.tree.get(path)
    if entry is None:
        raise entry_not_found(path, commit.oid)
    headers = _headers(hub, repo, commit, entry, path)
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(entry.size)})
    repo.downloads += path == "config.json"
    if entry.sha256 is None:
        return partial(request, hub.content(entry), headers)
    address = f"/cdn/{entry.sha256}"
    location = f"{hub.base}{address}?signature={hub.accounts.sign(address)}"
    return RedirectResponse(location, status_code=302, headers=headers)


def _headers(hub: Hub, repo: Repo, commit: Commit, entry: Entry, path: str) -> dict[str, str]:
    name = path.rsplit("/", 1)[-1].encode("ascii", "replace").decode().replace('"', "")
    headers = {
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{entry.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Type": "application/octet-stream" if entry.sha256 else "text/plain; charset=utf-8",
    }
    if entry.sha256 is not None:
        headers |= {"X-Linked-Etag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}
        xet_hash = hub.xet.by_sha256.get(entry.sha256)
        if xet_hash is not None:
            route = f"{hub.base}/api/{repo.kind}s/{repo.id}/xet-read-token/{commit.oid}"
            headers |= {"X-Xet-Hash": xet_hash, "X-Xet-Refresh-Route": route, "Link": f'<{route}>; rel="xet-auth"'}
    return headers


async def cdn(request: Request) -> Response:
    """A large file's content, whole or in part, for whoever holds the signed address."""
    hub = hub_of(request)
    hub.accounts.check_signature(request.scope["path"], request.query_params.get("signature", ""))
    data = hub.large.get(param(request, "sha256"))
    if data is None:
        raise HubError(404, "NoSuchKey")
    headers = {"ETag": f'"{param(request, "sha256")}"', "Accept-Ranges": "bytes"}
    return partial(request, data, headers)


def partial(request: Request, data: bytes, headers: dict[str, str]) -> Response:
    """All of `data`, or the range the request asks for (206; 416 where there is nothing)."""
    asked = byte_range(request, len(data))
    if asked is None:
        return Response(data, headers=headers)
    start, stop = asked
    content_range = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
    return Response(data[start:stop], status_code=206, headers=headers | content_range)


def byte_range(request: Request, size: int) -> tuple[int, int] | None:
    """The half-open range of a `Range: bytes=a-b` header; None without one; raises 416 where it lies outside."""
    match = _RANGE.match(request.headers.get("range", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    else:
        start, stop = max(size - int(last), 0), size
    if start >= stop:
        raise HubError(416, "Range Not Satisfiable", headers={"Content-Range": f"bytes */{size}"})
    return start, stop


ROUTES: list[BaseRoute] = [Route("/cdn/{sha256}", cdn)]
for _prefix in ("/datasets", "/spaces", ""):
    for _verb in ("resolve", "raw"):
        ROUTES.append(Route(f"{_prefix}/{{namespace}}/{{name}}/{_verb}/{{revision}}/{{path:path}}", resolve))
