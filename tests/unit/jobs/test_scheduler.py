"""The scheduler against a scripted engine: what it starts, in which order, and what becomes of each ending."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from studio.core.errors import StudioError
from studio.core.settings import Settings
from studio.jobs import processes
from studio.jobs.engine import Capabilities, EngineStatus, JobSpec
from studio.jobs.job import Device, Event, Job, JobState, Progress, Resources
from studio.jobs.scheduler import SIGN_IN, Scheduler
from studio.jobs.store import JobStore
from tests.kill import harness
from tests.waiting import wait

GB = 1 << 30


@dataclass
class ScriptedEngine:
    """Starts nothing; says what a test has told it to say."""

    name: str = "local"
    capabilities: Capabilities = field(default_factory=Capabilities)
    says: dict[str, EngineStatus] = field(default_factory=dict)
    specs: dict[str, JobSpec] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    refuses: str = ""

    def submit(self, spec: JobSpec, key: str) -> str:
        if self.refuses:
            raise StudioError(self.refuses)
        assert key not in self.specs
        self.specs[key] = spec
        self.says[key] = EngineStatus("starting")
        return key

    def status(self, handle: str) -> EngineStatus:
        return self.says[handle]

    def logs(self, handle: str, offset: int, limit: int = 65536) -> tuple[bytes, int]:
        return b"", offset

    def cancel(self, handle: str, grace: float) -> None:
        self.cancelled.append(handle)

    def find(self, key: str) -> str | None:
        return key if key in self.specs else None

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return harness.settings(tmp_path)


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def make(settings: Settings, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scheduler]:
    """A scheduler on a machine with 2 cores and 8 GB; further keywords go to it."""
    monkeypatch.setattr("studio.jobs.leases.cores", lambda: 2)

    def scheduler(**more: object) -> Scheduler:
        devices = [Device("cpu", "cpu", 0, 8 * GB)]
        made = Scheduler(JobStore(settings.database), {"local": engine}, devices, settings, **more)  # type: ignore[arg-type]
        made.timing = replace(harness.QUICK, retry_pause=0)
        return made

    return scheduler


@pytest.fixture
def scheduler(make: Callable[..., Scheduler]) -> Scheduler:
    return make()


def heavy(**more: object) -> Job:
    return replace(harness.job(memory=1000), **more)  # type: ignore[arg-type]


def state(scheduler: Scheduler, job: Job) -> JobState:
    return look(scheduler, job).state


def look(scheduler: Scheduler, job: Job) -> Job:
    found = scheduler.store.get(job.id)
    assert found is not None
    return found


def end(outcome: str = "succeeded", **more: object) -> EngineStatus:
    return replace(EngineStatus("exited"), outcome=outcome, exit_code=0, **more)  # type: ignore[arg-type]


def states(events: list[Event]) -> list[str]:
    return [event.data["state"] for event in events if event.kind == "state"]


def test_a_job_goes_through_its_states(scheduler: Scheduler, engine: ScriptedEngine) -> None:
    job = scheduler.store.add(heavy())
    scheduler.tick()
    key = f"{job.id}.1"
    for status in (
        EngineStatus("running", progress=Progress(1, 2), pid=7, pid_started=8, boot_id="b"),
        EngineStatus("running", progress=Progress(1, 2), pid=7, pid_started=8, boot_id="b"),
        EngineStatus("saving", progress=Progress(2, 2)),
        end(artifact="result", peak_memory_bytes=77, progress=Progress(2, 2)),
    ):
        assert not scheduler.idle
        engine.says[key] = status
        scheduler.tick()
    assert states(scheduler.store.events(job=job.id)) == [
        *("queued", "admitted", "starting", "running", "saving", "succeeded")
    ]
    done = look(scheduler, job)
    assert (done.artifact, done.measured_memory_bytes, done.progress) == ("result", 77, Progress(2, 2))
    assert scheduler.store.leases() == []
    assert scheduler.idle


def test_the_spec_carries_the_lease(scheduler: Scheduler, engine: ScriptedEngine, settings: Settings) -> None:
    job = scheduler.store.add(heavy())
    scheduler.tick()
    spec = engine.specs[f"{job.id}.1"]
    assert (spec.job, spec.attempt, spec.threads, spec.device.id) == (job.id, 1, 2, "cpu")
    assert spec.workdir == settings.jobs_dir / job.id
    assert JobSpec.from_json(spec.to_json(), {}) == spec


def test_two_cores_run_one_heavy_job_and_light_ones_beside_it(scheduler: Scheduler) -> None:
    first, second = (scheduler.store.add(heavy(created_at=time.time() + n)) for n in range(2))
    light = scheduler.store.add(replace(harness.job(), created_at=time.time() + 5))
    scheduler.tick()
    assert [state(scheduler, job) for job in (first, second, light)] == [
        JobState.STARTING,
        JobState.QUEUED,
        JobState.STARTING,
    ]
    assert look(scheduler, second).waiting_for == "Waits for the processor: another job uses it."


def test_owners_take_turns(scheduler: Scheduler, engine: ScriptedEngine) -> None:
    """A has pressed five times before B pressed once: B's job is the second to run."""
    now = time.time()
    for n in range(5):
        scheduler.store.add(heavy(owner="a", created_at=now + n))
    other = scheduler.store.add(heavy(owner="b", created_at=now + 50))
    scheduler.tick()
    (first,) = engine.specs
    engine.says[first] = end()
    scheduler.tick()
    assert list(engine.specs)[1] == f"{other.id}.1"


