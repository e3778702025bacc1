"""A data check under a real SIGKILL of its runner: it goes on at the next check, and no finished one is done again."""

import os
import signal

import pytest

from tests.e2e.conftest import RunningStudio, wait_until
from tests.kill.test_training_survives import call, finished, log, runner, running
from tests.unit.inference.conftest import install_plugin

__all__ = ["running"]

SLOW = """
import time
from studio.data.checks.base import Check, CheckParams, Finding

def run(dataset, params, progress, stop):
    for step in range(100):
        stop()
        progress(step, 100, f"step {step}")
        time.sleep(0.1)
    return Finding("slow", "Slow", "ok", "It took its time.")

CHECK = Check("slow", "Slow", "Takes its time.", "anything", CheckParams, run, "Made up.")
"""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A check that takes ten seconds whatever the machine, as pip would leave its package."""
    site = tmp_path_factory.mktemp("site")
    install_plugin(site, "slow", SLOW, "check")
    return str(site)


def test_killed_runner_goes_on_at_the_next_check(running: RunningStudio) -> None:
    wanted = ["duplicates", "slow", "empty"]
    body = {"ref": "kit:debian-topics", "checks": wanted}
    job = str(call(running, "/api/datasets/check", body)["id"])
    wait_until(
        lambda: str(call(running, f"/api/jobs/{job}")["progress"]["message"]).startswith("step"), 120, "the slow check"
    )
    os.kill(runner(running, job), signal.SIGKILL)
    found = finished(running, job)
    assert found["attempt"] == 2
    lines = log(running, job)
    assert lines.count("Exact duplicates: ok") == 1
    assert lines.count("Exact duplicates: done before") == 1
    assert lines.count("Slow: ok") == 1
    report = call(running, f"/api/reports/{found['artifact']}")
    assert [finding["check"] for finding in report["findings"]] == wanted
