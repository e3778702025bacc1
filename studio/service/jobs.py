"""Jobs: submit, watch, cancel, retry, delete; and the engines and the scheduler that run them."""

import codecs
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from studio.core.errors import (
    Conflict,
    InvalidInput,
    InvalidInputs,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
    UnknownName,
)
from studio.core.params import parse
from studio.core.types import Caller
from studio.data import owned
from studio.engines import ENGINES
from studio.hub import auth, repos
from studio.jobs import leases
from studio.jobs.engine import Engine
from studio.jobs.job import FINISHED, Event, Job, JobState, new_job_id
from studio.jobs.scheduler import Scheduler
from studio.recipes import RECIPES
from studio.service.base import EVERYTHING, Base

SLACK, BESIDE = 1.1, 50_000  # of what is foreseen so much more is kept free, and so many bytes for what lies beside it
SOURCES = ("dataset", "source", "work")  # fields that name what a job reads


@dataclass(frozen=True)
class Wishes:
    """What may be said about a job beside its parameters.

    Attributes:
        key: idempotency key: the same key of the same owner never starts a second job.
        push: owner/name on the Hub to publish the result to when the job has succeeded.
        engine: where it runs.
    """

    key: str = ""
    push: str = ""
    engine: str = "local"


class Jobs(Base):
    """Everything that runs as a job."""

    _scheduler: Scheduler | None = None

    @cached_property
    def engines(self) -> dict[str, Engine]:
        """Every engine of the table, made once."""
        return {name: ENGINES[name](self.settings) for name in ENGINES}

    def start(self) -> None:
        """Start the Hub probe, the scheduler loop and its zygote in the background."""
        self.reachability.start()
        with self._lock:
            if self._scheduler is None:
                self._scheduler = Scheduler(
                    self.store, self.engines, leases.detect(), self.settings, self._secrets, self._job_finished
                )
                self._scheduler.start()
                for engine in self.engines.values():
                    engine.warm_up()

    def close(self) -> None:
        """Stop what `start` started; running jobs go on and are adopted by the next start."""
        with self._lock:
            if self._scheduler is not None:
                self._scheduler.stop()
                self._scheduler = None
                for engine in self.engines.values():
                    engine.close()
        self.inference.close()

    def validate(self, caller: Caller, recipe: str, values: Mapping[str, Any]) -> list[InvalidInput]:
        """Everything that is wrong with the values of a recipe's form; empty when it can start."""
        try:
            params = parse(RECIPES[recipe].params, values)
        except InvalidInputs as error:
            return list(error.problems)
        return RECIPES[recipe].validate(params, self._settings(caller), caller.owner)

    def submit(self, caller: Caller, recipe: str, values: Mapping[str, Any], wishes: Wishes = Wishes()) -> Job:
        """Check the values and store a job; the same key of the same owner gives the job that is there already.

        Raises `InvalidInputs`, `UnknownName`, `QuotaExceeded`, `SignInRequired`.
        """
        self._remember(caller)
        entry = RECIPES[recipe]
        if wishes.key and (known := self.store.find(caller.owner, wishes.key)):
            return known
        if entry.admin_only:
            self._check_admin(caller)
        params = parse(entry.params, values)
        if wishes.engine not in ENGINES:
            raise UnknownName("engine", wishes.engine, list(ENGINES))
        self._check_token(caller, entry.needs_token, wishes.push)
        if problems := entry.validate(params, self._settings(caller), caller.owner):
            raise InvalidInputs(problems)
        job = self._new_job(recipe, params, caller, wishes)
        leaves = self._leaves(job)
        with self._submitting:  # or many at once would all find room
            self._check_quota(job, job.key)
            self._take_room(job, leaves)
            added = self.store.add(job)
            if added.id != job.id:  # the same key, from another thread
                owned.release(self.settings, job.owner, owned.mark(job.id))
            return added

    def jobs(self, caller: Caller, states: Sequence[JobState] = (), search: str = "", limit: int = 100) -> list[Job]:
        """The caller's jobs, newest first; an admin sees everybody's."""
        self._remember(caller)
        return self.store.list(None if caller.admin else caller.owner, states, search, limit)

    def job(self, caller: Caller, job_id: str) -> Job:
        """One job; raises `NotFound` for what is not there or is somebody else's."""
        self._remember(caller)
        job = self.store.get(job_id)
        if job is None or not caller.may_see(job.owner):
            raise NotFound(f"There is no job {job_id!r}.")
        return job

    def log(self, caller: Caller, job_id: str, offset: int = 0, limit: int = 65536) -> tuple[str, int]:
        """Log text from a byte offset on, and the offset to go on from."""
        job = self.job(caller, job_id)
        handles = [attempt.handle for attempt in self.store.attempts(job.id) if attempt.handle]
        if not handles or job.engine not in self.engines:
            return "", max(0, offset)
        data, end = self.engines[job.engine].logs(handles[-1], max(0, offset), limit)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        text = decoder.decode(data)
        return text, end - len(decoder.getstate()[0])  # a character that is not all there yet comes with the next page

    def cancel(self, caller: Caller, job_id: str) -> Job:
        """Ask a job to stop; it saves what it has. Raises `Conflict` when it is over already."""
        job = self.job(caller, job_id)
        if job.state.finished:
            raise Conflict(f"Job {job.id} has already {job.state.value}; there is nothing to cancel.")
        job = self.store.request_cancel(job.id)
        if job.state.finished:
            owned.release(self.settings, job.owner, owned.mark(job.id))
        return job

    def retry(self, caller: Caller, job_id: str) -> Job:
        """Start a failed or cancelled job again, from its last checkpoint.

        Raises `Conflict` for any other, `InvalidInputs` when its owner has no room, and `QuotaExceeded`.
        """
        job = self.job(caller, job_id)
        if job.state not in FINISHED - {JobState.SUCCEEDED}:
            raise Conflict(f"Job {job.id} is {job.state.value}; only a failed or cancelled job can be tried again.")
        leaves = self._leaves(job)
        with self._submitting:
            self._check_quota(job)
            self._take_room(job, leaves)
            return self.store.retry(job.id)

    def delete(self, caller: Caller, job_id: str) -> None:
        """Delete a finished job with its log and checkpoints; its artifact stays. Raises `Conflict` while it runs."""
        job = self.job(caller, job_id)
        if not job.state.finished:
            raise Conflict(f"Job {job.id} is {job.state.value}; cancel it first.")
        self.store.delete(job.id)
        shutil.rmtree(self.settings.jobs_dir / job.id, ignore_errors=True)

    def events(self, caller: Caller, after: int = 0, job_id: str = "", limit: int = 500) -> list[Event]:
        """What has happened since event `after`, oldest first."""
        if job_id:
            self.job(caller, job_id)
        return self.store.events(after, job_id, None if caller.admin else caller.owner, limit)

    def wait(self, caller: Caller, job_id: str, seconds: float | None = None) -> Job:
        """Block until a job is over, or `seconds` have passed."""
        end = None if seconds is None else time.monotonic() + seconds
        while not (job := self.job(caller, job_id)).state.finished and (end is None or time.monotonic() < end):
            time.sleep(0.1)
        return job

    def _new_job(self, recipe: str, params: Any, caller: Caller, wishes: Wishes) -> Job:
        entry = RECIPES[recipe]
        return Job(
            id=new_job_id(entry.kind),
            recipe=recipe,
            title=entry.describe(params) or entry.title,
            params=params.model_dump(mode="json"),
            owner=caller.owner,
            key=wishes.key or secrets.token_hex(16),
            engine=wishes.engine,
            max_attempts=entry.max_attempts,
            resources=entry.resources(params, self._settings(caller), caller.owner),
            needs_token=entry.needs_token,
            push=wishes.push,
            created_at=time.time(),
        )

    def _check_quota(self, job: Job, key: str = "") -> None:
        """Raise `QuotaExceeded` when the owner has as many jobs as one may have, unless `key` is one of them."""
        if not self.settings.public or (key and self.store.find(job.owner, key)):
            return
        unfinished = [state for state in JobState if not state.finished]
        waiting = self.store.list(job.owner, unfinished, "", self.settings.max_queued)
        alike = [other for other in waiting if other.recipe == job.recipe]
        each = RECIPES[job.recipe].each if job.recipe in RECIPES else 0
        for found, most, kind in ((waiting, self.settings.max_queued, ""), (alike, each, " of this kind")):
            if most and len(found) >= most:
                counted = f"You have {len(found)} jobs{kind} waiting or running; at most {most} are allowed."
                raise QuotaExceeded(f"{counted} Wait, or cancel one.")

    def _leaves(self, job: Job) -> int:
        """Bytes to be kept free for what a job leaves as its owner's; 0 where nobody counts them."""
        if not owned.limited(self.settings) or job.recipe not in RECIPES or not RECIPES[job.recipe].stores:
            return 0
        entry = RECIPES[job.recipe]
        with suppress(StudioError, OSError, ValueError):
            found = entry.leaves(parse(entry.params, job.params), self._settings(Caller(job.owner)), job.owner)
            return round(SLACK * found) + BESIDE
        return BESIDE

    def _take_room(self, job: Job, leaves: int) -> None:
        """Keep room for what a job leaves, as much as there is.

        Raises `InvalidInputs`, at what the job reads, when its owner has none left beside what other jobs are to write.
        """
        if not owned.limited(self.settings) or job.recipe not in RECIPES or not RECIPES[job.recipe].stores:
            return
        unfinished = [state for state in JobState if not state.finished]
        others = {owned.mark(other.id) for other in self.store.list(job.owner, unfinished, "", EVERYTHING)}
        owned.release_others(self.settings, job.owner, others)
        field = next((name for name in (*SOURCES, *job.params) if name in job.params), "recipe")
        try:
            owned.check(self.settings, job.owner, field, job.params.get(field, job.recipe))
        except InvalidInput as error:
            raise InvalidInputs([error]) from None
        owned.reserve(self.settings, job.owner, owned.mark(job.id), min(leaves, owned.free(self.settings, job.owner)))

    def _check_token(self, caller: Caller, needed: bool, push: str) -> None:
        """Raise when a job could never act on the Hub in the caller's name, now or after it has succeeded."""
        if push:
            repos.parse_repo_id(push, "push")
        # on one's own machine the sign-in may follow; a visitor's own things never become an account's
        visitor = bool(push) and self.settings.public
        if (needed or visitor) and auth.token_for(caller, self.settings) is None:
            raise SignInRequired(
                "Sign in to the Hub first: on a Space with the button in the sidebar, on your own machine with "
                "`hf auth login` or the variable HF_TOKEN."
            )

    def _secrets(self, job: Job) -> Mapping[str, str] | None:
        """What a job's runner gets through the pipe; None holds the job back until its owner is signed in."""
        reads = job.recipe in RECIPES and RECIPES[job.recipe].reads_hub
        if not (job.needs_token or reads):
            return {}
        token = self._tokens.get(job.owner) or auth.token_for(Caller(job.owner), self.settings)
        if token is None:
            return None if job.needs_token else {}
        return {"HF_TOKEN": token.get_secret_value()}

    def _job_finished(self, job: Job) -> None:
        """Free the room that was kept for it, and queue the push that was wished for when the job was started."""
        owned.release(self.settings, job.owner, owned.mark(job.id))
        if job.state is JobState.SUCCEEDED and job.push and job.artifact:
            params = parse(RECIPES["publish"].params, {"artifact": job.artifact, "repo_id": job.push})
            self.store.add(self._new_job("publish", params, Caller(job.owner), Wishes(f"push-{job.id}")))
