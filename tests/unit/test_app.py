"""The whole web app: built cheaply, built twice, served by real HTTP."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from pydantic import BaseModel, Field

from studio import app
from studio.core.errors import InvalidInput, NotFound
from studio.jobs.job import JobState
from studio.service import Studio
from studio.ui import blocks
from studio.ui.events import guarded
from studio.ui.forms import Form
from studio.ui.page import Page
from tests.unit.web.double import StudioDouble


class Params(BaseModel):
    epochs: int = Field(3, ge=1, json_schema_extra={"widget": "number"})


def _form(studio: Studio) -> None:
    form = Form(Params)
    out = gr.Textbox(label="Out")

    @guarded
    def start(**values: Any) -> str:
        params = form.read(values)
        if params.epochs == 7:
            raise NotFound("There is no <b>seven</b>.")
        if params.epochs == 8:
            raise ZeroDivisionError("secret detail")
        return f"{params.epochs} epochs"

    def extra(params: Params) -> list[InvalidInput]:
        return [InvalidInput("epochs", params.epochs, "Nine is too many.")] if params.epochs == 9 else []

    button = gr.Button("Start")
    button.click(start, inputs_kwargs=dict(form.fields), outputs=out, validator=form.checker(extra), api_name="start")


def _plain(studio: Studio) -> None:
    gr.HTML("<p>hello</p>")
    gr.Textbox(label="Name")


PAGES = [
    Page("", "Overview", "Where it starts.", "", "home", _plain),
    Page("train", "Fine-tune", "With a form.", "Build", "tune", _form),
    Page("jobs", "Jobs & <more>", "A list.", "Measure", "list", _plain),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StudioDouble, httpx.Client]]:
    studio = StudioDouble(tmp_path_factory.mktemp("home"), port=0)
    studio.put("ft-1", state=JobState.SUCCEEDED)
    studio.logs["ft-1"] = b"one\ntwo\n"
    server = app.launch(studio, block=False, pages=PAGES)
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield studio, client
    server.close()


def _comparable(config: Any) -> Any:
    """A configuration without what differs between any two builds: ids of the app and of gr.HTML's elements."""
    found = json.loads(json.dumps(config, default=str))
    found.pop("app_id", None)
    return found


def test_the_deferred_build_gives_what_plain_blocks_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = StudioDouble(tmp_path)
    gr.context.Context.id = 0
    deferred = app.create_app(studio, PAGES)
    monkeypatch.setattr(blocks.PagedBlocks, "fits", staticmethod(lambda: False))
    gr.context.Context.id = 0
    plain = app.create_app(studio, PAGES)
    assert isinstance(deferred, blocks.PagedBlocks)
    assert not isinstance(plain, blocks.PagedBlocks)
    assert deferred.config["page"].keys() == {"", "train", "jobs"}
    assert _comparable(deferred.get_config_file()) == _comparable(plain.get_config_file())


def test_two_apps_live_in_one_process(tmp_path: Path) -> None:
    first, second = (app.create_app(StudioDouble(tmp_path / name), PAGES) for name in "ab")
    assert len(first.blocks) == len(second.blocks)
    assert len(first.fns) == len(second.fns)


def test_building_the_app_loads_no_torch() -> None:
    code = (
        "import sys, studio.app; print([name for name in ('torch', 'transformers', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", ["/", "/train", "/jobs"])
def test_pages_have_their_shell(served: tuple[StudioDouble, httpx.Client], path: str) -> None:
    answer = served[1].get(path)
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.index("studio.css") < answer.text.index("gradio_config")
    assert "aria-current" in answer.text
    assert "<more>" not in answer.text.split("window.gradio_config")[0]


def test_assets_are_served_with_a_version_and_the_rest_is_not(served: tuple[StudioDouble, httpx.Client]) -> None:
    client = served[1]
    styles = client.get("/studio-static/studio.css?v=1")
    assert "immutable" in styles.headers["cache-control"]
    assert client.get("/studio-static/fonts/inter-latin-wght-normal.woff2").status_code == 200
    for path in ("kit/manifest.json", "../pyproject.toml", "%2e%2e/pyproject.toml", "examples/", "fonts/../../app.py"):
        assert client.get(f"/studio-static/{path}").status_code == 404


def test_own_routes_stand_in_front_of_gradios(served: tuple[StudioDouble, httpx.Client]) -> None:
    client = served[1]
    assert client.get("/healthz").json()["ok"] is True
    assert "studio_jobs" in client.get("/metrics").text
    assert client.get("/?page=jobs&id=1").headers["location"] == "/jobs?id=1"
    assert client.get("/monitoring/summary").status_code in (403, 404)
    assert client.post("/gradio_api/queue/join", json={}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_the_stream_comes_unbuffered_over_http(served: tuple[StudioDouble, httpx.Client]) -> None:
    with served[1].stream("GET", "/api/events?job=ft-1", headers={"Last-Event-ID": "1.4"}) as answer:
        body = "".join(answer.iter_text())
    assert "content-encoding" not in answer.headers
    assert '"two\\n"' in body
    assert "one\\n" not in body
    assert body.rstrip().splitlines()[-2] == "event: end"


def test_the_data_folder_is_never_served_as_a_file(served: tuple[StudioDouble, httpx.Client]) -> None:
    studio, client = served
    secret = studio.settings.home / "secret.txt"
    secret.write_text("private")
    assert client.get(f"/gradio_api/file={secret}").status_code in (403, 404)


def _call(client: httpx.Client, epochs: Any) -> tuple[int, str]:
    """Press the button as the browser does: the answer to joining the queue, then what the queue sends."""
    config = client.get("/config").json()
    number = next(fn["id"] for fn in config["dependencies"] if fn["api_name"] == "start")
    session = f"test{epochs}"
    body = {"fn_index": number, "data": [epochs], "session_hash": session}
    joined = client.post("/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.status_code, joined.text
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as answer:
        for line in answer.iter_lines():
            if "process_completed" in line:
                return 200, line
    raise AssertionError("the queue ended without an answer")


def test_a_right_value_runs_and_a_wrong_one_is_answered_at_its_field(served: tuple[StudioDouble, httpx.Client]) -> None:
    assert "4 epochs" in _call(served[1], 4)[1]
    for value, text in ((0, "greater than or equal to 1"), (9, "Nine is too many."), (None, "required")):
        status, answer = _call(served[1], value)
        assert status == 422
        assert text in answer
        assert "Epochs" in answer


def test_errors_reach_the_visitor_without_a_traceback(
    served: tuple[StudioDouble, httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    assert "There is no &lt;b&gt;seven&lt;/b&gt;." in _call(served[1], 7)[1]
    answer = _call(served[1], 8)[1]
    assert "Something went wrong (id " in answer
    assert "secret detail" not in answer
    assert any("ZeroDivisionError" in str(record.exc_info) for record in caplog.records)
