"""Discussions and pull requests: open, list, read (with diff), comment, rename, close, merge."""

from __future__ import annotations

import difflib
import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import contributor, hub_of, is_member, json_body, param, readable, text_field, writable
from .errors import HubError
from .lists import number, timestamp
from .objects import Commit, Entry, lfs_pointer
from .storage import Discussion, Hub, Repo, frozen

_PAGE = 50


def _event(kind: str, author: str, data: dict[str, Any]) -> dict[str, Any]:
    created = timestamp(datetime.now(UTC))
    return {"id": secrets.token_hex(12), "author": {"name": author}, "createdAt": created, "type": kind, "data": data}


def _comment(author: str, text: str) -> dict[str, Any]:
    latest = {"raw": text, "html": text, "updatedAt": timestamp(datetime.now(UTC)), "author": {"name": author}}
    return _event("comment", author, {"edited": False, "hidden": False, "latest": latest, "history": [latest]})


def open_pull_request(
    repo: Repo, title: str, description: str, author: str, base: Commit, *, draft: bool
) -> Discussion:
    """A pull request whose `refs/pr/N` starts at `base`."""
    discussion = _open(repo, title, description, author, is_pull_request=True)
    discussion.status, discussion.base = "draft" if draft else "open", base.oid
    repo.pull_requests[discussion.num] = base.oid
    return discussion


def _open(repo: Repo, title: str, description: str, author: str, *, is_pull_request: bool) -> Discussion:
    number_ = len(repo.discussions) + 1
    discussion = Discussion(number_, title, author, is_pull_request, "open", datetime.now(UTC))
    discussion.events.append(_comment(author, description))
    repo.discussions.append(discussion)
    return discussion


def note_commit(repo: Repo, reference: str, commit: Commit) -> None:
    """Show a commit in the pull request it was pushed to."""
    number_ = reference.removeprefix("refs/pr/")
    if number_ != reference:
        data = {"subject": commit.title, "oid": commit.oid}
        repo.discussions[int(number_) - 1].events.append(_event("commit", commit.author, data))


def _summary(repo: Repo, item: Discussion) -> dict[str, Any]:
    return {
        "num": item.num,
        "title": item.title,
        "author": {"name": item.author},
        "status": item.status,
        "isPullRequest": item.is_pull_request,
        "createdAt": timestamp(item.created_at),
        "repo": {"name": repo.id, "type": repo.kind},
    }


def _find(request: Request, repo: Repo) -> Discussion:
    text = param(request, "num")
    if not text.isdigit() or not 1 <= int(text) <= len(repo.discussions):
        raise HubError(404, f"Discussion not found: {text}")
    return repo.discussions[int(text) - 1]


async def listing(request: Request) -> Response:
    """All discussions and pull requests, newest first, filtered, 50 a page."""
    repo, query = readable(request), request.query_params
    found = [_summary(repo, item) for item in reversed(repo.discussions)]
    kinds = {"pull_request": True, "discussion": False}
    if query.get("type") in kinds:
        found = [item for item in found if item["isPullRequest"] == kinds[query["type"]]]
    if query.get("status") in ("open", "closed"):
        found = [item for item in found if (item["status"] in ("open", "draft")) == (query["status"] == "open")]
    if "author" in query:
        found = [item for item in found if item["author"]["name"] == query["author"]]
    start = number(request, "p", 0) * _PAGE
    return JSONResponse({"discussions": found[start : start + _PAGE], "count": len(found), "start": start})


async def create(request: Request) -> Response:
    """A new discussion, or a draft pull request to commit to."""
    repo, token = contributor(request)
    body = await json_body(request)
    title, description = text_field(body, "title"), str(body.get("description") or "")
    if len(title) < 3:
        raise HubError(400, '"title" length must be at least 3 characters long')
    if body.get("pullRequest"):
        item = open_pull_request(repo, title, description, token.user, repo.find("main"), draft=True)
    else:
        item = _open(repo, title, description, token.user, is_pull_request=False)
    url = f"{hub_of(request).base}/{repo.url_path}/discussions/{item.num}"
    return JSONResponse({"num": item.num, "url": url, "pullRequest": item.is_pull_request}, status_code=201)


