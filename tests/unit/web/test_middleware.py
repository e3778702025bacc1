"""The middleware by real HTTP against a small app."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.core.settings import Settings
from studio.web.middleware import stack


async def _page(request: Request) -> Response:
    return HTMLResponse("<html><head></head>" + "x" * 3000 + "</html>")


async def _echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _stream(request: Request) -> Response:
    return PlainTextResponse("data: " + "x" * 3000, media_type="text/event-stream")


async def _session(request: Request) -> Response:
    return PlainTextResponse(request.scope["studio_session"])


def _client(home: Path, base: str = "http://127.0.0.1:7860", **settings: Any) -> TestClient:
    routes = [
        Route("/", _page),
        Route("/jobs", _page),
        Route("/api/jobs", _echo, methods=["POST"]),
        Route("/api/datasets", _echo, methods=["POST"]),
        Route("/api/events", _stream),
        Route("/session", _session),
        Route("/gradio_api/file={path:path}", _echo),
        Route("/app.js", _page),
    ]
    middleware = stack(Settings(home=home, **settings), ["", "jobs"], "<script>ours</script>")
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url=base, follow_redirects=False)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:7860", "https://huggingface.co"])
def test_own_and_listed_origins_may_call(tmp_path: Path, origin: str) -> None:
    assert _client(tmp_path).post("/api/jobs", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_foreign_origins_are_refused(tmp_path: Path, origin: str) -> None:
    answer = _client(tmp_path).post("/api/jobs", headers={"Origin": origin})
    assert answer.status_code == 403
    assert "Content-Security-Policy" in answer.headers


def test_another_host_name_on_loopback_is_refused(tmp_path: Path) -> None:
    rebound = _client(tmp_path, base="http://evil.example:7860")
    assert rebound.get("/", headers={"Origin": "http://evil.example:7860"}).status_code == 403
    assert _client(tmp_path, base="http://localhost:7860").get("/").status_code == 200
    assert _client(tmp_path, base="http://studio.example", host="0.0.0.0").get("/").status_code == 200


@pytest.mark.parametrize("target", ["https://example.com/x", "HTTP://example.com/x", "ftp://example.com"])
def test_the_remote_file_proxy_is_off(tmp_path: Path, target: str) -> None:
    assert _client(tmp_path).get(f"/gradio_api/file={target}").status_code == 403


def test_every_answer_has_the_security_headers(tmp_path: Path) -> None:
    headers = _client(tmp_path).get("/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers


def test_the_session_is_made_once_and_kept(tmp_path: Path) -> None:
    client = _client(tmp_path)
    first = client.get("/session")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Lax" in first.headers["set-cookie"]
    assert len(first.text) == 32
    second = client.get("/session")
    assert second.text == first.text
    assert "set-cookie" not in second.headers


def test_a_session_id_of_ones_own_making_is_replaced(tmp_path: Path) -> None:
    answer = _client(tmp_path).get("/session", headers={"Cookie": "studio_session=admin"})
    assert answer.text != "admin"
    assert "set-cookie" in answer.headers


def test_on_a_space_the_cookie_lives_in_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    cookie = _client(tmp_path, base="https://x.hf.space").get("/").headers["set-cookie"]
    assert "SameSite=None; Secure; Partitioned" in cookie


def test_deep_links_lead_to_the_page(tmp_path: Path) -> None:
    client = _client(tmp_path)
    assert client.get("/?page=jobs&id=ft-1&x=a%20b").headers["location"] == "/jobs?id=ft-1&x=a+b"
    assert client.get("/?page=jobs").headers["location"] == "/jobs"
    assert client.get("/?page=//evil.example").status_code == 200


def test_bodies_that_are_too_large_are_refused(tmp_path: Path) -> None:
    client = _client(tmp_path)
    assert client.post("/api/jobs", content=b"x" * 2_000_001).status_code == 413
    assert client.post("/api/jobs", content=b"x" * 1000).text == "1000"
    assert client.post("/api/datasets", content=b"x" * 2_000_001).text == "2000001"


def test_an_upload_over_the_limit_is_refused_by_its_stated_size(tmp_path: Path) -> None:
    answer = _client(tmp_path).post("/gradio_api/upload", headers={"content-length": "2000000000"})
    assert answer.status_code == 413
    assert answer.json()["error"] == "The body is larger than 500 MB."
    assert _client(tmp_path).post("/gradio_api/upload", content=b"x" * 20_000_001).status_code == 404  # let through


def test_bodies_without_a_length_are_counted(tmp_path: Path) -> None:
    chunks = (b"x" * 500_000 for _ in range(6))
    answer = _client(tmp_path).post("/api/jobs", content=chunks)
    assert answer.status_code == 413


def test_pages_are_compressed_streams_and_assets_are_not(tmp_path: Path) -> None:
    client = _client(tmp_path)
    assert client.get("/").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/api/events").headers
    assert "content-encoding" not in client.get("/app.js").headers


def test_our_tags_stand_in_the_head_of_pages_only(tmp_path: Path) -> None:
    client = _client(tmp_path)
    assert client.get("/").text.startswith("<html><head><script>ours</script></head>")
    assert "ours" not in client.get("/app.js").text