def test_what_cannot_fit_fails_at_once_and_blocks_nobody(scheduler: Scheduler) -> None:
    big = scheduler.store.add(replace(heavy(), resources=Resources(99 * GB)))
    small = scheduler.store.add(heavy())
    scheduler.tick()
    assert state(scheduler, big) is JobState.FAILED
    assert "99.0 GB" in look(scheduler, big).error
    assert state(scheduler, small) is JobState.STARTING


def test_a_job_that_has_waited_too_long_is_passed_no_more(scheduler: Scheduler) -> None:
    running = scheduler.store.add(heavy())
    scheduler.tick()
    waiting = scheduler.store.add(heavy(created_at=time.time() - scheduler.timing.patience - 1))
    light = scheduler.store.add(harness.job())
    scheduler.tick()
    assert [state(scheduler, job) for job in (running, waiting, light)] == [
        JobState.STARTING,
        JobState.QUEUED,
        JobState.QUEUED,
    ]


def test_a_job_waits_for_its_owner_to_sign_in(make: Callable[..., Scheduler], engine: ScriptedEngine) -> None:
    tokens: dict[str, dict[str, str]] = {}
    scheduler = make(secrets=lambda job: tokens.get(job.owner))
    job = scheduler.store.add(heavy(owner="hf:a"))
    scheduler.tick()
    scheduler.tick()
    assert look(scheduler, job).waiting_for == SIGN_IN
    assert states(scheduler.store.events(job=job.id)) == ["queued", "queued"]
    tokens["hf:a"] = {"HF_TOKEN": "hf_secret"}
    scheduler.tick()
    assert look(scheduler, job).waiting_for == ""
    assert engine.specs[f"{job.id}.1"].secrets == {"HF_TOKEN": "hf_secret"}
    assert b"hf_secret" not in scheduler.store.path.read_bytes()


@pytest.mark.parametrize(
    ("status", "asked", "wanted"),
    [
        (end("failed", error="no such column", retryable=False), False, JobState.FAILED),
        (end("failed", error="killed"), False, JobState.RETRY_WAIT),
        (end("failed", error="killed"), True, JobState.CANCELLED),
        (end("cancelled"), True, JobState.CANCELLED),
        (end("succeeded"), True, JobState.SUCCEEDED),
        (EngineStatus("lost", error="gone"), False, JobState.RETRY_WAIT),
        (EngineStatus("lost", error="gone"), True, JobState.CANCELLED),
    ],
)
def test_endings(
    scheduler: Scheduler, engine: ScriptedEngine, status: EngineStatus, asked: bool, wanted: JobState
) -> None:
    job = scheduler.store.add(heavy())
    scheduler.tick()
    if asked:
        scheduler.store.request_cancel(job.id)
    engine.says[f"{job.id}.1"] = status
    scheduler._watch(look(scheduler, job))
    found = look(scheduler, job)
    assert (found.state, found.error) == (
        wanted,
        "" if wanted in (JobState.CANCELLED, JobState.SUCCEEDED) else status.error,
    )
    assert scheduler.store.leases() == []


def test_a_loss_is_tried_again_until_the_attempts_are_used_up(scheduler: Scheduler, engine: ScriptedEngine) -> None:
    job = scheduler.store.add(heavy(max_attempts=3))
    scheduler.tick()
    for attempt in (1, 2, 3):
        assert look(scheduler, job).attempt == attempt
        engine.says[f"{job.id}.{attempt}"] = EngineStatus("lost", error="gone.")
        scheduler.tick()
    assert look(scheduler, job).error == "gone. That was attempt 3, the last."
    assert [spec.attempt for spec in engine.specs.values()] == [1, 2, 3]


def test_a_running_job_is_cancelled_through_its_engine(scheduler: Scheduler, engine: ScriptedEngine) -> None:
    job = scheduler.store.add(heavy())
    scheduler.tick()
    scheduler.store.request_cancel(job.id)
    scheduler.tick()
    assert engine.cancelled == [f"{job.id}.1"]


