"""What is there: information on one repository, and search over all of them."""

from __future__ import annotations

import json
import struct
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import caller_of, hub_of, is_member, kind_of, param, readable
from .cards import check_card
from .errors import HubError, repo_not_found
from .lists import page, timestamp
from .objects import Commit
from .storage import Hub, Repo

_SORTS = {
    "downloads": lambda repo: repo.downloads,
    "likes": lambda repo: repo.likes,
    "createdAt": lambda repo: repo.created_at,
    "lastModified": lambda repo: repo.find("main").date,
    "trendingScore": lambda repo: repo.likes,
}
_BRIEF = ("_id", "id", "modelId", "private", "gated", "downloads", "likes", "tags", "pipeline_tag", "library_name",
          "createdAt", "sdk")  # fmt: skip
_DTYPES = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}


def describe(hub: Hub, repo: Repo, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
    """Everything the Hub tells about a repository at a commit."""
    metadata = check_card(hub.text(repo, "README.md", commit) or "", repo.kind).metadata
    config = _config(hub, repo, commit) if repo.kind == "model" else {}
    info: dict[str, Any] = {
        "_id": commit.oid[:24],
        "id": repo.id,
        "author": repo.author,
        "sha": commit.oid,
        "lastModified": timestamp(commit.date),
        "createdAt": timestamp(repo.created_at),
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "tags": _tags(metadata, commit, custom="auto_map" in config),
        "siblings": [_sibling(commit, path, blobs=blobs) for path in sorted(commit.tree)],
        "usedStorage": sum(entry.size for entry in commit.tree.values()),
    }
    if metadata:
        info["cardData"] = json.loads(json.dumps(metadata, default=str))
    if repo.kind == "model":
        info |= _model_fields(hub, repo, commit, metadata) | ({"config": config} if config else {})
    elif repo.kind == "space":
        info |= {"sdk": repo.space.sdk, "runtime": {"stage": repo.space.stage}}
    return info


def _sibling(commit: Commit, path: str, *, blobs: bool) -> dict[str, Any]:
    entry = commit.tree[path]
    if not blobs:
        return {"rfilename": path}
    info: dict[str, Any] = {"rfilename": path, "size": entry.size, "blobId": entry.oid}
    if entry.sha256 is not None:
        info["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
    return info


def _listed(value: object) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value]) if item is not None]


def _tags(metadata: dict[str, Any], commit: Commit, *, custom: bool) -> list[str]:
    """The card's tags and those the Hub derives from its fields and the files."""
    tags = _listed(metadata.get("library_name"))
    tags += ["safetensors"] if any(path.endswith(".safetensors") for path in commit.tree) else []
    tags += _listed(metadata.get("pipeline_tag")) + _listed(metadata.get("tags")) + _listed(metadata.get("language"))
    for name, prefix in (("license", "license"), ("datasets", "dataset"), ("base_model", "base_model"),
                         ("task_categories", "task_categories"), ("size_categories", "size_categories")):  # fmt: skip
        tags += [f"{prefix}:{item}" for item in _listed(metadata.get(name))]
    if "adapter_config.json" in commit.tree:
        tags += ["peft", *(f"base_model:adapter:{item}" for item in _listed(metadata.get("base_model")))]
    tags += ["custom_code"] if custom else []
    return [*dict.fromkeys(tags), "region:us"]


def _model_fields(hub: Hub, repo: Repo, commit: Commit, metadata: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"modelId": repo.id, "spaces": [], "inferenceProviderMapping": repo.providers}
    fields |= {name: metadata[name] for name in ("pipeline_tag", "library_name", "model-index") if metadata.get(name)}
    weights = commit.tree.get("model.safetensors")
    parameters = _parameters(hub.content(weights)) if weights is not None else None
    if parameters is not None:
        fields["safetensors"] = {"parameters": parameters, "total": sum(parameters.values())}
    return fields


