"""A real training under real SIGKILLs: of the web process, of the runner, of both; and cancelled for good."""

import json
import os
import re
import signal
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from studio.tracking import reader
from tests.e2e.conftest import RunningStudio, wait_until

CHECKPOINT_STEPS = 4
SETTINGS = {
    "dataset": "kit:debian-topics",
    "max_train_samples": 200,
    "epochs": 2,
    "eval_steps": CHECKPOINT_STEPS,
    "eval_fraction": 0.1,
    "early_stopping": False,
}
STEPS = 24  # 180 rows in batches of 16, twice

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def plugins() -> str:
    """Where a studio finds packages beside the installed ones."""
    return ""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, plugins: str) -> Iterator[RunningStudio]:
    home = tmp_path_factory.mktemp("survives") / "home"
    studio = RunningStudio(home, {"STUDIO_OFFLINE": "true", "PYTHONPATH": plugins})
    studio.start()
    yield studio
    studio.stop()


@pytest.fixture(autouse=True)
def _nothing_runs_on(running: RunningStudio) -> Iterator[None]:
    """Whatever a test left, the next one has a studio without jobs."""
    yield
    if running.process is None or running.process.poll() is not None:
        running.start()
    for job in call(running, "/api/jobs"):
        if job["state"] not in ("succeeded", "failed", "cancelled"):
            call(running, f"/api/jobs/{job['id']}/cancel", {})
            wait_until(lambda job=job: state(running, job["id"]) == "cancelled", 60, "the job to stop")  # type: ignore[misc]


def call(studio: RunningStudio, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(studio.url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def begin(studio: RunningStudio) -> str:
    return str(call(studio, "/api/jobs", {"recipe": "text-classification", "params": SETTINGS})["id"])


def state(studio: RunningStudio, job: str) -> str:
    return str(call(studio, f"/api/jobs/{job}")["state"])


def log(studio: RunningStudio, job: str) -> str:
    path = studio.home / "jobs" / job / "log"
    return path.read_text() if path.exists() else ""


def steps(text: str) -> Counter[int]:
    return Counter(int(number) for number in re.findall(r"^\S+ Step (\d+) of", text, re.M))


def reached(studio: RunningStudio, job: str, step: int) -> None:
    wait_until(lambda: max(steps(log(studio, job)), default=0) >= step, 240, f"step {step}")


def finished(studio: RunningStudio, job: str) -> dict[str, Any]:
    wait_until(lambda: state(studio, job) in ("succeeded", "failed", "cancelled"), 240, "the job to end")
    found: dict[str, Any] = call(studio, f"/api/jobs/{job}")
    assert found["state"] == "succeeded", found["error"]
    return found


def runner(studio: RunningStudio, job: str) -> int:
    """The pid of the runner of a job's newest attempt."""
    attempts = sorted((studio.home / "jobs" / job / "attempts").iterdir(), key=lambda path: int(path.name))
    return int(json.loads((attempts[-1] / "process.json").read_text())["pid"])


def once_each(studio: RunningStudio, job: str) -> None:
    """The curve has one value per step that was written, from the first to the last."""
    found = reader.series(studio.home / "trackio", "text-classification", job, "train/loss").steps
    assert list(found) == sorted(set(found))
    assert found[0] <= 2
    assert found[-1] >= STEPS - 1


def test_killed_web_process_is_restarted_and_takes_the_job_up(running: RunningStudio) -> None:
    job = begin(running)
    reached(running, job, 3)
    pid = runner(running, job)
    running.kill()
    before = max(steps(log(running, job)))
    wait_until(lambda: max(steps(log(running, job))) > before, 120, "the job to go on without the web process")
    running.start()
    assert runner(running, job) == pid, "adopted, not started again"
    found = finished(running, job)
    assert found["attempt"] == 1
    once_each(running, job)
    assert set(steps(log(running, job)).values()) == {1}, "no step twice"


def test_killed_runner_goes_on_from_its_checkpoint_by_itself(running: RunningStudio) -> None:
    job = begin(running)
    reached(running, job, CHECKPOINT_STEPS * 2 + 2)
    os.kill(runner(running, job), signal.SIGKILL)
    found = finished(running, job)
    assert found["attempt"] == 2
    counted = steps(log(running, job))
    assert max(counted.values()) <= 2
    assert sum(count - 1 for count in counted.values()) <= CHECKPOINT_STEPS, "at most one checkpoint's steps again"
    again = re.search(r"step (\d+) of 24", log(running, job).split("attempt 2")[1], re.I)
    assert again is not None
    assert int(again[1]) > CHECKPOINT_STEPS, "went on from a checkpoint, not from the beginning"
    once_each(running, job)


def test_both_killed_finishes_after_the_restart(running: RunningStudio) -> None:
    job = begin(running)
    reached(running, job, CHECKPOINT_STEPS + 2)
    pid = runner(running, job)
    running.kill()
    os.kill(pid, signal.SIGKILL)
    running.start()
    assert finished(running, job)["attempt"] == 2
    once_each(running, job)


def test_cancel_saves_and_leaves_no_process(running: RunningStudio) -> None:
    before = set((running.home / "artifacts").glob("*"))
    job = begin(running)
    reached(running, job, 2)
    tree = psutil.Process(runner(running, job))
    family = [tree, *tree.parents()[:1], *tree.children(recursive=True)]
    call(running, f"/api/jobs/{job}/cancel", {})
    wait_until(lambda: state(running, job) == "cancelled", 60, "the job to be cancelled")
    assert [process for process in family[:1] + family[2:] if process.is_running()] == []
    assert set((running.home / "artifacts").glob("*")) == before, "nothing half-written"
    call(running, f"/api/jobs/{job}/retry", {})
    assert finished(running, job)["artifact"]
