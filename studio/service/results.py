"""Results of jobs: artifacts, their cards, and publishing them and data sets on the Hub."""

import secrets
from collections.abc import Mapping
from typing import Any

from studio.core.errors import Conflict, NotFound
from studio.core.types import Caller
from studio.data import results, sources
from studio.hub import auth, cards
from studio.hub.auth import Account
from studio.hub.cards import CardProblem
from studio.hub.repos import RepoType
from studio.jobs import artifacts
from studio.jobs.artifacts import Artifact
from studio.jobs.job import Job, JobState
from studio.recipes.publish import link
from studio.recipes.publishing import facts
from studio.recipes.publishing.models import card_facts
from studio.service.jobs import Jobs, Wishes

CARD = "README.md"


class Results(Jobs):
    """What jobs have left."""

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
        """The card of a model or a data set: as saved, else (or when `fresh`) filled from what is known."""
        artifact = self.artifact(caller, artifact_id)
        saved = artifact.path / CARD
        if saved.is_file() and not fresh:
            return saved.read_text(encoding="utf-8")
        if artifact.manifest.kind == results.KIND:
            owner = artifact.manifest.owner
            dataset = sources.resolve(results.PREFIX + artifact.id, self._settings(caller), owner)
            return facts.fresh_card(dataset, self.settings, owner)
        return cards.fill(card_facts(artifact.manifest, root=self.settings))

    def lint_card(self, text: str, kind: RepoType = "model") -> list[CardProblem]:
        """What the Hub, or a reader, would object to in the card of a model or a data set."""
        return cards.lint(text, kind)

    def card_kind(self, caller: Caller, artifact_id: str) -> RepoType:
        """Whether a result is published as a model or as a data set."""
        return "dataset" if self.artifact(caller, artifact_id).manifest.kind == results.KIND else "model"

    def save_card(self, caller: Caller, artifact_id: str, text: str) -> None:
        """Keep the card with its artifact."""
        path = self.artifact(caller, artifact_id).path
        partial = path / f".{CARD}.{secrets.token_hex(4)}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(path / CARD)

    def account(self, caller: Caller) -> Account | None:
        """The Hub account that a push would go to, or None when nobody is signed in."""
        token = auth.token_for(caller, self.settings)
        return auth.account(token, self.settings) if token is not None and self.hub().reachable else None

    def publish(
        self,
        caller: Caller,
        artifact_id: str,
        repo_id: str,
        *,
        private: bool = True,
        key: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> Job:
        """Push a result, or a data set by its reference, with its card as a job.

        Pressing again goes on where a cut push stopped. `values` are further fields of the recipe "publish": license,
        card, message.
        """
        if artifacts.ID.fullmatch(artifact_id):
            self.artifact(caller, artifact_id)
        given = {**(values or {}), "artifact": artifact_id, "repo_id": repo_id, "private": private}
        return self.submit(caller, "publish", given, Wishes(key))

    def published_at(self, caller: Caller, job: Job) -> str:
        """Where a push has put what it sent; "" for any other job, and while it is not over."""
        over = job.recipe == "publish" and job.state is JobState.SUCCEEDED
        return link(job.params, self.settings, job.owner) if over and caller.may_see(job.owner) else ""
