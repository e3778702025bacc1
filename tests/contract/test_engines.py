"""What every engine promises, over the whole table. An engine that needs a service elsewhere is skipped without it."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.engines import ENGINES
from studio.jobs.engine import Capabilities, Engine, EngineStatus, attempt_key
from tests.kill import harness
from tests.waiting import wait

pytestmark = pytest.mark.usefixtures("toys")
TOKEN = "hf_" + "s3cr3t" * 5


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(harness.TOYS))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return harness.settings(tmp_path / "home")


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest, settings: Settings, toys: None) -> Iterator[Engine]:
    made = ENGINES[request.param](settings)
    assert made.name == request.param
    yield made
    made.close()


def end(engine: Engine, handle: str) -> EngineStatus:
    """Wait until the attempt has ended."""
    wait(lambda: engine.status(handle).phase in ("exited", "lost"), "the attempt has ended")
    return engine.status(handle)


def test_says_what_it_can(engine: Engine) -> None:
    assert isinstance(engine.capabilities, Capabilities)


def test_runs_a_job_to_its_end(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("steps", steps=3))
    status = end(engine, engine.submit(spec, spec.key))
    assert (status.phase, status.outcome, status.exit_code, status.error) == ("exited", "succeeded", 0, "")
    assert (status.progress.done, status.progress.total) == (3, 3)
    assert status.peak_memory_bytes > 5 << 20


def test_one_key_is_one_process_whoever_asks_and_how_often(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("steps", steps=1))
    with ThreadPoolExecutor(8) as pool:
        handles = set(pool.map(lambda _: engine.submit(spec, spec.key), range(24)))
    (handle,) = handles
    end(engine, handle)
    assert engine.submit(spec, spec.key) == handle
    assert len(harness.lines(spec.workdir / "ran")) == 1


def test_finds_what_it_started_and_nothing_else(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job())
    assert engine.find(spec.key) is None
    handle = engine.submit(spec, spec.key)
    assert engine.find(spec.key) == handle
    assert engine.find(attempt_key(spec.job, 2)) is None
    assert engine.find("../../etc.1") is None
    end(engine, handle)


def test_another_instance_sees_the_same(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("steps", hold_at=0))
    handle = engine.submit(spec, spec.key)
    engine.close()
    other = ENGINES[engine.name](settings)
    assert other.find(spec.key) == handle
    wait(lambda: other.status(handle).phase == "running", "it runs on")
    (spec.workdir / "go").touch()
    assert end(other, handle).outcome == "succeeded"
    other.close()


def test_a_log_is_read_on_from_an_offset(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job())
    handle = engine.submit(spec, spec.key)
    end(engine, handle)
    whole, last = engine.logs(handle, 0)
    assert b"nothing to do" in whole
    assert last == len(whole)
    parts, offset = b"", 0
    while True:
        part, offset = engine.logs(handle, offset, limit=7)
        if not part:
            break
        parts += part
    assert parts == whole
    assert engine.logs(handle, last) == (b"", last)


def test_a_mistake_of_the_user_is_told_and_not_repeated(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("refuse"))
    status = end(engine, engine.submit(spec, spec.key))
    assert (status.outcome, status.exit_code, status.retryable) == ("failed", 1, False)
    assert status.error == "data.text_column: 'txt' is not usable. Choose one of: text, label."


def test_a_cancel_is_seen_by_the_recipe(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("steps", hold_at=1))
    handle = engine.submit(spec, spec.key)
    wait(lambda: harness.lines(spec.workdir / "steps") == ["0"], "a step is done")
    engine.cancel(handle, 60)
    status = end(engine, handle)
    assert (status.outcome, status.exit_code) == ("cancelled", 2)


def test_a_cancel_before_the_start_holds(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("steps", hold_at=0))
    handle = engine.submit(spec, spec.key)
    engine.cancel(handle, 60)
    engine.cancel(handle, 60)
    assert end(engine, handle).outcome == "cancelled"


def test_a_handle_that_is_gone_raises_nothing(engine: Engine, settings: Settings) -> None:
    gone = str(settings.jobs_dir / "no-such-job" / "attempts" / "1")
    assert engine.status(gone).phase == "lost"
    assert engine.logs(gone, 0) == (b"", 0)
    engine.cancel(gone, 1)


def test_secrets_reach_the_runner_and_no_file(engine: Engine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("secret"), HF_TOKEN=TOKEN)
    assert end(engine, engine.submit(spec, spec.key)).outcome == "succeeded"
    assert harness.lines(spec.workdir / "secret") == [hashlib.sha256(TOKEN.encode()).hexdigest()]
    assert harness.lines(spec.workdir / "leaks") == ["[] False"]
    written = [path for path in settings.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert written == []
    assert TOKEN not in repr(spec)
