"""Studio: the verbs. Pages, CLI and REST call these and nothing below them.

Every verb takes the caller and checks what they may see. What a verb does stands in the layer that it belongs to.
"""

import codecs
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from studio.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    InvalidInputs,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
    UnknownName,
    shorten,
)
from studio.core.params import parse, texts_in
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import mapping, rows, sources, uploads
from studio.data.rows import ColumnSummary, Rows
from studio.data.sources import Dataset, DatasetInfo
from studio.engines import ENGINES
from studio.hub import auth, cards, repos
from studio.hub.auth import Account
from studio.hub.cards import CardProblem
from studio.hub.reachability import HubStatus, Reachability
from studio.inference import models
from studio.inference.client import Inference, Prediction
from studio.inference.models import ModelInfo
from studio.jobs import artifacts, leases
from studio.jobs.artifacts import Artifact
from studio.jobs.engine import Engine
from studio.jobs.job import FINISHED, Event, Job, JobState, new_job_id
from studio.jobs.scheduler import Scheduler
from studio.jobs.store import JobStore
from studio.recipes import RECIPES
from studio.recipes.publish import card_facts
from studio.starter import install, kit
from studio.starter.kit import Listing, Missing
from studio.tasks import TASKS
from studio.tracking import reader
from studio.tracking.downsample import min_max
from studio.tracking.reader import Run, Series

CARD = "README.md"
EVERYTHING = 1_000_000
TOKENS = 1000  # signed-in accounts whose newest token is remembered, in memory only


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


