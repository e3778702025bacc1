"""Publish a model or a data set: its files, its card and its manifest as one commit to a repository on the Hub.

A result itself only gains a link. Whatever goes wrong, pressing again goes on where it stopped.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from studio.core.errors import InvalidInput, SignInRequired, StudioError
from studio.core.settings import Settings
from studio.data import results
from studio.data.records import Dataset
from studio.data.watching import Watch
from studio.hub import cards, repos
from studio.hub.cards import PLACEHOLDER
from studio.hub.repos import RepoType
from studio.hub.vocabulary import license_id
from studio.jobs.artifacts import ID, load, write_manifest
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.publishing import facts, models, work

MOST_CARD = 500_000  # characters
NO_MODELS = {"report": "report"}
MEMORY = 400 * 1024**2  # measured for 50 MB: 166 MB over Xet, 66 MB over LFS; the imports of a warm process count too
DATA_MEMORY = 600 * 1024**2  # with what writes the shards
LAYING_OUT = 0.5  # of the work is writing the shards


class PublishParams(BaseModel):
    """What is published, and where to."""

    model_config = ConfigDict(extra="forbid")

    artifact: str = Field(
        min_length=1,
        title="Result",
        description="The finished result that is to be published, or a data set: kit:ID, upload:ID, artifact:ID.",
    )
    repo_id: str = Field(
        min_length=3,
        max_length=193,
        title="Repository",
        description="owner/name on the Hub; created when it does not exist yet.",
    )
    private: bool = Field(True, title="Private", description="Only you and those you invite can see the repository.")
    message: str = Field(
        "Publish with Studio",
        min_length=1,
        max_length=200,
        title="Commit message",
        description="What the Hub's history says about this upload.",
    )
    license: str = Field(
        "",
        max_length=100,
        title="Licence",
        description="The Hub's id of a data set's licence, for example cc-by-4.0; its own when empty.",
    )
    card: str = Field(
        "",
        max_length=MOST_CARD,
        title="Card",
        description="The text of a data set's card; made from the data when empty.",
    )


def validate(params: PublishParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """What keeps this artifact from being published under this name."""
    problems: list[InvalidInput] = []
    try:
        repos.parse_repo_id(params.repo_id)
    except InvalidInput as problem:
        problems.append(problem)
    try:
        if ref := dataset_ref(params.artifact, settings, owner):
            return [*problems, *_validate_data(params, ref, settings, owner)]
        artifact = models.owned(settings.artifacts_dir, params.artifact, owner)
        if artifact.manifest.kind in NO_MODELS:
            what = NO_MODELS[artifact.manifest.kind]
            expected = f"It is a {what}; models and data sets are published."
            return [*problems, InvalidInput("artifact", params.artifact, expected)]
        models.base_folder(artifact.manifest, settings.artifacts_dir, settings)
    except StudioError as error:
        return [*problems, InvalidInput("artifact", params.artifact, str(error))]
    return [
        *problems,
        *_in_card(models.card_text(artifact, params.repo_id, settings), "model", "artifact", params.artifact),
    ]


def _in_card(text: str, kind: RepoType, field: str, value: str) -> list[InvalidInput]:
    errors = [problem for problem in cards.lint(text, kind) if problem.level == "error"]
    if not errors:
        return []
    listed = " ".join(f"Line {problem.line}: {problem.message}" for problem in errors[:3])
    count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    return [InvalidInput(field, value, f"Its card has {count}. {listed} Mend the card first.")]


def _validate_data(params: PublishParams, ref: str, settings: Settings, owner: str) -> list[InvalidInput]:
    if params.license and not license_id(params.license):
        expected = "Use the Hub's id of a licence, for example cc-by-4.0, apache-2.0, or other."
        return [InvalidInput("license", params.license, expected)]
    try:
        dataset = work.foreseen(ref, settings, owner)
        if not dataset.info.partial:  # what splits have in common, their beginnings do not say
            facts.common_features(dataset)
    except StudioError as error:
        expected = error.expected if isinstance(error, InvalidInput) else str(error)
        return [InvalidInput("artifact", params.artifact, expected)]
    if params.card:
        return _in_card(params.card, "dataset", "card", params.card)
    saved = facts.saved_card(dataset, settings)
    return _in_card(saved, "dataset", "artifact", params.artifact) if saved else []


def dataset_ref(named: str, settings: Settings, owner: str) -> str:
    """The reference of the data set that is named so, or of the result that is one; "" for anything else."""
    artifact_id = named.removeprefix(results.PREFIX)
    if ID.fullmatch(artifact_id) and (settings.artifacts_dir / artifact_id).is_dir():
        artifact = models.owned(settings.artifacts_dir, artifact_id, owner)
        return results.PREFIX + artifact.id if artifact.manifest.kind == results.KIND else ""
    return named if re.search(r"[:/~]|\.\w+$", named) else ""


def link(params: Mapping[str, Any], settings: Settings, owner: str) -> str:
    """Where a push with these parameters has put it."""
    folder = "datasets/" if dataset_ref(str(params["artifact"]), settings, owner) else ""
    return f"{settings.endpoint}/{folder}{params['repo_id']}"


def resources(params: PublishParams, settings: Settings, owner: str) -> Resources:
    """What sending takes, and for a data set writing its shards."""
    try:
        data = bool(dataset_ref(params.artifact, settings, owner))
    except StudioError:
        data = False
    return Resources(memory_bytes=DATA_MEMORY if data else MEMORY, threads=1)


def run(params: PublishParams, context: JobContext) -> None:
    """Gather, create the repository, send, and note the link in the artifact's manifest."""
    token, settings = context.token, Settings(home=context.spec.home)
    if token is None:
        raise SignInRequired
    owner = context.spec.owner
    ref = dataset_ref(params.artifact, settings, owner)
    kind: RepoType = "dataset" if ref else "model"
    folder, noted = _lay_out(params, ref, settings, context)
    context.raise_if_cancelled()
    _check_card(folder / facts.CARD, kind, settings, token, context)
    new = repos.create_repo(params.repo_id, token, settings, params.private, kind)
    context.log(f"{'Created' if new else 'Writing to'} {params.repo_id} ({'private' if params.private else 'public'}).")
    context.raise_if_cancelled()
    push = repos.Push(folder, params.repo_id, params.private, params.message, kind, work.REPLACED if ref else "")
    result = repos.upload(push, token, settings, _reporter(context), lambda: context.cancelled)
    context.saving()
    if noted:
        _note(context.spec.artifacts_dir, noted, result.url)
    shutil.rmtree(folder)
    kept = f", {len(result.skipped)} were there already" if result.skipped else ""
    context.log(f"Sent {len(result.files)} files ({models.megabytes(result.bytes)}){kept}. Commit {result.commit}.")
    context.log(f"Published at {result.url}")
    context.progress(1, 1, f"Published at {result.url}")


