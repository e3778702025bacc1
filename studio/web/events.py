"""`GET /api/events`: what happens to jobs, as a server-sent event stream.

With `?job=ID` it follows one job (events `state`, `log`, `chart`, then `end`), without it the caller's list (`jobs`).
However many browsers watch, each job is read once per `PERIOD`: one poll is shared by all who ask for the same thing.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.jobs.job import Job
from studio.recipes import fetch
from studio.service import Studio
from studio.ui.events import caller_of
from studio.ui.jobs import fetched
from studio.ui.live import job_charts, job_seconds, job_time
from studio.ui.parts import job_progress, notice, state_chip

PERIOD = 0.5  # seconds between two looks at the store
CHART_PERIOD = 2.0
HEARTBEAT = 15.0
LOG_BYTES = 65_536
MAX_STREAMS = 16  # of one owner at a time; a browser opens two or three
LISTED = 50

T = TypeVar("T")


@dataclass
class Position:
    """How much a browser has: the attempt whose log it reads, and the byte to go on from."""

    attempt: int = 0
    offset: int = 0

    @classmethod
    def parse(cls, event_id: str) -> "Position":
        """From a Last-Event-ID; anything that is not one of ours is the beginning."""
        attempt, _, offset = event_id.partition(".")
        if attempt.isdecimal() and offset.isdecimal() and len(event_id) < 40:
            return cls(int(attempt), int(offset))
        return cls()

    def __str__(self) -> str:
        return f"{self.attempt}.{self.offset}"


@dataclass
class Streams:
    """The streams of one process: shared polls, how many of whom, and whether it is time to stop."""

    studio: Studio
    closed: bool = False
    _open: Counter[str] = field(default_factory=Counter)
    _polls: dict[Hashable, tuple[float, asyncio.Future[Any]]] = field(default_factory=dict)

    def close(self) -> None:
        """End every stream at its next look; the browsers reconnect by themselves."""
        self.closed = True

    def full(self, owner: str) -> bool:
        """Whether this owner has as many streams as one may have."""
        return self._open[owner] >= MAX_STREAMS

    async def follow(self, caller: Caller, events: AsyncIterator[str]) -> AsyncIterator[str]:
        """Count a stream while it is open."""
        self._open[caller.owner] += 1
        try:
            async for event in events:
                yield event
        finally:
            self._open[caller.owner] -= 1

    async def poll(self, key: Hashable, period: float, look: Callable[[], T]) -> T:
        """What `look` finds, in a thread; asked again within `period` seconds, the same answer."""
        now = time.monotonic()
        at, answer = self._polls.get(key, (-period, None))
        if answer is None or now - at >= period:
            self._polls = {known: poll for known, poll in self._polls.items() if now - poll[0] < 60}
            answer = asyncio.ensure_future(asyncio.to_thread(look))
            self._polls[key] = (now, answer)
        # shielded: one reader who leaves must not take the answer from the others
        return await asyncio.shield(answer)

    async def job(self, caller: Caller, job_id: str, position: Position) -> AsyncIterator[str]:
        """One job from `position` on, until it is over and everything was sent."""
        before: dict[str, Any] = {}
        chart, chart_at, spoke = "", 0.0, time.monotonic()
        yield "retry: 1500\n\n"
        while not self.closed:
            job = await self._job(caller, job_id)
            if state := _changes(before, state_json(job)):
                yield message("state", state, position)
                spoke = time.monotonic()
            lines, more = await self._log(caller, job, position)
            for line in lines:
                yield line
                spoke = time.monotonic()
            if time.monotonic() - chart_at >= CHART_PERIOD or job.state.finished:
                chart_at = time.monotonic()
                drawn = await self._charts(caller, job)
                if drawn != chart:
                    chart = drawn
                    yield message("chart", {"html": drawn}, position)
            if job.state.finished and not more:
                yield message("end", {"state": job.state.value}, position)
                return
            if time.monotonic() - spoke >= HEARTBEAT:
                spoke = time.monotonic()
                yield ": still here\n\n"
            if not more:
                await asyncio.sleep(PERIOD)

    async def jobs(self, caller: Caller) -> AsyncIterator[str]:
        """The caller's newest jobs, whenever one of them changes."""
        before, spoke = "", time.monotonic()
        yield "retry: 1500\n\n"
        while not self.closed:
            listed = await self.poll(("jobs", caller.owner, caller.admin), PERIOD, lambda: self._listed(caller))
            if listed != before:
                before, spoke = listed, time.monotonic()
                yield f"event: jobs\ndata: {listed}\n\n"
            elif time.monotonic() - spoke >= HEARTBEAT:
                spoke = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(PERIOD)

    async def _job(self, caller: Caller, job_id: str) -> Job:
        key = ("job", caller.owner, caller.admin, job_id)
        return await self.poll(key, PERIOD * 0.8, lambda: self.studio.job(caller, job_id))

    async def _log(self, caller: Caller, job: Job, position: Position) -> tuple[list[str], bool]:
        """What is new in the log, and whether there is more; a new attempt has a new log: the old one is cleared."""
        found = []
        if position.attempt != job.attempt:
            cleared = position.offset > 0
            position.attempt, position.offset = job.attempt, 0
            if cleared:
                found.append(message("log", {"text": "", "offset": 0, "reset": True}, position))
        start = position.offset
        key = ("log", caller.owner, job.id, job.attempt, start, job.state.finished)
        text, end = await self.poll(key, PERIOD * 0.8, lambda: self.studio.log(caller, job.id, start, LOG_BYTES))
        if end > start:
            position.offset = end
            found.append(message("log", {"text": text, "offset": end, "reset": start == 0}, position))
        return found, end - start >= LOG_BYTES

    async def _charts(self, caller: Caller, job: Job) -> str:
        def draw() -> str:
            try:
                return job_charts(self.studio, caller, job)
            except StudioError:  # curves that cannot be read must not end the log
                return ""

        return await self.poll(("chart", caller.owner, job.id, job.state), CHART_PERIOD, draw)

    def _listed(self, caller: Caller) -> str:
        return json.dumps([state_json(job) | {"id": job.id} for job in self.studio.jobs(caller, limit=LISTED)])


