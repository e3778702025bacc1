"""The starter kit: list, check, fetch and remove its entries."""

from studio.core.errors import Conflict
from studio.core.types import Caller
from studio.jobs import artifacts
from studio.jobs.job import Job, JobState
from studio.service.base import EVERYTHING
from studio.service.jobs import Jobs
from studio.starter import install, kit
from studio.starter.kit import Listing, Missing


class Kit(Jobs):
    """What needs no network."""

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
