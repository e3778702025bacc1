"""The runner's main in real processes: set-up, verdicts, and that it stays light."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.engines.local import PRELOAD, LocalEngine
from studio.jobs.engine import EngineStatus, JobSpec
from studio.jobs.job import Job
from tests.kill import harness
from tests.waiting import wait


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PYTHONPATH", str(harness.TOYS))
    monkeypatch.setenv("HF_TOKEN", "hf_the_operators_own")
    return harness.settings(tmp_path / "home")


@pytest.fixture
def engine(settings: Settings) -> Iterator[LocalEngine]:
    made = LocalEngine(settings)
    yield made
    made.close()


def run(engine: LocalEngine, job: Job, threads: int = 1) -> tuple[JobSpec, EngineStatus, str]:
    """Run one attempt; its spec, how it ended and its log."""
    spec = harness.spec(engine.settings, job)
    spec = JobSpec.from_json({**spec.to_json(), "threads": threads}, {})
    handle = engine.submit(spec, spec.key)
    wait(lambda: engine.status(handle).phase == "exited", "the attempt has ended")
    return spec, engine.status(handle), engine.logs(handle, 0)[0].decode()


def test_process_is_bound_to_its_lease_and_light(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    spec, status, _ = run(engine, harness.job("modules"), threads=3)
    assert status.outcome == "succeeded"
    assert harness.lines(spec.workdir / "modules") == [""]
    assert json.loads(harness.lines(spec.workdir / "environment")[0]) == {
        "OMP_NUM_THREADS": "3",
        "OMP_WAIT_POLICY": "PASSIVE",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "TRACKIO_DIR": str(engine.settings.tracking_dir),
        "CUDA_VISIBLE_DEVICES": "",
        "HF_TOKEN": None,
    }


def test_bug_is_named_and_its_traceback_stays_in_the_log(engine: LocalEngine) -> None:
    _, status, log = run(engine, harness.job("bug"))
    assert (status.outcome, status.retryable) == ("failed", False)
    assert status.error == "The recipe stopped on an error (RuntimeError: a bug). See the log."
    assert 'raise RuntimeError("a bug")' in log


def test_mistake_of_the_user_leaves_no_traceback(engine: LocalEngine) -> None:
    _, status, log = run(engine, harness.job("refuse"))
    assert "Choose one of: text, label." in status.error
    assert "Traceback" not in log


def test_unusable_params_are_named(engine: LocalEngine) -> None:
    _, status, _ = run(engine, harness.job("steps", steps="many"))
    assert (status.outcome, status.retryable) == ("failed", False)
    assert status.error.startswith("steps: ")


def test_unknown_recipe_lists_the_known_ones(engine: LocalEngine) -> None:
    job = harness.job()
    job = Job(**{**vars(job), "recipe": "no-such"})
    _, status, _ = run(engine, job)
    assert status.error.startswith("Unknown recipe 'no-such'. Known: ")


def test_lack_of_memory_is_worth_another_try(engine: LocalEngine) -> None:
    _, status, _ = run(engine, harness.job("out-of-memory"))
    assert (status.outcome, status.retryable) == ("failed", True)
    assert "not enough memory" in status.error


def test_exit_without_a_verdict_is_told(engine: LocalEngine) -> None:
    _, status, _ = run(engine, harness.job("exit"))
    assert (status.outcome, status.exit_code, status.retryable) == ("failed", 7, False)
    assert "exit code 7" in status.error


def test_peak_memory_is_measured(engine: LocalEngine) -> None:
    little = run(engine, harness.job("memory", megabytes=1))[1].peak_memory_bytes
    much = run(engine, harness.job("memory", megabytes=201))[1].peak_memory_bytes
    assert 190 << 20 < much - little < 230 << 20


def test_artifact_is_reported(engine: LocalEngine) -> None:
    spec, status, _ = run(engine, harness.job("artifact"))
    assert status.artifact == f"{spec.job}-out"
    assert (engine.settings.artifacts_dir / status.artifact / "manifest.json").is_file()


def test_training_stack_that_was_forked_computes(settings: Settings) -> None:
    """With the real preload list: had any module computed at import, the child would hang here for good."""
    engine = LocalEngine(settings.model_copy(update={"zygote": True}))
    engine.warm_up()
    wait(lambda: engine.warm, "the zygote is warm", 120)
    spec, status, _ = run(engine, harness.job("torch-step"), threads=2)
    assert status.outcome == "succeeded"
    assert harness.lines(spec.workdir / "threads") == ["2"]
    spec, _, _ = run(engine, harness.job("modules"))
    assert harness.lines(spec.workdir / "modules") == ["torch transformers"]
    engine.close()
    log = (settings.home / "zygote.log").read_text()
    assert "left out" not in log
    assert all(f"imported {name} " in log for name in PRELOAD)
