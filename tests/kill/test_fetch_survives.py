"""A download under real SIGKILLs, of its runner and of the web process: it goes on where it was, and is kept once."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import RunningStudio, wait_until
from tests.kill.test_training_survives import call, finished, runner, state
from tests.openweb import FILE, ROWS, Site, held, serving

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def running(tmp_path: Path, site: Site) -> Iterator[RunningStudio]:
    studio = RunningStudio(tmp_path / "home", {"STUDIO_ZYGOTE": "false", "STUDIO_OFFLINE": "true", **site.environment})
    studio.start()
    yield studio
    studio.stop()


def begin(studio: RunningStudio, site: Site, gate: threading.Event) -> str:
    """A download of which half has come."""
    site.answers.append(held(gate))
    job = str(call(studio, "/api/datasets/add", {"source": "http://open.example/rows.csv", "name": "rows"})["id"])
    parts = studio.home / "datasets" / "downloads"
    wait_until(lambda: sum(file.stat().st_size for file in parts.glob("*/part")) >= len(FILE) // 2, 60, "half of it")
    return job


def went_on_behind_half(site: Site) -> None:
    first, second = site.asked
    assert "range" not in first
    assert len(FILE) // 2 <= int(second["range"].removeprefix("bytes=").rstrip("-")) < len(FILE)


def test_killed_runner_and_web_process(running: RunningStudio, site: Site) -> None:
    gate = threading.Event()
    job = begin(running, site, gate)
    running.kill()
    os.kill(runner(running, job), signal.SIGKILL)
    gate.set()
    running.start()
    found = finished(running, job)
    assert found["attempt"] == 2
    went_on_behind_half(site)
    ref = found["dataset"]
    mine = [one for one in call(running, "/api/datasets") if one["source"] == "upload"]
    assert [(one["ref"], one["title"], one["splits"]) for one in mine] == [(ref, "rows.csv", {"train": ROWS})]
    last = call(running, f"/api/datasets/row?ref={ref}&number={ROWS - 1}")
    assert last["values"][0]["value"] == f"text {ROWS - 1}"
    assert not list((running.home / "datasets" / "downloads").iterdir())


def test_a_cancel_stops_within_a_moment_and_trying_again_goes_on(running: RunningStudio, site: Site) -> None:
    gate = threading.Event()
    job = begin(running, site, gate)
    again = call(running, "/api/datasets/add", {"source": "http://open.example/rows.csv", "name": "rows"})
    assert again["id"] == job, "the same is on its way already"
    call(running, f"/api/jobs/{job}/cancel", {})
    wait_until(lambda: state(running, job) == "cancelled", 6, "the job to stop")
    gate.set()
    call(running, f"/api/jobs/{job}/retry", {})
    assert finished(running, job)["dataset"].startswith("upload:")
    went_on_behind_half(site)
