"""The Jobs API: hardware with prices, submit, look, cancel, logs. Nothing runs: a test moves a job along itself.

Prices are examples in the Hub's format, not the Hub's price list.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import hub_of, json_body, param, signed_in, text_field, writer
from .errors import HubError
from .lists import page, timestamp
from .storage import HubJob

_FINISHED = ("COMPLETED", "CANCELED", "ERROR", "DELETED")
_HARDWARE = {  # name: (title, vCPU, GB of memory, accelerator, millionths of a dollar a minute)
    "cpu-basic": ("CPU Basic", 2, 16, None, 167),
    "t4-small": ("Nvidia T4 - small", 4, 15, "T4", 6_667),
    "a10g-small": ("Nvidia A10G - small", 4, 15, "A10G", 16_667),
    "a100-large": ("Nvidia A100 - large", 12, 142, "A100", 41_667),
}


def _accelerator(model: str | None) -> dict[str, str] | None:
    if model is None:
        return None
    vram = {"T4": "16 GB", "A10G": "24 GB", "A100": "80 GB"}[model]
    return {"type": "gpu", "model": model, "quantity": "1", "vram": vram, "manufacturer": "Nvidia"}


async def hardware(request: Request) -> Response:
    """What a job may ask for."""
    return JSONResponse(
        [
            {
                "name": name,
                "prettyName": title,
                "cpu": f"{cores} vCPU",
                "ram": f"{memory} GB",
                "ephemeralStorage": "50 GB",
                "accelerator": _accelerator(accelerator),
                "unitCostMicroUSD": price,
                "unitCostUSD": price / 1_000_000,
                "unitLabel": "minute",
            }
            for name, (title, cores, memory, accelerator, price) in _HARDWARE.items()
        ]
    )


def _shown(job: HubJob) -> dict[str, Any]:
    spec = {name: value for name, value in job.spec.items() if name != "secrets"}
    owner = {"id": job.namespace, "name": job.namespace, "type": "user"}
    info = {"id": job.id, "owner": owner, "createdAt": timestamp(job.created_at), "type": "job"}
    info["secrets"] = dict.fromkeys(job.spec.get("secrets") or {}, "")
    return spec | info | {"status": {"stage": job.stage, "message": job.message}}


def _find(request: Request, *, change: bool = False) -> HubJob:
    namespace = param(request, "namespace")
    token = writer(request, namespace) if change else signed_in(request)
    job = hub_of(request).jobs.get(param(request, "job"))
    if job is None or job.namespace != namespace or namespace not in hub_of(request).accounts.namespaces(token.user):
        raise HubError(404, "Job not found")
    return job


async def submit(request: Request) -> Response:
    """Take a job; it waits in SCHEDULING."""
    namespace = param(request, "namespace")
    writer(request, namespace)
    spec = await json_body(request)
    if text_field(spec, "flavor") not in _HARDWARE:
        raise HubError(400, f'"flavor" must be one of [{", ".join(_HARDWARE)}], not {spec["flavor"]!r}')
    if not spec.get("dockerImage") and not spec.get("spaceId"):
        raise HubError(400, 'One of "dockerImage" and "spaceId" is required')
    job = HubJob(secrets.token_hex(12), namespace, spec, datetime.now(UTC))
    hub_of(request).jobs[job.id] = job
    return JSONResponse(_shown(job))


async def listing(request: Request) -> Response:
    """The jobs of a namespace, newest first."""
    namespace, query = param(request, "namespace"), request.query_params
    if namespace not in hub_of(request).accounts.namespaces(signed_in(request).user):
        raise HubError(403, f"You may not see the jobs of {namespace!r}")
    stages, labels = query.getlist("stage"), query.getlist("label")

    def wanted(job: HubJob) -> bool:
        own = {f"{name}={value}" for name, value in (job.spec.get("labels") or {}).items()}
        return job.namespace == namespace and (not stages or job.stage in stages) and set(labels) <= own

    return page(request, [_shown(job) for job in reversed(hub_of(request).jobs.values()) if wanted(job)])


async def inspect(request: Request) -> Response:
    """One job."""
    return JSONResponse(_shown(_find(request)))


async def cancel(request: Request) -> Response:
    """Stop a job that has not ended."""
    job = _find(request, change=True)
    if job.stage in _FINISHED:
        raise HubError(409, f"The job has ended already: {job.stage}")
    job.stage = "CANCELED"
    return JSONResponse(_shown(job))


async def logs(request: Request) -> Response:
    """The lines there are by now, as server-sent events; the client comes back for more while the job goes on."""
    job = _find(request)
    tail = request.query_params.get("tail")
    lines = job.log[-int(tail) :] if tail and tail.isdigit() else job.log
    events = [{"data": line, "timestamp": timestamp(job.created_at)} for line in ["===== Job started =====", *lines]]
    return Response("".join(f"data: {json.dumps(event)}\n\n" for event in events), media_type="text/event-stream")


ROUTES: list[BaseRoute] = [
    Route("/api/jobs/hardware", hardware),
    Route("/api/jobs/{namespace}", listing),
    Route("/api/jobs/{namespace}", submit, methods=["POST"]),
    Route("/api/jobs/{namespace}/{job}", inspect),
    Route("/api/jobs/{namespace}/{job}/cancel", cancel, methods=["POST"]),
    Route("/api/jobs/{namespace}/{job}/logs", logs),
]
