"""Mending under a real SIGKILL of its runner: it goes on after its last part, and no row is lost or comes twice."""

import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e.conftest import RunningStudio, wait_until
from tests.kill.test_training_survives import call, finished, log, runner, running
from tests.unit.inference.conftest import install_plugin

__all__ = ["running"]

RECIPE = """
- {step: filter, condition: length(text) > 60}
- {step: sample, rows: 400}
- {step: slow}
- {step: typos, column: text}
- {step: shuffle}
"""
SLOW = """
import time
from functools import partial
from pathlib import Path
from studio.data.steps.base import Params, Rows, Step

def slowly(table, numbers):
    if Path(__file__).with_name("hold").exists():
        time.sleep(0.06 * len(numbers))
    return table

work = Rows(lambda params, tools: partial(slowly), costly=True)
STEP = Step("slow", "Slow", "Takes its time.", Params, work, lambda params: "wait")
"""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A step that takes its time while `hold` lies beside it, as pip would leave its package."""
    site = tmp_path_factory.mktemp("site")
    install_plugin(site, "slow", SLOW, "step")
    return str(site)


def test_killed_runner_loses_no_row(running: RunningStudio, plugins: str, tmp_path: Path) -> None:
    source = tmp_path / "rows" / "train.parquet"
    source.parent.mkdir()
    pq.write_table(pq.read_table("assets/kit/debian-topics/train.parquet").slice(0, 1_000), source)
    asked = {"ref": str(source.parent), "recipe": RECIPE}
    expected = call(running, "/api/datasets/mend", asked)
    whole = finished(running, expected["id"])
    hold = Path(plugins) / "hold"
    hold.touch()
    job = str(call(running, "/api/datasets/mend", asked)["id"])
    folder = running.home / "jobs" / job
    wait_until(
        lambda: (folder / "passes" / "002-train" / "state.json").exists(), 240, "the first part of the slow pass"
    )
    hold.unlink()  # the runner sleeps already; the next one need not
    os.kill(runner(running, job), signal.SIGKILL)
    found = finished(running, job)
    assert found["attempt"] == 2
    assert "Goes on after what an earlier attempt has finished." in log(running, job)
    files = [running.home / "artifacts" / one["artifact"] / "train.parquet" for one in (whole, found)]
    tables = [pq.read_table(file) for file in files]
    assert tables[0].num_rows == 400
    assert tables[0].equals(tables[1])
    assert not (folder / "passes").exists()
