"""Reading history: file trees, information on paths, references and commits; and making branches and tags."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import hub_of, json_body, param, readable, text_field, writable
from .errors import HubError, entry_not_found
from .lists import page, timestamp
from .objects import Commit, folder_oids
from .storage import Hub, Repo


def file_info(hub: Hub, repo: Repo, commit: Commit, path: str, *, expand: bool) -> dict[str, Any]:
    """A file as `tree` and `paths-info` show it."""
    entry = commit.tree[path]
    info: dict[str, Any] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path}
    if entry.sha256 is not None:
        info["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
        if entry.sha256 in hub.xet.by_sha256:
            info["xetHash"] = hub.xet.by_sha256[entry.sha256]
    return info | (_last_commit(repo, commit, path) if expand else {})


def _folder_info(repo: Repo, commit: Commit, path: str, oid: str, *, expand: bool) -> dict[str, Any]:
    info = {"type": "directory", "oid": oid, "size": 0, "path": path}
    return info | (_last_commit(repo, commit, path) if expand else {})


def _last_commit(repo: Repo, commit: Commit, path: str) -> dict[str, Any]:
    last = repo.last_change(commit, path)
    return {"lastCommit": {"id": last.oid, "title": last.title, "date": timestamp(last.date)}}


def _is_true(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true")


async def tree(request: Request) -> Response:
    """Files and folders under a path, one level or all, in pages."""
    hub, repo = hub_of(request), readable(request)
    commit = repo.find(param(request, "revision"))
    folder = param(request, "path").strip("/") if "path" in request.path_params else ""
    recursive, expand = _is_true(request.query_params.get("recursive")), _is_true(request.query_params.get("expand"))
    folders = folder_oids(commit.tree)
    if folder not in folders:
        raise entry_not_found(folder, commit.oid)
    prefix = f"{folder}/" if folder else ""

    def wanted(path: str) -> bool:
        return path != folder and path.startswith(prefix) and (recursive or "/" not in path[len(prefix) :])

    items = [_folder_info(repo, commit, path, folders[path], expand=expand) for path in sorted(filter(wanted, folders))]
    items += [file_info(hub, repo, commit, path, expand=expand) for path in sorted(filter(wanted, commit.tree))]
    return page(request, items)


async def paths_info(request: Request) -> Response:
    """Information on the named paths; paths that do not exist are left out."""
    hub, repo = hub_of(request), readable(request)
    commit = repo.find(param(request, "revision"))
    if request.headers.get("content-type", "").startswith("application/json"):
        body = await json_body(request)
        paths, expand = [str(path) for path in body.get("paths", [])], bool(body.get("expand"))
    else:
        form = parse_qs((await request.body()).decode())
        paths, expand = form.get("paths", []), _is_true(form.get("expand", ["false"])[0])
    folders = folder_oids(commit.tree)
    found: list[dict[str, Any]] = []
    for path in paths:
        if path in commit.tree:
            found.append(file_info(hub, repo, commit, path, expand=expand))
        elif path in folders and path:
            found.append(_folder_info(repo, commit, path, folders[path], expand=expand))
    return JSONResponse(found)


async def refs(request: Request) -> Response:
    """Branches, tags and (if asked) pull requests."""
    repo = readable(request)

    def listed(prefix: str, references: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"{prefix}{name}", "targetCommit": oid} for name, oid in references.items()]

    answer: dict[str, Any] = {
        "branches": listed("refs/heads/", repo.branches),
        "converts": [],
        "tags": listed("refs/tags/", repo.tags),
    }
    if _is_true(request.query_params.get("include_prs")):
        answer["pullRequests"] = [
            {"name": str(num), "ref": f"refs/pr/{num}", "targetCommit": oid} for num, oid in repo.pull_requests.items()
        ]
    return JSONResponse(answer)


async def commits(request: Request) -> Response:
    """The history of a revision, newest first, in pages."""
    repo = readable(request)
    history = repo.history(repo.find(param(request, "revision")))
    return page(
        request,
        [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": commit.message,
                "date": timestamp(commit.date),
                "authors": [{"user": commit.author, "avatar": f"/avatars/{commit.author}.svg"}],
            }
            for commit in history
        ],
    )


async def create_branch(request: Request) -> Response:
    """A new branch at `startingPoint` (main if not given); 409 if the name is taken."""
    repo, body = writable(request), await json_body(request)
    name = param(request, "branch")
    if name in repo.branches and not body.get("overwrite"):
        raise HubError(409, f"Reference already exists: refs/heads/{name}")
    repo.branches[name] = repo.find(str(body.get("startingPoint") or "main")).oid
    return JSONResponse({"success": True}, status_code=201)


async def delete_branch(request: Request) -> Response:
    """Remove a branch; main stays."""
    repo, name = writable(request), param(request, "branch")
    if name == "main":
        raise HubError(403, "The main branch cannot be deleted")
    if name not in repo.branches:
        raise HubError(404, f"Reference does not exist: refs/heads/{name}", "RevisionNotFound")
    del repo.branches[name]
    return JSONResponse({"success": True})


async def create_tag(request: Request) -> Response:
    """A tag at the path's revision; 409 if the name is taken."""
    repo, body = writable(request), await json_body(request)
    name = text_field(body, "tag")
    if name in repo.tags:
        raise HubError(409, f"Tag reference already exists: {name}")
    repo.tags[name] = repo.find(param(request, "revision")).oid
    return JSONResponse({"success": True}, status_code=201)


async def delete_tag(request: Request) -> Response:
    """Remove a tag."""
    repo, name = writable(request), param(request, "revision")
    if name not in repo.tags:
        raise HubError(404, f"Tag does not exist: {name}", "RevisionNotFound")
    del repo.tags[name]
    return JSONResponse({"success": True})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES: list[BaseRoute] = [
    Route(f"{_REPO}/tree/{{revision}}", tree),
    Route(f"{_REPO}/tree/{{revision}}/{{path:path}}", tree),
    Route(f"{_REPO}/paths-info/{{revision}}", paths_info, methods=["POST"]),
    Route(f"{_REPO}/refs", refs),
    Route(f"{_REPO}/commits/{{revision}}", commits),
    Route(f"{_REPO}/branch/{{branch}}", create_branch, methods=["POST"]),
    Route(f"{_REPO}/branch/{{branch}}", delete_branch, methods=["DELETE"]),
    Route(f"{_REPO}/tag/{{revision}}", create_tag, methods=["POST"]),
    Route(f"{_REPO}/tag/{{revision}}", delete_tag, methods=["DELETE"]),
]
