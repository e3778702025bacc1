"""Health, figures and the frame's session answer."""

from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.jobs.job import JobState
from studio.web import health
from studio.web.health import CountRequests, Requests
from tests.unit.web.double import StudioDouble


def _client(studio: StudioDouble) -> TestClient:
    app, requests = FastAPI(), Requests()
    health.add_routes(app, studio, requests)
    app.add_middleware(CountRequests, requests=requests)
    return TestClient(app)


def test_healthz_says_whether_the_store_answers(tmp_path: Path) -> None:
    answer = _client(StudioDouble(tmp_path)).get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["ok"] is True
    assert answer.json()["checks"] == {"store": True}


def test_metrics_count_jobs_and_requests(tmp_path: Path) -> None:
    studio = StudioDouble(tmp_path)
    studio.put("a", state=JobState.RUNNING)
    studio.put("b", state=JobState.FAILED)
    client = _client(studio)
    client.get("/healthz")
    client.get("/nowhere")
    lines = client.get("/metrics").text.splitlines()
    assert 'studio_jobs{state="running"} 1' in lines
    assert 'studio_jobs{state="queued"} 0' in lines
    assert 'studio_http_requests_total{method="GET",status="2xx"} 1' in lines
    assert 'studio_http_requests_total{method="GET",status="4xx"} 1' in lines
    memory = next(line for line in lines if line.startswith("studio_process_resident_memory_bytes "))
    assert int(memory.split()[1]) > 10_000_000


def test_the_frame_learns_who_asks_and_whether_the_hub_is_there(tmp_path: Path) -> None:
    answer = _client(StudioDouble(tmp_path)).get("/api/session").json()
    assert answer["hub"]["reachable"] is False
    assert answer["account"] == {"name": "You", "signed_in": False, "local": True}
    assert answer["sign_in"] == ""


def test_a_stranger_without_a_cookie_is_no_error_for_the_frame(tmp_path: Path) -> None:
    assert _client(StudioDouble(tmp_path, public=True)).get("/api/session").json()["account"]["name"] == "Guest"