def _lay_out(params: PublishParams, ref: str, settings: Settings, context: JobContext) -> tuple[Path, str]:
    """The folder that is to be sent, and the id of the result that gains a link; "" where it is none."""
    owner = context.spec.owner
    if not ref:
        artifact = models.owned(context.spec.artifacts_dir, params.artifact, owner)
        folder = context.workdir / "publish"
        models.gather(artifact, folder, params.repo_id, context)
        return folder, artifact.id

    def card(dataset: Dataset) -> str:
        if params.card:
            return params.card.replace(PLACEHOLDER, params.repo_id)
        return facts.card_text(dataset, settings, owner, params.repo_id, params.license)

    watch = Watch(context.progress, lambda: context.cancelled, 0.0, LAYING_OUT)
    folder = work.gather(ref, card, settings, owner, context.workdir, watch)
    models.listed(folder, context)
    return folder, ref.removeprefix(results.PREFIX) if ref.startswith(results.PREFIX) else ""


def _check_card(card: Path, kind: RepoType, settings: Settings, token: SecretStr, context: JobContext) -> None:
    """Look at the card, and let the Hub look, before anything is sent; warnings go to the log."""
    text = card.read_text(encoding="utf-8")
    # a push that was wished for in advance never went through `validate`
    problems = [problem for problem in cards.lint(text, kind) if problem.level == "error"]
    problems = problems or cards.validate_online(text, settings, token, kind)
    for problem in problems:
        context.log(f"Card, {problem.level}: {problem.message}")
    errors = [problem.message for problem in problems if problem.level == "error"]
    if errors:
        raise InvalidInput("artifact", card.name, f"The card has errors: {' '.join(errors[:3])} Mend it first.")


def _reporter(context: JobContext) -> repos.Report:
    def report(done: int, total: int, message: str) -> None:
        text = f"{message} ({models.megabytes(done)} of {models.megabytes(total)} sent)"
        context.progress(done, max(total, 1), text)
        context.log(text)

    return report


def _note(folder: Path, artifact_id: str, url: str) -> None:
    """Add the link, newest last, to the manifest as it is now."""
    artifact = load(folder, artifact_id)
    links = [link for link in artifact.manifest.published if link != url]
    write_manifest(artifact.path, artifact.manifest.model_copy(update={"published": [*links, url]}))


RECIPE = Recipe(
    name="publish",
    title="Publish to the Hub",
    kind="publish",
    params=PublishParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=lambda params: f"Publish to {params.repo_id}",
    needs_token=True,
    stores=False,
)
