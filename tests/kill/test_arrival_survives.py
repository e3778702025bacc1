"""The data of a training come from the Hub in its job: after real SIGKILLs that goes on; a cancel stops it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import RunningStudio, wait_until
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.kill.test_training_survives import call, finished, runner, state
from tests.unit.data.test_beginnings import add, table

pytestmark = pytest.mark.timeout(300)

CDN = "^/cdn/"
PIECE = 8 << 20
FILE = table(420_000)
PARAMS = {"dataset": "alice/big", "max_train_samples": 60, "epochs": 1, "max_length": 32, "early_stopping": False}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        add(hub, "alice/big", {"train.csv": FILE})
        yield hub


@pytest.fixture
def running(tmp_path: Path, hub: HubServer) -> Iterator[RunningStudio]:
    home = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": hub.token}
    studio = RunningStudio(tmp_path / "home", home | {"STUDIO_ZYGOTE": "false"})
    studio.start()
    yield studio
    studio.stop()


def begin(studio: RunningStudio, hub: HubServer) -> str:
    """A training for which one piece of its data has come, and the next does not."""
    job = call(studio, "/api/jobs", {"recipe": "text-classification", "params": PARAMS})
    assert hub.served(CDN) == PIECE, "the beginning is all that a start reads"
    hub.faults.add(Fault("GET", CDN, "slow", seconds=0))
    hub.faults.add(Fault("GET", CDN, "silent", times=FOREVER))
    wait_until(lambda: "Downloading: 8.4 of" in progress(studio, str(job["id"])), 120, "the first piece")
    return str(job["id"])


def progress(studio: RunningStudio, job: str) -> str:
    found: dict[str, Any] = call(studio, f"/api/jobs/{job}")
    return str(found["progress"]["message"])


def test_killed_runner_and_web_process(running: RunningStudio, hub: HubServer) -> None:
    job = begin(running, hub)
    running.kill()
    os.kill(runner(running, job), signal.SIGKILL)
    hub.faults.clear()
    running.start()
    assert finished(running, job)["attempt"] == 2
    assert hub.served(CDN) == PIECE + len(FILE), "nothing came a second time"
    artifact = call(running, f"/api/artifacts/{job}")
    assert artifact["labels"] == ["a", "b"]


def test_a_cancel_stops_within_a_moment(running: RunningStudio, hub: HubServer) -> None:
    job = begin(running, hub)
    call(running, f"/api/jobs/{job}/cancel", {})
    wait_until(lambda: state(running, job) == "cancelled", 6, "the job to stop")
    hub.faults.clear()
    assert hub.served(CDN) == 2 * PIECE