def test_an_engine_that_refuses_fails_the_job(scheduler: Scheduler, engine: ScriptedEngine) -> None:
    engine.refuses = "The job cannot be started: No space left on device."
    job = scheduler.store.add(heavy())
    scheduler.tick()
    assert (look(scheduler, job).state, look(scheduler, job).error) == (JobState.FAILED, engine.refuses)
    assert scheduler.store.leases() == []


def test_a_job_admitted_by_a_scheduler_that_died_is_taken_over(
    make: Callable[..., Scheduler], engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, alive = make(), make()
    dead.holder = f"{processes.boot_id()}:{os.getpid()}:1:dead"
    monkeypatch.setattr(dead, "_launch", lambda *arguments: None)  # killed between the claim and the launch
    job = dead.store.add(heavy())
    dead.tick()
    assert state(alive, job) is JobState.ADMITTED
    alive.tick()
    assert state(alive, job) is JobState.STARTING
    assert list(engine.specs) == [f"{job.id}.1"]


def test_a_job_that_a_living_scheduler_launches_is_left_to_it(
    make: Callable[..., Scheduler], engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = make(), make()
    monkeypatch.setattr(slow, "_launch", lambda *arguments: None)
    job = slow.store.add(heavy())
    slow.tick()
    other.tick()
    assert state(other, job) is JobState.ADMITTED
    assert engine.specs == {}


def test_a_taken_over_job_without_its_token_goes_back_to_the_queue(
    make: Callable[..., Scheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, alive = make(), make(secrets=lambda job: None)
    dead.holder = "another-boot:1:1:dead"
    monkeypatch.setattr(dead, "_launch", lambda *arguments: None)
    job = dead.store.add(heavy())
    dead.tick()
    alive.tick()
    found = look(alive, job)
    assert (found.state, found.attempt, found.waiting_for) == (JobState.QUEUED, 0, SIGN_IN)
    assert alive.store.leases() == []


def test_the_end_is_told_at_least_once_even_after_a_restart(
    make: Callable[..., Scheduler], engine: ScriptedEngine
) -> None:
    told: list[Job] = []
    deaf = make()
    job = deaf.store.add(heavy())
    deaf.tick()
    engine.says[f"{job.id}.1"] = end()
    deaf.tick()
    hearing = make(on_finished=told.append)
    hearing.tick()
    hearing.tick()
    assert [(one.id, one.state) for one in told] == [(job.id, JobState.SUCCEEDED)]


def test_measured_memory_corrects_the_next_prediction(scheduler: Scheduler, engine: ScriptedEngine) -> None:
    first = scheduler.store.add(replace(heavy(), resources=Resources(4 * GB)))
    scheduler.tick()
    engine.says[f"{first.id}.1"] = end(peak_memory_bytes=2 * GB)
    scheduler.tick()
    scheduler.store.add(replace(heavy(), resources=Resources(2 * GB)))
    scheduler.tick()
    assert [lease.memory_bytes for lease in scheduler.store.leases()] == [GB]


def test_leases_are_renewed_while_somebody_watches(scheduler: Scheduler) -> None:
    scheduler.store.add(heavy())
    scheduler.tick()
    (lease,) = scheduler.store.leases()
    scheduler.store.renew(lease, 1)
    scheduler.tick()
    assert scheduler.store.leases()[0].expires_at > time.time()


def test_the_loop_wakes_at_once_and_survives_a_bad_pass(
    make: Callable[..., Scheduler],
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scheduler = make()
    scheduler.timing = replace(scheduler.timing, poll_idle=60)  # only the socket can wake it in time
    failed: list[bool] = []
    tick = scheduler.tick

    def fail_once() -> None:
        if not failed:
            failed.append(True)
            raise RuntimeError("a bug")
        tick()

    monkeypatch.setattr(scheduler, "tick", fail_once)
    scheduler.start()
    wait(lambda: failed, "the first pass")
    job = scheduler.store.add(heavy())
    wait(lambda: engine.specs, "the job was started", 10)
    assert state(scheduler, job) is JobState.STARTING
    second = make()
    second.start()  # the socket is taken: this one polls
    second.stop()
    scheduler.store.add(harness.job())
    wait(lambda: len(engine.specs) == 2, "the socket is still the first one's", 10)
    scheduler.stop()
    assert "a pass of the scheduler failed" in caplog.text


def test_a_socket_that_a_killed_scheduler_left_is_taken_over(make: Callable[..., Scheduler]) -> None:
    left = make()
    listener = left._listen()
    assert listener is not None
    listener.close()
    scheduler = make()
    scheduler.start()
    assert scheduler._socket is not None
    scheduler.stop()
