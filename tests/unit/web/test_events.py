"""The event stream: what it sends, where it resumes, and how little it asks the store."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.core.types import Caller
from studio.jobs.job import JobState, Progress
from studio.tracking.reader import Series
from studio.web import events
from studio.web.events import Position, Streams
from tests.unit.web.double import StudioDouble

ME = Caller("local", admin=True)


def _client(studio: StudioDouble) -> TestClient:
    app = FastAPI()
    events.add_routes(app, studio)
    return TestClient(app)


def _parse(body: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(event, id, data) of every event in a stream."""
    found = []
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in lines:
            found.append((lines["event"], lines.get("id", ""), json.loads(lines["data"])))
    return found


def test_a_finished_job_is_sent_whole_and_then_ends(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", state=JobState.SUCCEEDED, artifact="a-1", started_at=10, finished_at=40)
    studio.logs["ft-1"] = b"line one\nline <two>\n"
    studio.curves["loss"] = Series("loss", [0, 1, 2], [3.0, 2.0, 1.0])
    answer = _client(studio).get("/api/events?job=ft-1")
    assert answer.headers["content-type"].startswith("text/event-stream")
    sent = _parse(answer.text)
    assert [name for name, _, _ in sent] == ["state", "log", "chart", "end"]
    state = sent[0][2]
    assert (state["state"], state["artifact"], state["seconds"]) == ("succeeded", "a-1", 30)
    assert sent[1][2]["text"] == "line one\nline <two>\n"
    assert "<svg" in sent[2][2]["html"]


def test_a_log_longer_than_one_piece_arrives_whole(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", state=JobState.FAILED, error="<b>broken</b>")
    studio.logs["ft-1"] = b"0123456789\n" * 20_000
    sent = _parse(_client(studio).get("/api/events?job=ft-1").text)
    assert "".join(data["text"] for name, _, data in sent if name == "log").encode() == studio.logs["ft-1"]
    assert "&lt;b&gt;broken" in sent[0][2]["problem"]


def test_a_reconnecting_browser_gets_only_the_rest(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", state=JobState.SUCCEEDED)
    studio.logs["ft-1"] = b"seen\nnew\n"
    sent = _parse(_client(studio).get("/api/events?job=ft-1", headers={"Last-Event-ID": "1.5"}).text)
    logs = [(number, data["text"], data["reset"]) for name, number, data in sent if name == "log"]
    assert logs == [("1.9", "new\n", False)]


def test_a_new_attempt_clears_the_old_log_first(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", state=JobState.SUCCEEDED, attempt=2)
    studio.logs["ft-1"] = b"second try\n"
    sent = _parse(_client(studio).get("/api/events?job=ft-1", headers={"Last-Event-ID": "1.5"}).text)
    logs = [(data["text"], data["reset"]) for name, _, data in sent if name == "log"]
    assert logs == [("", True), ("second try\n", True)]


def test_a_foreign_event_id_is_the_beginning() -> None:
    for event_id in ("", "x", "1", "1.x", "-1.5", "1.5.5", "9" * 50 + ".1"):
        assert Position.parse(event_id) == Position(0, 0)


def test_an_unknown_job_is_404_and_says_so(tmp_path: Path) -> None:
    answer = _client(StudioDouble(tmp_path)).get("/api/events?job=ft-9")
    assert answer.status_code == 404
    assert "ft-9" in answer.json()["error"]


def test_somebody_elses_job_is_404_and_strangers_are_told_to_allow_cookies(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path, public=True)
    studio.put("ft-1", owner="session:other", state=JobState.SUCCEEDED)
    assert _client(studio).get("/api/events?job=ft-1").status_code == 401


def test_a_running_job_is_followed_until_it_is_over(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "PERIOD", 0.01)
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", state=JobState.RUNNING, progress=Progress(1, 4))
    studio.logs["ft-1"] = b"a\n"

    async def watch() -> list[str]:
        stream = Streams(studio).job(ME, "ft-1", Position())
        seen: list[str] = []
        async for chunk in stream:
            seen.append(chunk)
            if "event: log" in chunk and "a\\n" in chunk:
                studio.logs["ft-1"] += b"b\n"
                studio.put("ft-1", state=JobState.SUCCEEDED, progress=Progress(4, 4))
        return seen

    sent = _parse("".join(asyncio.run(asyncio.wait_for(watch(), 20))))
    assert [data["state"] for name, _, data in sent if name == "state"] == ["running", "succeeded"]
    assert "".join(data["text"] for name, _, data in sent if name == "log") == "a\nb\n"


def test_many_watchers_share_one_look(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", state=JobState.SUCCEEDED)

    async def drain(source: AsyncIterator[str]) -> None:
        async for _ in source:
            pass

    async def watch() -> None:
        streams = Streams(studio)
        await asyncio.gather(*(drain(streams.job(ME, "ft-1", Position())) for _ in range(40)))

    asyncio.run(asyncio.wait_for(watch(), 20))
    assert studio.reads <= 3


def test_the_list_is_sent_again_when_it_changes_and_ends_on_close(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "PERIOD", 0.01)
    studio = StudioDouble(tmp_path)
    studio.put("ft-1", title="<script>")

    async def watch() -> list[str]:
        streams = Streams(studio)
        seen: list[str] = []
        async for chunk in streams.jobs(ME):
            seen.append(chunk)
            if chunk.count("event: jobs"):
                if "running" in chunk:
                    streams.close()
                studio.put("ft-1", state=JobState.RUNNING)
        return seen

    sent = _parse("".join(asyncio.run(asyncio.wait_for(watch(), 20))))
    assert [data[0]["state"] for _, _, data in sent] == ["queued", "running"]  # type: ignore[index]


def test_one_owner_cannot_hold_every_stream(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    app = FastAPI()
    streams = events.add_routes(app, studio)
    streams._open["local"] = events.MAX_STREAMS
    assert TestClient(app).get("/api/events").status_code == 429