async def details(request: Request) -> Response:
    """One discussion with its events; a pull request with its changes, conflicts and (if asked) diff."""
    hub, repo = hub_of(request), readable(request)
    item = _find(request, repo)
    answer = _summary(repo, item) | {"events": item.events}
    if item.is_pull_request:
        changes: dict[str, Any] = {"base": "main"}
        if item.merge_commit is not None:
            changes["mergeCommitId"] = item.merge_commit
        answer |= {"changes": changes, "filesWithConflicts": [] if item.merge_commit else _conflicts(repo, item)}
        if request.query_params.get("diff") == "1":
            answer["diff"] = _diff(hub, repo, item)
    return JSONResponse(answer)


def _changes(repo: Repo, item: Discussion, reference: str) -> dict[str, Entry | None]:
    """The files in which a reference differs from where the pull request began; None for a deleted one."""
    before, after = repo.find(item.base or "main").tree, repo.find(reference).tree
    paths = sorted({*before, *after})
    return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}


def _conflicts(repo: Repo, item: Discussion) -> list[str]:
    ours, theirs = _changes(repo, item, "main"), _changes(repo, item, f"refs/pr/{item.num}")
    return [path for path, entry in theirs.items() if path in ours and ours[path] != entry]


def _diff(hub: Hub, repo: Repo, item: Discussion) -> str:
    before = repo.find(item.base or "main").tree
    lines: list[str] = []
    for path, entry in _changes(repo, item, f"refs/pr/{item.num}").items():
        old = before.get(path)
        before_lines, after_lines = _shown(hub, old), _shown(hub, entry)
        names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if entry else "/dev/null")
        lines.append(f"diff --git a/{path} b/{path}")
        lines += difflib.unified_diff(before_lines, after_lines, *names, lineterm="")
    return "\n".join(lines)


def _shown(hub: Hub, entry: Entry | None) -> list[str]:
    if entry is None:
        return []
    text = lfs_pointer(entry.sha256, entry.size) if entry.sha256 else hub.content(entry)
    return text.decode(errors="replace").splitlines()


async def comment(request: Request) -> Response:
    """Add a comment."""
    repo, token = contributor(request)
    item = _find(request, repo)
    event = _comment(token.user, text_field(await json_body(request), "comment"))
    item.events.append(event)
    return JSONResponse({"newMessage": event})


async def rename(request: Request) -> Response:
    """Change the title."""
    repo, token = contributor(request)
    item = _find(request, repo)
    title = text_field(await json_body(request), "title")
    event = _event("title-change", token.user, {"from": item.title, "to": title})
    item.title = title
    item.events.append(event)
    return JSONResponse({"newTitle": event})


async def status(request: Request) -> Response:
    """Close or open again; for its author and the repository's people."""
    repo, token = contributor(request)
    item, body = _find(request, repo), await json_body(request)
    if token.user != item.author and not is_member(hub_of(request), token, repo):
        raise HubError(403, "Only its author or the repository's owner may do this")
    if body.get("status") not in ("open", "closed"):
        raise HubError(400, '"status" must be one of [open, closed]')
    item.status = body["status"]
    event = _event("status-change", token.user, {"status": item.status})
    item.events.append(event)
    return JSONResponse({"newStatus": event})


async def merge(request: Request) -> Response:
    """Bring a pull request's changes to main; 409 where both changed the same file."""
    repo = writable(request)
    _, token = contributor(request)
    item = _find(request, repo)
    if not item.is_pull_request or item.status not in ("open", "draft"):
        raise HubError(409, "Only an open pull request can be merged")
    conflicts = _conflicts(repo, item)
    if conflicts:
        raise HubError(409, f"Conflicts in {', '.join(conflicts)}")
    tree = dict(repo.find("main").tree)
    for path, entry in _changes(repo, item, f"refs/pr/{item.num}").items():
        if entry is None:
            tree.pop(path, None)
        else:
            tree[path] = entry
    commit = repo.push("main", frozen(tree), f"{item.title} (#{item.num})", "", token.user)
    item.status, item.merge_commit = "merged", commit.oid
    item.events.append(_event("status-change", token.user, {"status": "merged"}))
    return JSONResponse({"success": True})


_LIST = "/api/{kind}/{namespace}/{name}/discussions"
ROUTES: list[BaseRoute] = [
    Route(_LIST, listing),
    Route(_LIST, create, methods=["POST"]),
    Route(f"{_LIST}/{{num}}", details),
    Route(f"{_LIST}/{{num}}/comment", comment, methods=["POST"]),
    Route(f"{_LIST}/{{num}}/title", rename, methods=["POST"]),
    Route(f"{_LIST}/{{num}}/status", status, methods=["POST"]),
    Route(f"{_LIST}/{{num}}/merge", merge, methods=["POST"]),
]
