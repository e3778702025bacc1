"""The scheduler: grants leases to queued jobs, launches them on their engines, watches them, settles how they end.

It keeps nothing in memory that matters: two of them may work on one database, and one that is killed is followed by
one that adopts what still runs. What fits and who is next is decided in `leases`.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait

from studio.core.errors import StudioError
from studio.core.settings import Settings
from studio.jobs import leases, processes
from studio.jobs.engine import Engine, EngineStatus, JobSpec, attempt_key
from studio.jobs.job import ACTIVE, FINISHED, Attempt, Device, Job, JobState, Lease
from studio.jobs.leases import Grant, Machine, Refusal
from studio.jobs.store import SOCKET, Ending, JobStore

log = logging.getLogger(__name__)
EVERYTHING = 1_000_000
SIGN_IN = "Waits until you are signed in to the Hub."
_PHASES = {"running": JobState.RUNNING, "saving": JobState.SAVING}


@dataclass(frozen=True)
class Timing:
    """Seconds."""

    poll_idle: float = 0.25
    poll_active: float = 0.05
    progress: float = 0.5  # between two progress events of a job
    cancel_grace: float = 20.0  # for the recipe to save what is worth saving
    retry_pause: float = 2.0  # after the first loss; doubles with every attempt
    retry_pause_most: float = 60.0
    lease: float = 30.0
    patience: float = 300.0  # after which a job that does not fit lets nobody pass any more


class Scheduler:
    """One loop over the store.

    Args:
        secrets: what a job's runner gets; None holds the job back until its owner is signed in.
        on_finished: told of every job's end, at least once (again after a crash in between): must be idempotent.
    """

    timing = Timing()

    def __init__(
        self,
        store: JobStore,
        engines: Mapping[str, Engine],
        devices: Sequence[Device],
        settings: Settings,
        secrets: Callable[[Job], Mapping[str, str] | None] = lambda _: {},
        on_finished: Callable[[Job], None] | None = None,
    ) -> None:
        self.store, self.engines, self.devices, self.settings = store, engines, devices, settings
        self.secrets, self.on_finished = secrets, on_finished
        me = os.getpid()
        self.holder = f"{processes.boot_id()}:{me}:{processes.started(me)}:{uuid.uuid4().hex[:8]}"
        self._progress_at: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Run the loop in a thread; what an earlier process has left running is adopted by its first pass."""
        self.store.set_devices(self.devices)
        self._socket = self._listen()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop; running jobs go on."""
        self._stop.set()
        self.store.wake()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.store.path.with_name(SOCKET).unlink(missing_ok=True)

    @property
    def idle(self) -> bool:
        """Whether every job has ended."""
        return not self.store.list(states=set(JobState) - FINISHED, limit=1)

    def tick(self) -> None:
        """One pass: watch what runs, queue again what may be, start what fits, tell of what has ended."""
        for job in self.store.list(states=ACTIVE, limit=EVERYTHING):
            self._watch(job)
        now = time.time()
        for job in self.store.list(states=(JobState.RETRY_WAIT,), limit=EVERYTHING):
            if job.retry_at <= now:
                self.store.requeue(job)
        while self._admit():
            pass
        self._announce()

    # -- starting jobs

    def _admit(self) -> bool:
        """Start the first job in order that fits; whether one was started."""
        queue = self.store.list(states=(JobState.QUEUED,), limit=EVERYTHING)
        if not queue:
            return False
        now, granted = time.time(), self.store.leases()
        owners = {job.id: job.owner for job in self.store.list(states=ACTIVE, limit=EVERYTHING)}
        used = leases.running_usage(granted, owners, now)
        usage = {owner: self.store.usage(owner, now) + used.get(owner, 0.0) for owner in {job.owner for job in queue}}
        machine = leases.observe(self.devices)
        for job in leases.order(queue, usage, now):
            if job.engine not in self.engines:
                self.store.set_waiting(job, f"Waits for the engine {job.engine!r}, which is not available here.")
                continue
            secrets = self.secrets(job)
            if secrets is None:
                self.store.set_waiting(job, SIGN_IN)
                continue
            answer = self._place(job, machine, granted)
            if isinstance(answer, Grant):
                return self._start(job, answer, granted, secrets)
            if answer.forever:
                self.store.fail_queued(job, answer.reason)
                continue
            self.store.set_waiting(job, answer.reason)
            if job.resources.memory_bytes and now - job.created_at > self.timing.patience:
                return False  # smaller jobs have passed it for long enough
        return False

    def _place(self, job: Job, machine: Machine, granted: Sequence[Lease]) -> Grant | Refusal:
        history = self.store.measured(job.recipe, limit=10)
        need = leases.calibrate(job.resources.memory_bytes, history)
        return leases.place(job, need, machine, granted)

    def _start(self, job: Job, grant: Grant, granted: Sequence[Lease], secrets: Mapping[str, str]) -> bool:
        now = time.time()
        lease = Lease(
            job.id,
            job.attempt + 1,
            grant.device.id,
            grant.memory_bytes,
            grant.threads,
            self.holder,
            now,
            now + self.timing.lease,
        )
        if not self.store.claim(job, lease, granted):
            return False  # another scheduler was faster; the next pass sees what it did
        self._launch(replace(job, state=JobState.ADMITTED, attempt=lease.attempt), lease, secrets)
        return True

    def _launch(self, job: Job, lease: Lease, secrets: Mapping[str, str]) -> None:
        if job.state is JobState.ADMITTED:
            if not self.store.advance(job, JobState.STARTING):
                return
            job = replace(job, state=JobState.STARTING)
        device = next((device for device in self.devices if device.id == lease.device), None)
        if device is None:
            self.store.settle(job, Ending(JobState.FAILED, f"The device {lease.device} is not there any more."))
            return
        spec = JobSpec(
            job=job.id,
            attempt=job.attempt,
            recipe=job.recipe,
            params=job.params,
            owner=job.owner,
            workdir=self.settings.jobs_dir / job.id,
            artifacts_dir=self.settings.artifacts_dir,
            tracking_dir=self.settings.tracking_dir,
            home=self.settings.home,
            device=device,
            threads=max(1, lease.threads),
            predicted_memory_bytes=job.resources.memory_bytes,
            secrets=secrets,
        )
        try:
            handle = self.engines[job.engine].submit(spec, spec.key)
        except StudioError as error:
            self.store.settle(job, Ending(JobState.FAILED, str(error)))
            return
        self.store.launched(job, Attempt(job.id, job.attempt, handle))

    # -- watching them

    def _watch(self, job: Job) -> None:
        engine = self.engines.get(job.engine)
        if engine is None:
            return
        lease = next((lease for lease in self.store.leases() if lease.job == job.id), None)
        handle = engine.find(attempt_key(job.id, job.attempt))
        if handle is None:
            if lease is not None:
                self._take_over(job, lease)
            else:
                self._lost(job, EngineStatus("lost", error="The job's lease is gone."))
            return
        status = engine.status(handle)
        if status.phase == "exited":
            self._exited(job, status)
        elif status.phase == "lost":
            self._lost(job, status)
        else:
            if job.cancel_requested:
                engine.cancel(handle, self.timing.cancel_grace)
            self._alive(job, handle, status, lease)

    def _take_over(self, job: Job, lease: Lease) -> None:
        """Admitted but not launched: its scheduler is about to, unless that has died. The key makes twice harmless."""
        boot, pid, start, _ = lease.holder.split(":")
        gone = not processes.alive(int(pid), int(start), boot) or lease.expires_at < time.time()
        if not gone and lease.holder != self.holder:
            return
        secrets = self.secrets(job)
        if secrets is None:
            self.store.unclaim(job, SIGN_IN)
        else:
            self._launch(job, lease, secrets)

    def _alive(self, job: Job, handle: str, status: EngineStatus, lease: Lease | None) -> None:
        now = time.time()
        if lease is not None and lease.expires_at < now + self.timing.lease / 2:
            self.store.renew(lease, now + self.timing.lease)
        if job.state is JobState.ADMITTED:
            self.store.advance(job, JobState.STARTING)
            return
        state = _PHASES.get(status.phase)
        if state is not None and state is not job.state and job.state is not JobState.SAVING:
            self.store.launched(
                job, Attempt(job.id, job.attempt, handle, status.pid, status.pid_started, status.boot_id)
            )
            self.store.advance(job, state)
        elif now - self._progress_at.get(job.id, 0) >= self.timing.progress:
            self._progress_at[job.id] = now
            self.store.update_progress(job, status.progress)

    def _exited(self, job: Job, status: EngineStatus) -> None:
        ending = Ending(JobState.FAILED, status.error, status.exit_code, status.peak_memory_bytes, status.artifact)
        if status.outcome == "succeeded":
            ending = replace(ending, state=JobState.SUCCEEDED, error="")
        elif status.outcome == "cancelled" or job.cancel_requested:
            ending = replace(ending, state=JobState.CANCELLED, error="")
        elif status.retryable:
            ending = self._again(job, ending)
        self._settle(job, status, ending)

    def _lost(self, job: Job, status: EngineStatus) -> None:
        """The processes are gone and left no result."""
        ending = Ending(JobState.CANCELLED, lost=True)
        if not job.cancel_requested:
            ending = self._again(job, replace(ending, state=JobState.FAILED, error=status.error))
        self._settle(job, status, ending)

    def _again(self, job: Job, ending: Ending) -> Ending:
        """Another attempt after a pause, if the job has one left."""
        if job.attempt >= job.max_attempts:
            return replace(
                ending, state=JobState.FAILED, error=f"{ending.error} That was attempt {job.attempt}, the last."
            )
        pause = min(self.timing.retry_pause * 2 ** (job.attempt - 1), self.timing.retry_pause_most)
        return replace(ending, state=JobState.RETRY_WAIT, retry_at=time.time() + pause)

    def _settle(self, job: Job, status: EngineStatus, ending: Ending) -> None:
        self.store.update_progress(job, status.progress)
        if self.store.settle(job, ending):
            self._progress_at.pop(job.id, None)
            log.info("job %s: %s %s", job.id, ending.state.value, ending.error)

    def _announce(self) -> None:
        if self.on_finished is None:
            return
        for job in self.store.unannounced():
            try:
                self.on_finished(job)
            except StudioError:
                log.exception("what follows job %s could not be done", job.id)
            finally:  # a bug in it must not be met again with every pass
                self.store.announced(job)

    # -- the loop

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.tick()
                busy = bool(self.store.list(states=ACTIVE, limit=1))
            except Exception:  # the loop's border: one bad pass must not end the scheduler
                log.exception("a pass of the scheduler failed")
                busy = False
            self._sleep(self.timing.poll_active if busy else self.timing.poll_idle)

    def _sleep(self, seconds: float) -> None:
        if self._socket is None:
            self._stop.wait(seconds)
            return
        if wait([self._socket], seconds):  # not select(), which knows no descriptor beyond 1023
            try:
                while self._socket.recv(64):
                    pass
            except BlockingIOError:
                pass

    def _listen(self) -> socket.socket | None:
        """The socket that `JobStore.wake` pokes; None when another scheduler has it, or its path is too long."""
        path = self.store.path.with_name(SOCKET)
        for _ in range(2):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            listener.setblocking(False)
            try:
                listener.bind(str(path))
            except OSError:
                listener.close()
            else:
                return listener
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    path.unlink(missing_ok=True)  # left by a scheduler that was killed
                    continue
                except OSError:
                    pass
            return None
        return None