def add_routes(app: FastAPI, studio: Studio) -> Streams:
    """Add the route to `app`; close the result when the server stops."""
    streams = Streams(studio)

    @app.get("/api/events")
    async def events(request: Request, job: str = "") -> Response:
        try:
            caller = caller_of(request, studio)
            if job:
                await asyncio.to_thread(studio.job, caller, job)
        except StudioError as error:
            return JSONResponse({"error": str(error), "problems": []}, error.status)
        if streams.full(caller.owner):
            return JSONResponse({"error": f"You have {MAX_STREAMS} live views open; close one.", "problems": []}, 429)
        position = Position.parse(request.headers.get("last-event-id", ""))
        source = streams.job(caller, job, position) if job else streams.jobs(caller)
        headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            streams.follow(caller, _quietly(source)), media_type="text/event-stream", headers=headers
        )

    return streams


def state_json(job: Job) -> dict[str, Any]:
    """What a page shows of a job. `chip`, `bar`, `problem`, `result` are escaped markup, all else is plain text."""
    return {
        "state": job.state.value,
        "finished": job.state.finished,
        "progress": job.progress.fraction,
        "message": job.progress.message,
        "waiting_for": job.waiting_for,
        "error": job.error,
        "problem": notice("bad", job.error) if job.error else "",
        "dataset": fetch.result(job),
        "result": fetched(job),
        "attempt": job.attempt,
        "artifact": job.artifact,
        "seconds": int(job_seconds(job)),
        "time": job_time(job) if job.state.finished or not job.started_at else "",
        "chip": state_chip(job),
        "bar": job_progress(job),
    }


def message(event: str, data: dict[str, Any], position: Position) -> str:
    """One event in the format of the standard; JSON has no raw line breaks, so one data line is enough."""
    return f"id: {position}\nevent: {event}\ndata: {json.dumps(data)}\n\n"


def _changes(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """`now` if anything but the clock differs (the browser counts seconds itself), else nothing."""
    same = {**before, "seconds": 0} == {**now, "seconds": 0}
    before.clear()
    before.update(now)
    return {} if same else now


async def _quietly(source: AsyncIterator[str]) -> AsyncIterator[str]:
    """End a stream whose job was deleted meanwhile, instead of breaking off with an error."""
    try:
        async for event in source:
            yield event
    except StudioError as error:
        yield f"event: end\ndata: {json.dumps({'error': str(error)})}\n\n"