class Studio:
    """One installation: the store, the scheduler, the inference worker and the Hub behind one set of verbs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.home.mkdir(parents=True, exist_ok=True)
        self.store = JobStore(settings.database)
        self.reachability = Reachability(settings)
        self.inference = Inference(settings)
        self._tokens: dict[str, SecretStr] = {}
        self._lock = threading.Lock()
        self._submitting = threading.Lock()
        self._scheduler: Scheduler | None = None

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

    # ---- jobs

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
        with self._submitting:  # or many at once would all find room
            self._check_quota(caller.owner, job.key)
            return self.store.add(job)

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
        return self.store.request_cancel(job.id)

    def retry(self, caller: Caller, job_id: str) -> Job:
        """Start a failed or cancelled job again, from its last checkpoint.

        Raises `Conflict` for any other, and `QuotaExceeded`.
        """
        job = self.job(caller, job_id)
        if job.state not in FINISHED - {JobState.SUCCEEDED}:
            raise Conflict(f"Job {job.id} is {job.state.value}; only a failed or cancelled job can be tried again.")
        with self._submitting:
            self._check_quota(job.owner)
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

    # ---- data

    def datasets(self, caller: Caller) -> list[DatasetInfo]:
        """The kit's data sets, then the caller's uploads."""
        found = []
        for entry in kit.entries(kind="dataset", root=self.settings):
            with suppress(StudioError):  # a damaged one is shown on the kit's page, and must not take the others along
                found.append(sources.resolve(entry.id, self.settings, caller.owner).info)
        return found + uploads.list_all(self.settings, caller.owner)

    def upload(self, caller: Caller, path: Path, name: str) -> DatasetInfo:
        """Take in a data file as the caller's own data set; raises `InvalidInput` that says what is wrong with it."""
        return uploads.store(path, name, self.settings, caller.owner)

    def delete_upload(self, caller: Caller, ref: str) -> None:
        """Delete the caller's own data set `upload:ID`; raises `NotFound`, `Conflict` while a job needs it."""
        with self._submitting:
            self._check_unused({uploads.PREFIX + ref.removeprefix(uploads.PREFIX)})
            uploads.delete(ref, self.settings, caller.owner)

    def dataset(self, caller: Caller, ref: str) -> Dataset:
        """One data set by reference: `kit:ID`, `upload:ID`, a Hub id, or on one's own machine a path."""
        return sources.resolve(ref, self._settings(caller), caller.owner)

    def rows(self, caller: Caller, ref: str, split: str, offset: int = 0, limit: int = 100) -> Rows:
        """A page of rows."""
        return rows.page(self.dataset(caller, ref), split, max(0, offset), min(limit, 100))

    def column(self, caller: Caller, ref: str, split: str, column: str) -> ColumnSummary:
        """Counts of one column over the whole split."""
        return rows.summary(self.dataset(caller, ref), split, column)

    def map_columns(self, caller: Caller, ref: str, split: str) -> mapping.ColumnMapping:
        """Which columns look like text and label."""
        return mapping.map_columns(self.dataset(caller, ref), split)

    # ---- metrics of runs

    def projects(self, caller: Caller) -> list[str]:
        """Projects in which the caller has runs."""
        names = reader.projects(self.settings.tracking_dir)
        if caller.admin:
            return names
        mine = {self.project_of(job) for job in self.jobs(caller, limit=EVERYTHING)}
        return [name for name in names if name in mine]

    def runs(self, caller: Caller, project: str) -> list[Run]:
        """The caller's runs of a project, newest first; raises `NotFound`, also where only others have any."""
        if caller.admin:
            found = reader.runs(self.settings.tracking_dir, project)
        else:
            mine = {job.id for job in self.jobs(caller, limit=EVERYTHING) if self.project_of(job) == project}
            if not mine:
                raise NotFound(f"There is no project {shorten(project)}.")
            found = reader.runs(self.settings.tracking_dir, project, mine)
        return sorted(found, key=lambda run: run.started_at, reverse=True)

    def run_metrics(self, caller: Caller, project: str, run: str) -> list[str]:
        """Names of the scalars of a run."""
        self._check_run(caller, run)
        return reader.metrics(self.settings.tracking_dir, project, run)

    def series(self, caller: Caller, project: str, run: str, metric: str, points: int = 600) -> Series:
        """One curve with at most about two points per pixel of `points`; no spike is lost."""
        self._check_run(caller, run)
        whole = reader.series(self.settings.tracking_dir, project, run, metric)
        steps, values = min_max(whole.steps, whole.values, points)
        return Series(metric=whole.metric, steps=steps, values=values)

    def project_of(self, job: Job) -> str:
        """Under which project a job's metrics lie."""
        return str(job.params.get("project") or job.recipe)

    # ---- models, artifacts, cards

    def models(self, caller: Caller, task: str) -> list[ModelInfo]:
        """What the playground offers for a task: the kit's, then the caller's own."""
        return models.available(TASKS[task].id, self._settings(caller), caller.owner)

    def base_models(self, caller: Caller) -> list[ModelInfo]:
        """What a fine-tune can start from: the kit's whole models, then the caller's own."""
        return models.available("text-classification", self._settings(caller), caller.owner, use="train")

    def default_model(self, task: str) -> str:
        """The model that answers for a task when none is named: the kit's where the Hub is out of reach."""
        return models.default_model(task, self.settings, reachable=self.hub().reachable)

    def snippet(
        self, caller: Caller, task: str, inputs: Mapping[str, Any], params: Mapping[str, Any], model: str = ""
    ) -> str:
        """Python that does outside the studio what `predict` does here."""
        entry = TASKS[task]
        files = models.resolve_model(model or self.default_model(task), self._settings(caller), caller.owner)
        return models.snippet(files, task, inputs, parse(entry.params, params))

    def predict(
        self, caller: Caller, task: str, inputs: Mapping[str, Any], params: Mapping[str, Any], model: str = ""
    ) -> Prediction:
        """Run a model of a task on one set of inputs, in the inference worker."""
        entry = TASKS[task]
        checked = parse(entry.params, params)
        files = models.resolve_model(model or self.default_model(task), self._settings(caller), caller.owner)
        return self.inference.predict(entry.id, files, inputs, checked.model_dump())

    def stream(
        self, caller: Caller, task: str, inputs: Mapping[str, Any], params: Mapping[str, Any], model: str = ""
    ) -> Iterator[str | Prediction]:
        """The parts of a text as a model writes them, then the whole; whoever stops reading stops the model."""
        entry = TASKS[task]
        checked = parse(entry.params, params)
        files = models.resolve_model(model or self.default_model(task), self._settings(caller), caller.owner)
        return self.inference.stream(entry.id, files, inputs, checked.model_dump())

    def artifacts(self, caller: Caller) -> list[Artifact]:
        """The caller's results, newest first."""
        found = artifacts.list_artifacts(self.settings.artifacts_dir)
        return [artifact for artifact in found if caller.may_see(artifact.manifest.owner)]

    def artifact(self, caller: Caller, artifact_id: str) -> Artifact:
        """One result; raises `NotFound` for what is not there or is somebody else's."""
        artifact = artifacts.load(self.settings.artifacts_dir, artifact_id)
        if not caller.may_see(artifact.manifest.owner):
            raise NotFound(f"There is no artifact {artifact_id!r}.")
        return artifact

    def delete_artifact(self, caller: Caller, artifact_id: str) -> None:
        """Delete a result with its card; what was published stays on the Hub.

        Raises `NotFound`, and `Conflict` while a job needs it, or when it is the base of another result.
        """
        with self._submitting:
            artifact = self.artifact(caller, artifact_id)
            ref = f"artifact:{artifact_id}"
            self._check_unused({ref, artifact_id, artifact.manifest.job})
            for other in artifacts.list_artifacts(self.settings.artifacts_dir):
                base = other.manifest.base_model
                if base is not None and base.id == ref and other.manifest.owner == artifact.manifest.owner:
                    raise Conflict(f"{artifact_id} is the base of {other.id}; delete that one first.")
            artifacts.delete(artifact)
            self.store.forget_artifact(artifact_id)

    def card(self, caller: Caller, artifact_id: str, *, fresh: bool = False) -> str:
        """The model card: as saved, else (or when `fresh`) filled from the manifest."""
        artifact = self.artifact(caller, artifact_id)
        saved = artifact.path / CARD
        if saved.is_file() and not fresh:
            return saved.read_text(encoding="utf-8")
        return cards.fill(card_facts(artifact.manifest, root=self.settings))

    def lint_card(self, text: str) -> list[CardProblem]:
        """What the Hub, or a reader, would object to."""
        return cards.lint(text)

    def save_card(self, caller: Caller, artifact_id: str, text: str) -> None:
        """Keep the card with its artifact."""
        path = self.artifact(caller, artifact_id).path
        partial = path / f".{CARD}.{secrets.token_hex(4)}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(path / CARD)

    # ---- the starter kit

    def kit(self, caller: Caller) -> list[Listing]:  # noqa: ARG002  the kit is everybody's
        """Every entry with its status: bundled, installed, available (an extra to be fetched) or damaged."""
        return kit.listing(self.settings)

    def kit_missing(self) -> tuple[Missing, ...]:
        """Tasks for which the kit has nothing useful, and what the Hub has."""
        return kit.missing(self.settings)

    def kit_verify(self, caller: Caller, name: str = "") -> list[str]:  # noqa: ARG002  the kit is everybody's
        """What is wrong with the files of one entry, or of all that are here: a sentence each, with its repair."""
        found = [f"kit:{name.removeprefix('kit:')}"] if name else [one.id for one in kit.entries(root=self.settings)]
        return [problem for id in found for problem in kit.verify(id, self.settings)]

    def kit_add(self, caller: Caller, name: str) -> Job:
        """Fetch an extra as a job; while it is being fetched, that job. Raises `Forbidden` for visitors."""
        self._check_admin(caller)
        name = install.find(name, self.settings).name
        return self.kit_job(name) or self.submit(caller, "kit-add", {"name": name})

    def kit_job(self, name: str) -> Job | None:
        """The unfinished job that fetches an extra, if there is one."""
        unfinished = [state for state in JobState if not state.finished]
        running = self.store.list(None, unfinished, "kit-add", EVERYTHING)
        return next((job for job in running if job.recipe == "kit-add" and job.params.get("name") == name), None)

    def kit_remove(self, caller: Caller, name: str) -> None:
        """Delete an extra and what it was made from.

        Raises `Forbidden` for visitors, `NotFound`, and `Conflict` while a job or a result needs it.
        """
        self._check_admin(caller)
        with self._submitting:
            entry = install.find(name, self.settings)
            self._check_unused({entry.id, entry.name})
            for other in artifacts.list_artifacts(self.settings.artifacts_dir):
                if other.manifest.base_model is not None and other.manifest.base_model.id == entry.id:
                    raise Conflict(f"{entry.id} is the base of {other.id}; delete that result first.")
            install.remove(entry.name, self.settings)

    # ---- the Hub

    def hub(self, *, refresh: bool = False) -> HubStatus:
        """Whether the Hub can be reached, as last probed; `refresh` probes again now."""
        return self.reachability.refresh() if refresh else self.reachability.status

    def account(self, caller: Caller) -> Account | None:
        """The Hub account that a push would go to, or None when nobody is signed in."""
        token = auth.token_for(caller, self.settings)
        return auth.account(token, self.settings) if token is not None and self.hub().reachable else None

    def publish(self, caller: Caller, artifact_id: str, repo_id: str, *, private: bool = True, key: str = "") -> Job:
        """Push an artifact with its card as a job; pressing again goes on where a cut push stopped."""
        self.artifact(caller, artifact_id)
        return self.submit(
            caller, "publish", {"artifact": artifact_id, "repo_id": repo_id, "private": private}, Wishes(key)
        )

    # ---- inside

    def _settings(self, caller: Caller) -> Settings:
        """The settings to read data and models with: in the name of a visitor who is signed in."""
        return self.settings.reading_as(caller.token)

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

    def _check_quota(self, owner: str, key: str = "") -> None:
        """Raise `QuotaExceeded` when the owner has as many jobs as one may have, unless `key` is one of them."""
        if not self.settings.public or (key and self.store.find(owner, key)):
            return
        unfinished = [state for state in JobState if not state.finished]
        waiting = len(self.store.list(owner, unfinished, "", self.settings.max_queued))
        if waiting >= self.settings.max_queued:
            raise QuotaExceeded(
                f"You have {waiting} jobs waiting or running; at most {self.settings.max_queued} are allowed. "
                "Wait, or cancel one."
            )

    def _check_unused(self, names: Set[str]) -> None:
        """Raise `Conflict` when a job that is not over yet is one of the names, or has one among its parameters."""
        unfinished = [state for state in JobState if not state.finished]
        for job in self.store.list(None, unfinished, "", EVERYTHING):
            if names & {job.id, *texts_in(job.params)}:
                raise Conflict(f"Job {job.id} is {job.state.value} and needs it; wait for its end, or cancel it.")

    def _check_admin(self, caller: Caller) -> None:
        """Raise `Forbidden` for a visitor who would change what everybody sees."""
        if self.settings.public and not caller.admin:
            raise Forbidden("Only the owner of this installation may do this (STUDIO_ADMINS names them).")

    def _check_run(self, caller: Caller, run: str) -> None:
        if not caller.admin:
            self.job(caller, run)

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

    def _remember(self, caller: Caller) -> None:
        """Keep the newest token of an account for its waiting jobs: in memory, never anywhere else."""
        if caller.token is None:
            return
        with self._lock:
            self._tokens.pop(caller.owner, None)
            self._tokens[caller.owner] = caller.token
            if len(self._tokens) > TOKENS:
                del self._tokens[next(iter(self._tokens))]

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
        """Queue the push that was wished for when the job was started."""
        if job.state is JobState.SUCCEEDED and job.push and job.artifact:
            params = parse(RECIPES["publish"].params, {"artifact": job.artifact, "repo_id": job.push})
            self.store.add(self._new_job("publish", params, Caller(job.owner), Wishes(f"push-{job.id}")))
