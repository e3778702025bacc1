"""Whatever is killed, every step of a job happens once and nothing is left behind. Real processes, real SIGKILL."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.engines.local import LocalEngine
from studio.jobs import files
from studio.jobs.job import Job, JobState
from studio.jobs.store import JobStore
from tests.kill import harness
from tests.waiting import wait

ROOT = Path(__file__).parents[2]
EACH_ONCE = ["0", "1", "2", "3", "4"]


class Supervisor:
    """A scheduler in a process of its own."""

    def __init__(self, home: Path, *, zygote: bool) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        (home / "supervising").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.supervisor", home, str(int(zygote))], cwd=ROOT
        )
        wait((home / "supervising").exists, "the supervisor is up")

    @property
    def zygote_pid(self) -> int:
        return int((self.home / "zygote.pid").read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=[False, True], ids=["spawned", "forked"])
def zygote(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def supervisors(settings: Settings, zygote: bool) -> Iterator[list[Supervisor]]:
    running = [Supervisor(settings.home, zygote=zygote)]
    yield running
    for supervisor in running:
        supervisor.kill()


def held(store: JobStore, settings: Settings) -> tuple[Job, Path]:
    """A job that waits before its step 2 until `release`."""
    job = store.add(harness.job("steps", steps=5, hold_at=2))
    folder = settings.jobs_dir / job.id
    checkpoint = folder / "checkpoints" / "state.json"
    wait(lambda: (files.read_json(checkpoint) or {}).get("step") == 1, "two steps are done and saved")
    return job, folder


def finished(store: JobStore, job: Job) -> Job:
    def ended() -> Job | None:
        now = store.get(job.id)
        return now if now is not None and now.state.finished else None

    found: Job = wait(ended, "the job has ended")
    return found


def pid_of(folder: Path, name: str, attempt: int = 1) -> int:
    value = wait(lambda: files.read_json(folder / "attempts" / str(attempt) / name), name)
    return int(value["pid"])


def test_supervisor_killed_job_is_adopted(settings: Settings, supervisors: list[Supervisor], zygote: bool) -> None:
    store = JobStore(settings.database)
    job, folder = held(store, settings)
    supervisors[0].kill()
    runner = pid_of(folder, files.RUNNER)
    assert harness.living(runner)
    supervisors.append(Supervisor(settings.home, zygote=zygote))
    (folder / "go").touch()
    done = finished(store, job)
    assert (done.state, done.attempt, done.error) == (JobState.SUCCEEDED, 1, "")
    assert harness.lines(folder / "steps") == EACH_ONCE
    assert store.leases() == []


def test_runner_killed_job_goes_on_from_its_checkpoint(
    settings: Settings, supervisors: list[Supervisor], zygote: bool
) -> None:
    store = JobStore(settings.database)
    job, folder = held(store, settings)
    os.kill(pid_of(folder, files.RUNNER), signal.SIGKILL)
    (folder / "go").touch()
    done = finished(store, job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    assert harness.lines(folder / "steps") == EACH_ONCE
    first, second = store.attempts(job.id)
    assert first.exit_code == -signal.SIGKILL
    assert "SIGKILL" in first.error
    assert second.exit_code == 0


def test_shim_killed_runner_dies_with_it_and_job_goes_on(
    settings: Settings, supervisors: list[Supervisor], zygote: bool
) -> None:
    store = JobStore(settings.database)
    job, folder = held(store, settings)
    runner = pid_of(folder, files.RUNNER)
    os.kill(pid_of(folder, files.SHIM), signal.SIGKILL)
    (folder / "go").touch()
    done = finished(store, job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    assert not harness.living(runner)
    assert harness.lines(folder / "steps") == EACH_ONCE
    kinds = [event.data["state"] for event in store.events(job=job.id) if event.kind == "state"]
    assert kinds[kinds.index("lost") + 1] == "retry_wait"


def test_shim_killed_leaves_no_grandchild(settings: Settings, supervisors: list[Supervisor], zygote: bool) -> None:
    store = JobStore(settings.database)
    job = store.add(harness.job("family", attempts=1))
    folder = settings.jobs_dir / job.id
    family = wait(lambda: harness.lines(folder / "family"), "the family is there")[0].split()
    os.kill(pid_of(folder, files.SHIM), signal.SIGKILL)
    done = finished(store, job)
    assert done.state is JobState.FAILED
    assert "ended from outside" in done.error
    assert [pid for pid in map(int, family) if harness.living(pid)] == []


def test_everything_killed_job_finishes_after_the_restart(
    settings: Settings, supervisors: list[Supervisor], zygote: bool
) -> None:
    store = JobStore(settings.database)
    job, folder = held(store, settings)
    supervisors[0].kill()
    os.kill(pid_of(folder, files.SHIM), signal.SIGKILL)
    wait(lambda: not harness.living(pid_of(folder, files.RUNNER)), "the runner is gone")
    (folder / "go").touch()
    supervisors.append(Supervisor(settings.home, zygote=zygote))
    done = finished(store, job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    assert harness.lines(folder / "steps") == EACH_ONCE


def test_job_that_ended_while_nobody_watched_is_settled(
    settings: Settings, supervisors: list[Supervisor], zygote: bool
) -> None:
    store = JobStore(settings.database)
    job, folder = held(store, settings)
    supervisors[0].kill()
    (folder / "go").touch()
    wait((folder / "attempts" / "1" / files.RESULT).exists, "the shim has written its result")
    supervisors.append(Supervisor(settings.home, zygote=zygote))
    done = finished(store, job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 1)
    assert done.progress.done == 5


def test_another_boot_means_lost(settings: Settings, supervisors: list[Supervisor], zygote: bool) -> None:
    """As after a crash of the machine: the numbers in the files may belong to anybody now."""
    store = JobStore(settings.database)
    job, folder = held(store, settings)
    supervisors[0].kill()
    os.kill(pid_of(folder, files.SHIM), signal.SIGKILL)
    shim = folder / "attempts" / "1" / files.SHIM
    files.write_json(shim, {"pid": os.getpid(), "start": 1, "boot_id": "another"})
    (folder / "go").touch()
    supervisors.append(Supervisor(settings.home, zygote=zygote))
    assert finished(store, job).attempt == 2
    assert harness.lines(folder / "steps") == EACH_ONCE


def test_runner_that_always_dies_is_given_up(settings: Settings, supervisors: list[Supervisor], zygote: bool) -> None:
    store = JobStore(settings.database)
    job = store.add(harness.job("steps", hold_at=0, attempts=2))
    folder = settings.jobs_dir / job.id
    for attempt in (1, 2):
        os.kill(pid_of(folder, files.RUNNER, attempt), signal.SIGKILL)
    done = finished(store, job)
    assert (done.state, done.attempt) == (JobState.FAILED, 2)
    assert done.error.endswith("That was attempt 2, the last.")


def test_zygote_killed_next_job_still_runs(settings: Settings) -> None:
    engine = LocalEngine(settings.model_copy(update={"zygote": True}), preload=())
    engine.warm_up()
    wait(lambda: engine.warm, "the zygote is warm")
    first = engine.zygote_pid
    os.kill(first, signal.SIGKILL)
    job = harness.job()
    handle = engine.submit(harness.spec(settings, job), f"{job.id}.1")
    wait(lambda: engine.status(handle).phase == "exited", "the job has ended")
    assert engine.status(handle).outcome == "succeeded"
    wait(lambda: engine.warm, "another zygote is warm")
    assert engine.zygote_pid != first
    engine.close()


def test_zygote_dies_with_its_web_process_and_its_jobs_do_not(settings: Settings) -> None:
    supervisor = Supervisor(settings.home, zygote=True)
    store = JobStore(settings.database)
    _, folder = held(store, settings)
    zygote = supervisor.zygote_pid
    assert harness.living(zygote)
    supervisor.kill()
    wait(lambda: not harness.living(zygote), "the zygote is gone")
    assert harness.living(pid_of(folder, files.RUNNER))
    (folder / "go").touch()
    wait((folder / "attempts" / "1" / files.RESULT).exists, "the job has ended by itself")
    assert harness.lines(folder / "steps") == EACH_ONCE


def test_two_schedulers_run_each_of_fifty_jobs_once(settings: Settings) -> None:
    store = JobStore(settings.database)
    jobs = [store.add(harness.job()) for _ in range(50)]
    both = [Supervisor(settings.home, zygote=True) for _ in range(2)]
    try:
        wait(lambda: len(store.list(states=[JobState.SUCCEEDED])) == 50, "all have ended", 120)
    finally:
        for supervisor in both:
            supervisor.kill()
    for job in jobs:
        assert len(harness.lines(settings.jobs_dir / job.id / "ran")) == 1
        assert len(store.attempts(job.id)) == 1
    assert store.leases() == []


def test_runner_dies_with_its_shim_though_nobody_watches(any_engine: LocalEngine, settings: Settings) -> None:
    spec = harness.spec(settings, harness.job("steps", hold_at=0))
    any_engine.submit(spec, spec.key)
    runner = pid_of(spec.workdir, files.RUNNER)
    os.kill(pid_of(spec.workdir, files.SHIM), signal.SIGKILL)
    wait(lambda: not harness.living(runner), "the runner is gone", 10)