def _config(hub: Hub, repo: Repo, commit: Commit) -> dict[str, Any]:
    """The part of a model's configuration that the Hub tells: of transformers, of diffusers, of PEFT."""

    def read(path: str, *names: str) -> dict[str, Any]:
        try:
            found = json.loads(hub.text(repo, path, commit) or "null")
        except ValueError:
            found = None
        return {name: found[name] for name in names if name in found} if isinstance(found, dict) else {}

    config = read("config.json", "architectures", "model_type", "auto_map")
    parts = {
        "diffusers": read("model_index.json", "_class_name"),
        "peft": read("adapter_config.json", "base_model_name_or_path", "task_type"),
    }
    return config | {name: part for name, part in parts.items() if part}


def _parameters(data: bytes) -> dict[str, int] | None:
    """Parameters per data type from a safetensors header; None where it is not one."""
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        counts: dict[str, int] = {}
        for name, tensor in header.items():
            if name != "__metadata__" and tensor["dtype"] in _DTYPES:
                size = 1
                for extent in tensor["shape"]:
                    size *= extent
                counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + size
    except (struct.error, ValueError, KeyError, TypeError, AttributeError):
        return None
    return counts


def _expanded(request: Request, info: dict[str, Any]) -> dict[str, Any]:
    """Only what `expand` names, if it names anything."""
    names = request.query_params.getlist("expand") + request.query_params.getlist("expand[]")
    if not names:
        return {name: value for name, value in info.items() if name != "inferenceProviderMapping"}
    return {name: info[name] for name in ("_id", "id", *names) if name in info}


async def info(request: Request) -> Response:
    """One repository at a revision (main if not given); `blobs=true` tells sizes and ids of its files."""
    hub, repo = hub_of(request), readable(request)
    commit = repo.find(param(request, "revision") if "revision" in request.path_params else "main")
    blobs = (request.query_params.get("blobs") or "").lower() in ("1", "true")
    return JSONResponse(_expanded(request, describe(hub, repo, commit, blobs=blobs)))


async def search(request: Request) -> Response:
    """Repositories the caller may see, by author, words, tags and gate, sorted, in pages."""
    hub, kind, token = hub_of(request), kind_of(request), caller_of(request)
    found = [
        repo
        for (repo_kind, _), repo in hub.repos.items()
        if repo_kind == kind and (not repo.private or is_member(hub, token, repo)) and _fits(request, hub, repo)
    ]
    sort = request.query_params.get("sort", "trendingScore")
    if sort not in _SORTS:
        raise HubError(400, f'"sort" must be one of [{", ".join(_SORTS)}], not {sort!r}')
    found.sort(key=_SORTS[sort], reverse=request.query_params.get("direction", "-1") == "-1")
    return page(request, [_listing(request, hub, repo) for repo in found])


def _fits(request: Request, hub: Hub, repo: Repo) -> bool:
    query = request.query_params
    author, words, gated = query.get("author"), query.get("search", "").lower().split(), query.get("gated")
    if author and repo.author.lower() != author.lower():
        return False
    if not all(word in repo.id.lower() for word in words):
        return False
    if gated is not None and bool(repo.gated) != (gated.lower() == "true"):
        return False
    wanted = [tag for value in query.getlist("filter") for tag in value.split(",")]
    wanted += query.getlist("pipeline_tag")
    return not wanted or set(wanted) <= set(describe(hub, repo, repo.find("main"))["tags"])


def _listing(request: Request, hub: Hub, repo: Repo) -> dict[str, Any]:
    query = request.query_params
    everything = describe(hub, repo, repo.find("main"))
    if query.getlist("expand") or query.getlist("expand[]"):
        return _expanded(request, everything)
    full = (query.get("full") or "").lower() == "true"
    names = set(_BRIEF) | ({"author", "sha", "lastModified", "siblings", "disabled"} if full else set())
    names |= {name for name in ("cardData", "config") if (query.get(name) or "").lower() == "true"}
    return {name: value for name, value in everything.items() if name in names}


async def no_namespace(request: Request) -> Response:
    """There are no repositories without a namespace here."""
    kind_of(request)
    raise repo_not_found(caller_of(request) is not None)


ROUTES: list[BaseRoute] = [
    Route("/api/{kind}", search),
    Route("/api/{kind}/{name}", no_namespace),
    Route("/api/{kind}/{namespace}/{name}", info),
    Route("/api/{kind}/{namespace}/{name}/revision/{revision}", info),
]
