"""A batch prediction under a real SIGKILL of its runner: it goes on after its last part, and no row comes twice."""

import os
import re
import signal

import pyarrow.parquet as pq
import pytest

from tests.e2e.conftest import RunningStudio, wait_until
from tests.kill.test_training_survives import call, finished, log, runner, running
from tests.unit.inference.conftest import install_plugin

__all__ = ["running"]

ROWS = 260  # at 50 ms each: a part is closed every five seconds
PARAMS = {
    "task": "slow",
    "model": "kit:topic-classifier",
    "dataset": "kit:debian-topics",
    "limit": ROWS,
    "batch_size": 2,
}
SLOW = """
import time
from studio.core.types import Modality, Slot
from studio.tasks.base import NoParams, Task

class Pipe:
    bytes = 1

def predict(pipe, batch, params):
    time.sleep(0.05 * len(batch))
    return [[{"label": str(len(inputs["inputs"])), "score": 1.0}] for inputs in batch]

text, labels = Slot("inputs", Modality.TEXT, "Text"), Slot("labels", Modality.LABELS, "Labels")
TASK = Task("slow", "Slow", "", (text,), labels, NoParams, (), (), lambda *a: Pipe(), predict, lambda *a, **k: "")
"""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A task that takes its time whatever the machine, as pip would leave its package."""
    site = tmp_path_factory.mktemp("site")
    install_plugin(site, "slow", SLOW)
    return str(site)


def kept(studio: RunningStudio, job: str) -> int:
    """Rows in complete parts, as the log counts them."""
    return max(map(int, re.findall(r"^\S+ Row (\d+) of", log(studio, job), re.M)), default=0)


def test_killed_runner_repeats_no_row(running: RunningStudio) -> None:
    job = str(call(running, "/api/jobs", {"recipe": "predict", "params": PARAMS})["id"])
    wait_until(lambda: kept(running, job) > 0, 240, "the first part")
    before = kept(running, job)
    assert before < ROWS
    os.kill(runner(running, job), signal.SIGKILL)
    found = finished(running, job)
    assert found["attempt"] == 2
    again = re.search(r"Goes on at row (\d+) of", log(running, job))
    assert again is not None
    assert int(again[1]) > before
    result = running.home / "artifacts" / found["artifact"]
    table = pq.read_table(result / "result.parquet")
    given = pq.read_table("assets/kit/debian-topics/train.parquet", columns=["text"]).column("text").to_pylist()[:ROWS]
    assert table.column("text").to_pylist() == given
    assert table.column("label").to_pylist() == [str(len(text)) for text in given]
    assert table.column("error").null_count == ROWS
    ref = f"artifact:{found['artifact']}"
    assert ref in [one["ref"] for one in call(running, "/api/datasets")]
    assert call(running, f"/api/datasets/view?ref={ref}&limit=1")["total"] == ROWS
