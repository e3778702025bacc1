"""`/healthz` for whoever restarts the studio, `/metrics` for Prometheus, `/api/session` for the page's frame."""

import asyncio
import sqlite3
import threading
import time
from collections import Counter
from typing import Any

import psutil
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio import __version__
from studio.core.errors import SignInRequired, StudioError
from studio.core.types import Caller
from studio.jobs.job import JobState
from studio.service import Studio
from studio.ui.events import caller_of, oauth_available

OPERATOR = Caller("local", admin=True)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Requests:
    """Counts answers by method and class of status, for the whole process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, method: str, status: int) -> None:
        """One answer was begun."""
        known = method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH") else "other"
        with self._lock:
            self._counts[known, f"{status // 100}xx"] += 1

    def items(self) -> list[tuple[tuple[str, str], int]]:
        """(method, class of status) and how many."""
        with self._lock:
            return sorted(self._counts.items())


class CountRequests:
    """Middleware that feeds `Requests`."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self.app, self.requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.requests.add(scope["method"], message["status"])
            await send(message)

        await self.app(scope, receive, send_counted if scope["type"] == "http" else send)


def add_routes(app: FastAPI, studio: Studio, requests: Requests) -> None:
    """Add the three routes to `app`."""
    started = time.time()

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        checks = {"store": await asyncio.to_thread(store_answers, studio)}
        ok = all(checks.values())
        return JSONResponse(
            {"ok": ok, "version": __version__, "seconds": round(time.time() - started, 1), "checks": checks},
            200 if ok else 503,
        )

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        body = await asyncio.to_thread(prometheus, studio, requests, time.time() - started)
        return PlainTextResponse(body, media_type=CONTENT_TYPE)

    @app.get("/api/session")
    async def session(request: Request) -> JSONResponse:
        return JSONResponse(session_json(request, studio), headers={"Cache-Control": "no-store"})


def store_answers(studio: Studio) -> bool:
    """Whether the job store can be read."""
    try:
        studio.jobs(OPERATOR, limit=1)
    except (StudioError, sqlite3.Error, OSError):
        return False
    return True


def prometheus(studio: Studio, requests: Requests, uptime: float) -> str:
    """The studio's figures in Prometheus' text format 0.0.4."""
    states = Counter(job.state.value for job in studio.jobs(OPERATOR, limit=10_000))
    memory = psutil.Process().memory_info().rss
    lines = ["# HELP studio_jobs Jobs by state.", "# TYPE studio_jobs gauge"]
    lines += [f'studio_jobs{{state="{state.value}"}} {states[state.value]}' for state in JobState]
    lines += [
        "# HELP studio_http_requests_total Answers by method and class of status.",
        "# TYPE studio_http_requests_total counter",
    ]
    lines += [
        f'studio_http_requests_total{{method="{method}",status="{status}"}} {count}'
        for (method, status), count in requests.items()
    ]
    for name, meaning, value in (
        ("studio_process_resident_memory_bytes", "Memory of the web process.", memory),
        ("studio_inference_worker_up", "Whether a warm inference worker runs.", int(worker_alive(studio))),
        ("studio_hub_reachable", "Whether the Hub answered the last probe.", int(studio.hub().reachable)),
        ("studio_uptime_seconds", "Seconds since the start.", round(uptime, 1)),
    ):
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", f"{name} {value}"]
    return "\n".join(lines) + "\n"


def worker_alive(studio: Studio) -> bool:
    """Whether the inference worker's process is there; it is started by the first prediction."""
    return bool(studio.inference.status()["alive"])


def session_json(request: Request, studio: Studio) -> dict[str, Any]:
    """Who asks, whether the Hub answers, and where to sign in."""
    hub = studio.hub()
    signing_in = oauth_available()
    try:
        caller = caller_of(request, studio)
    except SignInRequired:  # cookies are off: the page itself can still be read
        caller = Caller("", "Guest")
    signed_in = caller.owner.startswith("hf:")
    return {
        "hub": {"reachable": hub.reachable, "reason": hub.reason},
        "account": {"name": caller.name, "signed_in": signed_in, "local": caller.owner == "local"},
        "sign_in": "/login/huggingface" if signing_in and not signed_in else "",
        "sign_out": "/logout" if signed_in else "",
    }
