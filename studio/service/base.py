"""What every area of the verbs stands on: settings, store, Hub and worker, and the checks that several share."""

import threading
from collections.abc import Set

from pydantic import SecretStr

from studio.core.errors import Conflict, Forbidden
from studio.core.params import texts_in
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.hub.reachability import HubStatus, Reachability
from studio.inference.client import Inference
from studio.jobs.job import JobState
from studio.jobs.store import JobStore
from studio.service.turns import Limits, Turns

EVERYTHING = 1_000_000
TAKEN_IN = Limits(at_once=4, each=1, line=8, each_line=2)  # files at the same time: minutes, and much disk space
TOKENS = 1000  # signed-in accounts whose newest token is remembered, in memory only


class Base:
    """One installation: the store, the inference worker and the Hub."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.home.mkdir(parents=True, exist_ok=True)
        self.store = JobStore(settings.database)
        self.reachability = Reachability(settings)
        self.inference = Inference(settings)
        self._turns = Turns(settings.public)
        self._intakes = Turns(settings.public, TAKEN_IN)
        self._tokens: dict[str, SecretStr] = {}
        self._lock = threading.Lock()
        self._submitting = threading.Lock()

    def hub(self, *, refresh: bool = False) -> HubStatus:
        """Whether the Hub can be reached, as last probed; `refresh` probes again now."""
        return self.reachability.refresh() if refresh else self.reachability.status

    def _settings(self, caller: Caller) -> Settings:
        """The settings to read data and models with: in the name of a visitor who is signed in."""
        return self.settings.reading_as(caller.token)

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

    def _remember(self, caller: Caller) -> None:
        """Keep the newest token of an account for its waiting jobs: in memory, never anywhere else."""
        if caller.token is None:
            return
        with self._lock:
            self._tokens.pop(caller.owner, None)
            self._tokens[caller.owner] = caller.token
            if len(self._tokens) > TOKENS:
                del self._tokens[next(iter(self._tokens))]
