"""Whoever hangs up leaves the worker's line, and stops the text that is written for them. Over real connections."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest

from studio.core.settings import Settings
from studio.core.types import Caller
from studio.service import Studio
from studio.ui.page import Page
from studio.ui.visits import attended
from tests.unit.inference import tiny
from tests.unit.inference.conftest import install_plugin
from tests.unit.plugged import plugged
from tests.unit.web.serving import Served, serve
from tests.waiting import wait

PLUGIN = """
import time
from pathlib import Path
from typing import Any
from studio.core.types import Modality, Slot
from studio.tasks.base import NoParams, Task

class Pipe:
    bytes = 1

def predict(pipe, batch, params):
    for inputs in batch:
        folder = Path(inputs["inputs"])
        (folder / "started").touch()
        while not (folder / "release").exists():
            time.sleep(0.01)
    return [{"text": "done"} for _ in batch]

def stream(pipe, inputs, params, listener):
    folder = Path(inputs["inputs"])
    (folder / "started").touch()
    for _ in range(6000):
        if listener.gone:
            (folder / "stopped").touch()
            break
        listener.part("word ")
        time.sleep(0.01)
    return {"text": "done"}

slot = Slot("inputs", Modality.TEXT, "Text")
TASK = Task("patient", "Patient", "Waits.", (slot,), Slot("text", Modality.TEXT, "Text"), NoParams, (), (),
            lambda *a: Pipe(), predict, lambda *a, **k: "", stream=stream)
"""


def page(studio: Studio) -> None:
    def ask(request: gr.Request, folder: str) -> Iterator[str]:
        inputs: dict[str, Any] = {"inputs": folder}
        answers = (studio.predict(Caller("local"), "patient", inputs, {}, "artifact:whole") for _ in range(1))
        for found in attended(request, answers):
            yield str(found.output)

    folder = gr.Textbox()
    gr.Button().click(ask, folder, gr.Textbox(), api_name="ask", concurrency_limit=8)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    site = tmp_path_factory.mktemp("site")
    install_plugin(site, "patient", PLUGIN)
    settings = Settings.model_validate({"home": tmp_path_factory.mktemp("home"), "offline": True, "zygote": False})
    settings.artifacts_dir.mkdir(parents=True)
    tiny.classifier(settings)
    with plugged(site):
        for served in serve(settings, [Page("", "Overview", "Asks.", "", "home", page)]):
            served.studio.inference.warm()
            worker = served.studio.inference
            wait(lambda worker=worker: worker.status()["ready"], "the worker", 120)  # type: ignore[misc]
            yield served


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    (tmp_path / "release").touch()


def ask(served: Served, folder: Path, path: str = "/api/tasks/patient", **more: object) -> socket.socket:
    """Send a request and keep the line open."""
    body = json.dumps({"inputs": str(folder), "model": "artifact:whole", **more}).encode()
    host, _, port = served.url.removeprefix("http://").partition(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return line


def queue(served: Served) -> int:
    return int(served.studio.inference.status()["queue"])


def served_after(served: Served, folder: Path) -> None:
    """Ask, and get the answer: whoever was in the line before has been in the model by then."""
    (folder / "release").touch()
    line = ask(served, folder)
    assert b"200 OK" in line.recv(1000)
    line.close()


def test_whoever_hangs_up_leaves_the_line(
    served: Served, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    first = ask(served, folder)
    wait((folder / "started").exists, "the first request to be in the model")
    second = ask(served, other)
    wait(lambda: queue(served) == 1, "the second to wait")
    second.close()
    wait(lambda: queue(served) == 0, "the line to be empty", 5)
    (folder / "release").touch()
    assert b"200 OK" in first.recv(1000)
    first.close()
    served_after(served, tmp_path_factory.mktemp("third"))
    assert not (other / "started").exists()


def test_whoever_waits_gets_an_answer_though_others_leave(served: Served, folder: Path) -> None:
    lines = [ask(served, folder) for _ in range(4)]
    wait(lambda: queue(served) >= 1 or (folder / "started").exists(), "requests to come in")
    for line in lines[1:]:
        line.close()
    (folder / "release").touch()
    assert b"200 OK" in lines[0].recv(1000)
    lines[0].close()


def test_a_text_stops_when_its_reader_has_gone(served: Served, folder: Path) -> None:
    line = ask(served, folder, stream=True)
    heard = b""
    while b"word" not in heard:
        heard += line.recv(1000)
    line.close()
    wait((folder / "stopped").exists, "the model to stop", 10)
    wait(lambda: served.studio.inference.status()["running"] == 0, "the worker to be free", 5)


def test_a_stream_that_waits_leaves_the_line_too(
    served: Served, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    first = ask(served, folder)
    wait((folder / "started").exists, "the first request to be in the model")
    second = ask(served, other, stream=True)
    wait(lambda: queue(served) == 1, "the second to wait")
    second.close()
    wait(lambda: queue(served) == 0, "the line to be empty", 5)
    (folder / "release").touch()
    first.close()


def test_a_tool_that_nobody_waits_for_leaves_the_line(
    served: Served, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    first = ask(served, folder)
    wait((folder / "started").exists, "the first request to be in the model")
    call = {"name": "patient", "arguments": {"inputs": str(other), "model": "artifact:whole"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    host, _, port = served.url.removeprefix("http://").partition(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    head = f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    head += f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    line.sendall(head.encode() + body)
    wait(lambda: queue(served) == 1, "the tool to wait")
    line.close()
    wait(lambda: queue(served) == 0, "the line to be empty", 5)
    (folder / "release").touch()
    first.close()


def test_whoever_closes_the_page_leaves_the_line(
    served: Served, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As a browser does it: it joins Gradio's queue, and holds a heartbeat open as long as the page is."""
    other = tmp_path_factory.mktemp("other")
    first = ask(served, folder)
    wait((folder / "started").exists, "the first request to be in the model")
    api = f"{served.url}/gradio_api"
    with httpx.Client(timeout=30) as browser:
        known = browser.get(f"{served.url}/config").json()["dependencies"]
        number = next(one["id"] for one in known if one["api_name"] == "ask")
        with browser.stream("GET", f"{api}/heartbeat/visitor") as heartbeat:
            beats = heartbeat.iter_raw()
            assert b"ALIVE" in next(beats)
            body = {"data": [str(other)], "fn_index": number, "session_hash": "visitor"}
            assert browser.post(f"{api}/queue/join", json=body).status_code == 200
            wait(lambda: queue(served) == 1, "the page's request to wait")
    wait(lambda: queue(served) == 0, "the line to be empty", 20)
    (folder / "release").touch()
    served_after(served, tmp_path_factory.mktemp("third"))
    first.close()
    assert not (other / "started").exists()
