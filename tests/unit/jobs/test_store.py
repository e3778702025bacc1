"""The store's promises: one job per key, every change a compare-and-set, events that can be followed."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from studio.core.errors import Conflict, NotFound
from studio.jobs.job import Attempt, Job, JobState, Lease, Progress, new_job_id
from studio.jobs.store import HALF_LIFE, Ending, JobStore, decayed
from tests.kill import harness


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "studio.db")


def lease(job: Job, **changes: object) -> Lease:
    now = time.time()
    return replace(Lease(job.id, job.attempt + 1, "cpu", 1, 1, "holder", now, now + 30), **changes)  # type: ignore[arg-type]


def running(store: JobStore, job: Job) -> Job:
    """Take a queued job to `running`."""
    assert store.claim(job, lease(job), store.leases())
    for state in (JobState.STARTING, JobState.RUNNING):
        assert store.advance(now(store, job), state)
    return now(store, job)


def now(store: JobStore, job: Job) -> Job:
    found = store.get(job.id)
    assert found is not None
    return found


def test_job_ids_sort_by_time_and_differ() -> None:
    ids = [new_job_id("ft") for _ in range(500)]
    assert len(set(ids)) == 500
    assert all(one[:10] <= other[:10] for one, other in pairwise(ids))


def test_what_is_added_comes_back(store: JobStore) -> None:
    job = harness.job("steps", memory=5, steps=3)
    assert store.add(job) == job
    assert store.get(job.id) == job
    assert store.get("job-none") is None


def test_one_key_is_one_job_from_many_threads(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: store.add(replace(harness.job(), key="pressed twice")), range(40)))
    assert len({job.id for job in jobs}) == 1
    assert len(store.list()) == 1
    assert store.add(replace(harness.job(owner="another"), key="pressed twice")).id != jobs[0].id


def test_list_filters_and_escapes(store: JobStore) -> None:
    mine = [
        store.add(replace(harness.job(owner="hf:a"), title=title, created_at=at))
        for at, title in enumerate(["50%", "x", "50_"], 1)
    ]
    other = store.add(harness.job(owner="hf:b"))
    assert [job.id for job in store.list("hf:a")] == [job.id for job in reversed(mine)]
    assert {job.id for job in store.list()} == {other.id, *(job.id for job in mine)}
    assert [job.title for job in store.list("hf:a", search="%")] == ["50%"]
    assert [job.title for job in store.list("hf:a", search="50_")] == ["50_"]
    assert store.list(search="' OR 1=1 --") == []
    assert store.list(states=[JobState.RUNNING]) == []
    assert len(store.list(states=[JobState.QUEUED, JobState.RUNNING], limit=2)) == 2


def test_a_job_is_claimed_once(store: JobStore) -> None:
    job = store.add(harness.job())

    def claim(_: int) -> bool:
        return store.claim(job, lease(job), [])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(24))) == 1
    assert (now(store, job).state, now(store, job).attempt) == (JobState.ADMITTED, 1)


def test_a_claim_fails_when_others_were_granted_meanwhile(store: JobStore) -> None:
    first, second = store.add(harness.job()), store.add(harness.job())
    seen = store.leases()
    assert store.claim(first, lease(first), seen)
    assert not store.claim(second, lease(second), seen)
    assert store.claim(second, lease(second), store.leases())


def test_changes_need_the_state_and_attempt_that_were_seen(store: JobStore) -> None:
    queued = store.add(harness.job())
    job = running(store, queued)
    for stale in (queued, replace(job, state=JobState.STARTING), replace(job, attempt=2)):
        assert not store.advance(stale, JobState.SAVING)
        assert not store.fail_queued(stale, "no")
        assert not store.unclaim(stale, "no")
        assert not store.claim(stale, lease(stale), store.leases())
    assert not store.settle(replace(job, attempt=2), Ending(JobState.FAILED, lost=True))
    with pytest.raises(Conflict):
        store.settle(replace(job, attempt=2), Ending(JobState.FAILED))
    assert now(store, job) == job
    assert len(store.leases()) == 1


def test_a_success_is_recorded_in_one_step(store: JobStore) -> None:
    job = running(store, store.add(harness.job(owner="hf:a")))
    store.launched(job, Attempt(job.id, 1, "handle", 7, 8, "boot"))
    assert store.settle(job, Ending(JobState.SUCCEEDED, "", 0, 123, "result-1"))
    done = now(store, job)
    assert (done.state, done.artifact, done.measured_memory_bytes) == (JobState.SUCCEEDED, "result-1", 123)
    assert 0 < done.created_at <= done.started_at <= done.finished_at
    assert store.artifacts(job.id) == ["result-1"]
    assert store.leases() == []
    assert store.usage("hf:a") > 0
    (attempt,) = store.attempts(job.id)
    assert (attempt.handle, attempt.pid, attempt.exit_code, attempt.peak_memory_bytes) == ("handle", 7, 0, 123)


def test_a_lost_attempt_passes_through_lost(store: JobStore) -> None:
    job = running(store, store.add(harness.job()))
    assert store.settle(job, Ending(JobState.RETRY_WAIT, "gone", lost=True, retry_at=5))
    assert now(store, job).retry_at == 5
    states = [event.data["state"] for event in store.events(job=job.id) if event.kind == "state"]
    assert states == ["queued", "admitted", "starting", "running", "lost", "retry_wait"]
    assert store.requeue(now(store, job))
    assert now(store, job).attempt == 1


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked(store: JobStore) -> None:
    waiting, active = store.add(harness.job()), running(store, store.add(harness.job()))
    assert store.request_cancel(waiting.id).state is JobState.CANCELLED
    asked = store.request_cancel(active.id)
    assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
    before = store.last_event_id()
    assert store.request_cancel(active.id) == asked
    assert store.request_cancel(waiting.id).state is JobState.CANCELLED
    assert store.last_event_id() == before
    with pytest.raises(NotFound):
        store.request_cancel("job-none")


def test_a_cancelled_job_cannot_be_claimed_by_who_saw_it_queued(store: JobStore) -> None:
    job = store.add(harness.job())
    store.request_cancel(job.id)
    assert not store.claim(job, lease(job), [])


def test_retry_gives_a_fresh_budget_and_counts_on(store: JobStore) -> None:
    job = running(store, store.add(harness.job(attempts=2)))
    with pytest.raises(Conflict):
        store.retry(job.id)
    store.settle(job, Ending(JobState.FAILED, "broken"))
    again = store.retry(job.id)
    assert (again.state, again.attempt, again.max_attempts, again.error) == (JobState.QUEUED, 1, 3, "")
    store.settle(running(store, again), Ending(JobState.FAILED, "broken"))
    assert store.retry(job.id).max_attempts == 4


def test_only_a_finished_job_is_deleted(store: JobStore) -> None:
    job = running(store, store.add(harness.job()))
    with pytest.raises(Conflict):
        store.delete(job.id)
    store.settle(job, Ending(JobState.SUCCEEDED, artifact="result"))
    last = store.last_event_id()
    store.delete(job.id)
    assert store.get(job.id) is None
    assert store.artifacts(job.id) == []
    assert store.attempts(job.id) == []
    assert [event.kind for event in store.events(last)] == ["deleted"]


def test_events_can_be_followed_and_progress_is_not_piled_up(store: JobStore) -> None:
    job = running(store, store.add(harness.job(owner="hf:a")))
    store.add(harness.job(owner="hf:b"))
    for done in range(1, 50):
        store.update_progress(now(store, job), Progress(done, 50, f"step {done}"))
    events = store.events(job=job.id)
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert [event.data["done"] for event in events if event.kind == "progress"] == [49]
    assert {event.owner for event in store.events(owner="hf:b")} == {"hf:b"}
    assert store.events(store.last_event_id()) == []
    assert len(store.events(limit=2)) == 2
    assert now(store, job).progress == Progress(49, 50, "step 49")


def test_progress_of_a_finished_job_is_not_touched(store: JobStore) -> None:
    job = running(store, store.add(harness.job()))
    store.settle(job, Ending(JobState.SUCCEEDED))
    store.update_progress(job, Progress(1, 2))
    assert now(store, job).progress == Progress()


def test_usage_halves_with_time(store: JobStore) -> None:
    assert decayed(100, 0, 0) == 100
    assert decayed(100, 0, HALF_LIFE) == 50
    assert decayed(100, 0, 3 * HALF_LIFE) == 12.5
    assert decayed(100, 10, 0) == 100
    assert store.usage("nobody") == 0


def test_end_is_announced_until_somebody_has_heard(store: JobStore) -> None:
    job = running(store, store.add(harness.job()))
    assert store.unannounced() == []
    store.settle(job, Ending(JobState.SUCCEEDED))
    assert [found.id for found in store.unannounced()] == [job.id]
    store.announced(now(store, job))
    assert store.unannounced() == []


def test_writers_in_many_threads_do_not_fail(store: JobStore) -> None:
    def write(number: int) -> None:
        job = store.add(harness.job(owner=f"hf:{number % 3}"))
        store.request_cancel(job.id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    assert len(store.list(states=[JobState.CANCELLED])) == 64
