"""The Xet storage API (`/cas/…`) and the Hub's side of it: tokens for a repository.

Served: xorbs, shards (v1 and v2), reconstruction (v1), ranges of xorbs. Not served, and answered 404 as by a CAS that
does not know them: upload grants, reconstruction v2, global deduplication.
"""

from __future__ import annotations

import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import contributor, hub_of, param, readable
from .downloads import byte_range, check_gate, partial
from .errors import HubError
from .storage import Hub
from .xet import FileRecord, Segment, parse_shard

_HASH = re.compile(r"^[0-9a-f]{64}$")


def _connection(hub: Hub, scope: str) -> Response:
    url = f"{hub.base}/cas"
    token, expires = hub.accounts.issue_xet_token("write" if scope == "write" else "read")
    headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expires)}
    return JSONResponse({"casUrl": url, "accessToken": token, "exp": expires}, headers=headers)


async def read_token(request: Request) -> Response:
    """A token to read this repository's Xet files."""
    repo = readable(request)
    check_gate(request, repo)
    repo.find(param(request, "revision"))
    return _connection(hub_of(request), "read")


async def write_token(request: Request) -> Response:
    """A token to upload to this repository."""
    contributor(request)
    return _connection(hub_of(request), "write")


async def add_xorb(request: Request) -> Response:
    """Take a xorb."""
    hub, name = hub_of(request), param(request, "hash")
    hub.accounts.check_xet_token(request.headers, "write")
    if not _HASH.match(name):
        raise HubError(400, f"not a hash: {name}")
    return JSONResponse({"was_inserted": hub.xet.add_xorb(name, await request.body())})


def _register(hub: Hub, records: tuple[FileRecord, ...]) -> None:
    """Take all files of a shard, or none: each must fit the stored xorbs, and its sha256."""
    contents: list[tuple[FileRecord, bytes]] = [(record, hub.xet.rebuild(record)) for record in records]
    for record, content in contents:
        if record.sha256 is not None:
            hub.store_large(content, record.sha256)
            hub.xet.by_sha256[record.sha256] = record.hash
        hub.xet.files[record.hash] = record


async def add_shard(request: Request) -> Response:
    """Register the files of a shard (v1: one JSON object)."""
    hub = hub_of(request)
    hub.accounts.check_xet_token(request.headers, "write")
    _register(hub, parse_shard(await request.body()))
    return JSONResponse({"result": 1})


async def add_shard_v2(request: Request) -> Response:
    """Register the files of a shard, told step by step (NDJSON)."""
    hub = hub_of(request)
    hub.accounts.check_xet_token(request.headers, "write")
    records = parse_shard(await request.body())
    _register(hub, records)
    steps: list[dict[str, object]] = [
        {"type": "validating", "verified": len(records), "total": len(records)},
        {"type": "committing", "stage": "uploading"},
        {"type": "result"},
    ]
    return Response("".join(json.dumps(step) + "\n" for step in steps), media_type="application/x-ndjson")


async def reconstruction(request: Request) -> Response:
    """Which chunks of which xorbs make (a range of) a file, and where to fetch them."""
    hub = hub_of(request)
    hub.accounts.check_xet_token(request.headers, "read")
    record = hub.xet.files.get(param(request, "hash"))
    if record is None:
        raise HubError(404, "File not found")
    start, stop = byte_range(request, hub.xet.size(record)) or (0, hub.xet.size(record))
    offset, runs = hub.xet.reconstruct(record, start, stop)
    terms = [
        {"hash": run.xorb, "unpacked_length": run.unpacked, "range": {"start": run.start, "end": run.end}}
        for run in runs
    ]
    fetch = {run.xorb: [_fetch_info(hub, run.xorb, runs)] for run in runs}
    return JSONResponse({"offset_into_first_range": offset, "terms": terms, "fetch_info": fetch})


def _fetch_info(hub: Hub, xorb: str, runs: list[Segment]) -> dict[str, object]:
    own = [run for run in runs if run.xorb == xorb]
    start, end = min(run.start for run in own), max(run.end for run in own)
    chunks = hub.xet.xorbs[xorb].chunks
    path = f"/xorbs/{xorb}"
    return {
        "range": {"start": start, "end": end},
        "url": f"{hub.base}{path}?signature={hub.accounts.sign(path)}",
        # the last byte is meant inclusively, as in an HTTP range
        "url_range": {"start": chunks[start].start, "end": chunks[end - 1].end - 1},
    }


async def xorb_bytes(request: Request) -> Response:
    """Bytes of a stored xorb, for whoever holds the signed address."""
    hub = hub_of(request)
    hub.accounts.check_signature(request.scope["path"], request.query_params.get("signature", ""))
    xorb = hub.xet.xorbs.get(param(request, "hash"))
    if xorb is None:
        raise HubError(404, "NoSuchKey")
    return partial(request, xorb.data, {"Content-Type": "application/octet-stream"})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES: list[BaseRoute] = [
    Route(f"{_REPO}/xet-read-token/{{revision}}", read_token),
    Route(f"{_REPO}/xet-write-token/{{revision}}", write_token),
    Route("/cas/v1/xorbs/{prefix}/{hash}", add_xorb, methods=["POST"]),
    Route("/cas/v1/shards", add_shard, methods=["POST"]),
    Route("/cas/v2/shards", add_shard_v2, methods=["POST"]),
    Route("/cas/v1/reconstructions/{hash}", reconstruction),
    Route("/xorbs/{hash}", xorb_bytes),
]
