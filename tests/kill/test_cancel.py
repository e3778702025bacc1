"""A cancel leaves no process, however much the job resists."""

from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.engines.local import LocalEngine
from studio.jobs import files
from studio.jobs.job import JobState
from tests.kill import harness
from tests.waiting import wait


def test_whole_family_is_ended(any_engine: LocalEngine, settings: Settings) -> None:
    """A setsid grandchild, one that ignores SIGTERM, a forked one, and a runner that ignores SIGTERM itself."""
    spec = harness.spec(settings, harness.job("family"))
    handle = any_engine.submit(spec, spec.key)
    family = wait(lambda: harness.lines(spec.workdir / "family"), "the family is there")[0].split()
    assert all(harness.living(int(pid)) for pid in family)
    any_engine.cancel(handle, 0.1)
    wait(lambda: any_engine.status(handle).phase == "exited", "the attempt has ended", 20)
    assert [pid for pid in map(int, family) if harness.living(pid)] == []
    status = any_engine.status(handle)
    assert (status.outcome, status.exit_code) == ("cancelled", -9)


def test_leftovers_of_a_finished_runner_are_ended(any_engine: LocalEngine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("leave-children"))
    handle = any_engine.submit(spec, spec.key)
    wait(lambda: any_engine.status(handle).phase == "exited", "the attempt has ended", 20)
    assert any_engine.status(handle).outcome == "succeeded"
    children = [int(line) for line in harness.lines(spec.workdir / "children")]
    assert len(children) == 2
    assert [pid for pid in children if harness.living(pid)] == []


def test_lease_is_kept_until_the_tree_is_gone(any_engine: LocalEngine, settings: Settings) -> None:
    scheduler = harness.scheduler(settings, any_engine)
    store = scheduler.store
    job = store.add(harness.job("family"))
    scheduler.tick()
    family = wait(lambda: harness.lines(settings.jobs_dir / job.id / "family"), "the family is there")[0].split()
    store.request_cancel(job.id)
    while store.leases():
        scheduler.tick()
    assert [pid for pid in map(int, family) if harness.living(pid)] == []
    done = store.get(job.id)
    assert done is not None
    assert done.state is JobState.CANCELLED


def test_cancelled_before_the_shim_came_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is there first: the runner is not even started."""
    engine = LocalEngine(settings)
    spec = harness.spec(settings, harness.job())
    monkeypatch.setattr(engine, "_spawn", lambda folder, spec: (folder / files.CANCEL).write_text("{}"))
    handle = engine.submit(spec, spec.key)
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(harness.TOYS))
    engine._spawn(Path(handle), spec)
    wait(lambda: engine.status(handle).phase == "exited", "the attempt has ended")
    assert engine.status(handle).outcome == "cancelled"
    assert harness.lines(spec.workdir / "ran") == []


def test_attempt_that_nobody_takes_up_is_lost_for_good(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a shim that comes up too late after all does not run it."""
    engine = LocalEngine(settings)
    spec = harness.spec(settings, harness.job())
    spawn = engine._spawn
    monkeypatch.setattr(engine, "_spawn", lambda folder, spec: None)
    handle = engine.submit(spec, spec.key)
    assert engine.status(handle).phase == "starting"
    monkeypatch.setattr("studio.engines.local.START_SECONDS", -1.0)
    assert engine.status(handle).phase == "lost"
    spawn(Path(handle), spec)
    wait(lambda: engine.status(handle).phase == "lost" and not engine._shims, "the late shim has gone")
    assert harness.lines(spec.workdir / "ran") == []
