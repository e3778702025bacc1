"""Writing files: `preupload` (how each file shall come) and `commit` (NDJSON, all of it or nothing)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import contributor, hub_of, is_member, json_body, param
from .accounts import AccessToken
from .cards import check_card
from .discussions import note_commit, open_pull_request
from .errors import HubError
from .objects import Commit, Entry, large_entry
from .storage import Hub, Repo, frozen, matches

REGULAR_BYTES = 10 * 1024 * 1024
PREUPLOAD_FILES = 256

Operation = tuple[str, dict[str, Any]]


def check_path(path: object) -> str:
    """A path a repository may hold; raises 400 for anything that leaves it or means something to git."""
    if not isinstance(path, str) or not path:
        raise HubError(400, '"path" is required and must be a string')
    parts = path.split("/")
    if any(part in ("", ".", "..", ".git") for part in parts) or any(ord(char) < 32 for char in path):
        raise HubError(400, f"Invalid path in repo: {path!r}")
    return path


def _decoded(text: object, what: str) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise HubError(400, f"{what} is not base64: {error}") from error


async def preupload(request: Request) -> Response:
    """Per file: `lfs` or `regular`, whether `.gitignore` drops it, and the id it has now at this revision."""
    hub = hub_of(request)
    repo, token = contributor(request)
    _check_may_commit(hub, repo, token, opens_pull_request=request.query_params.get("create_pr") == "1")
    commit = repo.find(param(request, "revision"))
    body = await json_body(request)
    files = body.get("files")
    if not isinstance(files, list) or len(files) > PREUPLOAD_FILES:
        raise HubError(400, f'"files" must be an array of at most {PREUPLOAD_FILES} items')
    ignore = body.get("gitIgnore")
    patterns = str(ignore if ignore is not None else hub.text(repo, ".gitignore", commit) or "").splitlines()
    return JSONResponse({"files": [_upload_mode(hub, repo, commit, item, patterns) for item in files]})


def _upload_mode(hub: Hub, repo: Repo, commit: Commit, item: dict[str, Any], ignored: list[str]) -> dict[str, Any]:
    path = check_path(item.get("path"))
    sample = _decoded(item.get("sample", ""), f"the sample of {path}")
    large = item.get("size", 0) > REGULAR_BYTES or b"\0" in sample or hub.is_large(repo, commit, path)
    rules = [rule.strip() for rule in ignored if rule.strip() and not rule.lstrip().startswith("#")]
    info = {
        "path": path,
        "uploadMode": "lfs" if large else "regular",
        "shouldIgnore": any(matches(path, rule) for rule in rules),
    }
    entry = commit.tree.get(path)
    return info | ({"oid": entry.etag} if entry else {})


async def commit(request: Request) -> Response:
    """Apply the operations as one commit on a branch or pull request, or on a new pull request (`create_pr=1`)."""
    hub, revision = hub_of(request), param(request, "revision")
    repo, token = contributor(request)
    create_pr = request.query_params.get("create_pr") == "1"
    _check_may_commit(hub, repo, token, opens_pull_request=create_pr or revision.startswith("refs/pr/"))
    header, operations = _parse(await request.body())
    base = repo.find(revision)
    if revision in repo.tags or revision in repo.commits:
        raise HubError(400, f"Cannot commit to {revision!r}: it is not a branch")
    if header.get("parentCommit") not in (None, base.oid):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    tree = _apply(hub, repo, base, operations)
    title, message = str(header.get("summary") or ""), str(header.get("description") or "")
    if not title:
        raise HubError(400, '"summary" is required and must be a string')
    pull_request_url = None
    target = revision
    if create_pr:
        discussion = open_pull_request(repo, title, message, token.user, base, draft=False)
        target = f"refs/pr/{discussion.num}"
        pull_request_url = f"{hub.base}/{repo.url_path}/discussions/{discussion.num}"
    new = repo.push(target, frozen(tree), title, message, token.user)
    note_commit(repo, target, new)
    return JSONResponse(
        {
            "success": True,
            "commitOid": new.oid,
            "commitUrl": f"{hub.base}/{repo.url_path}/commit/{new.oid}",
            "hookOutput": "",
            **({"pullRequestUrl": pull_request_url} if pull_request_url else {}),
        }
    )


def _check_may_commit(hub: Hub, repo: Repo, token: AccessToken, *, opens_pull_request: bool) -> None:
    if not opens_pull_request and not is_member(hub, token, repo):
        raise HubError(
            403, f"You don't have the rights to write to {repo.id}; pass `create_pr=1` to open a pull request instead"
        )


def _parse(body: bytes) -> tuple[dict[str, Any], list[Operation]]:
    header: dict[str, Any] | None = None
    operations: list[Operation] = []
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            key, value = item["key"], dict(item["value"])
        except (ValueError, KeyError, TypeError) as error:
            raise HubError(400, f"Invalid NDJSON in line {number}: {error}") from error
        if key == "header":
            header = value
        else:
            operations.append((key, value))
    if header is None:
        raise HubError(400, "The first line must be the header")
    return header, operations


def _apply(hub: Hub, repo: Repo, base: Commit, operations: Iterable[Operation]) -> dict[str, Entry]:
    """The tree after all operations; nothing of the repository is changed, so an error leaves it as it was."""
    tree = dict(base.tree)
    for key, value in operations:
        path = check_path(str(value.get("path", "")).rstrip("/"))
        operation = _OPERATIONS.get(key)
        if operation is None:
            raise HubError(400, f"Unknown operation {key!r}; known: {', '.join(_OPERATIONS)}")
        operation(hub, tree, path, value)
    clash = next((path for path in tree if any(other.startswith(f"{path}/") for other in tree)), None)
    if clash is not None:
        raise HubError(400, f"{clash!r} cannot be a file and a folder")
    if "README.md" in tree and tree["README.md"] != base.tree.get("README.md"):
        text = hub.content(tree["README.md"]).decode(errors="replace")
        errors = check_card(text, repo.kind).errors
        if errors:
            error = HubError(400, "Invalid metadata in README.md: " + "; ".join(errors))
            error.body["errors"] = [{"message": message} for message in errors]
            raise error
    return tree


def _add_regular(hub: Hub, tree: dict[str, Entry], path: str, value: dict[str, Any]) -> None:
    if value.get("encoding") == "base64":
        data = _decoded(value.get("content"), path)
    else:
        data = str(value.get("content", "")).encode()
    if len(data) > REGULAR_BYTES:
        raise HubError(400, f"{path} is larger than {REGULAR_BYTES} bytes: it must come through LFS")
    tree[path] = hub.store(data)


def _add_large(hub: Hub, tree: dict[str, Entry], path: str, value: dict[str, Any]) -> None:
    sha256 = str(value.get("oid"))
    data = hub.large.get(sha256)
    if data is None:
        raise HubError(400, f"LFS pointer pointed to a file that does not exist: {path} ({sha256})")
    if value.get("size", len(data)) != len(data):
        raise HubError(400, f"{path} has {len(data)} bytes, not {value['size']}")
    tree[path] = large_entry(sha256, len(data))


def _delete_file(hub: Hub, tree: dict[str, Entry], path: str, value: dict[str, Any]) -> None:
    if tree.pop(path, None) is None:
        raise HubError(404, f"A file with the name {path!r} does not exist", "EntryNotFound")


def _delete_folder(hub: Hub, tree: dict[str, Entry], path: str, value: dict[str, Any]) -> None:
    inside = [name for name in tree if name.startswith(f"{path}/")]
    if not inside:
        raise HubError(404, f"A folder with the name {path!r} does not exist", "EntryNotFound")
    for name in inside:
        del tree[name]


_OPERATIONS: dict[str, Callable[[Hub, dict[str, Entry], str, dict[str, Any]], None]] = {
    "file": _add_regular,
    "lfsFile": _add_large,
    "deletedFile": _delete_file,
    "deletedFolder": _delete_folder,
}


def add_files(hub: Hub, repo: Repo, files: dict[str, bytes], title: str = "Add files") -> Commit:
    """Commit files to main without a client, by the rules clients are held to."""
    base = repo.find("main")
    operations: list[Operation] = []
    for path, data in files.items():
        if hub.is_large(repo, base, path) or len(data) > REGULAR_BYTES or b"\0" in data[:512]:
            sha256 = hashlib.sha256(data).hexdigest()
            hub.store_large(data, sha256)
            operations.append(("lfsFile", {"path": path, "oid": sha256, "size": len(data)}))
        else:
            content = base64.b64encode(data).decode()
            operations.append(("file", {"path": path, "content": content, "encoding": "base64"}))
    return repo.push("main", frozen(_apply(hub, repo, base, operations)), title, "", repo.author)


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES: list[BaseRoute] = [
    Route(f"{_REPO}/preupload/{{revision}}", preupload, methods=["POST"]),
    Route(f"{_REPO}/commit/{{revision}}", commit, methods=["POST"]),
]
