"""Publish a model or a data set: its files, its card and its manifest as one commit to a repository on the Hub.

A result itself only gains a link. Whatever goes wrong, pressing again goes on where it stopped.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from studio.core.errors import Conflict, InvalidInput, NotFound, SignInRequired, StudioError
from studio.core.settings import Settings
from studio.data import results
from studio.data.records import Dataset
from studio.data.watching import Watch
from studio.hub import cards, repos
from studio.hub.cards import PLACEHOLDER, CardFacts, Figures
from studio.hub.repos import RepoType
from studio.hub.vocabulary import license_id
from studio.jobs.artifacts import ID, MANIFEST, Artifact, Manifest, load, write_manifest
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.publishing import facts, work
from studio.recipes.publishing.facts import public
from studio.starter import kit

CARD = "README.md"
MOST_CARD = 500_000  # characters
BASE = "base"
TEST = "test_"
SENT = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})
NO_MODELS = {"report": "report"}
NAMES_A_MODEL = ("base_model_name_or_path", "_name_or_path")
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


def card_facts(manifest: Manifest, repo_id: str = PLACEHOLDER, root: Path | Settings = kit.KIT) -> CardFacts:
    """What a card may say of an artifact; without owner, job and folders of this machine."""
    base, data = manifest.base_model, manifest.data
    entry = _kit_entry(base.id, root) if base else None
    return CardFacts(
        title=manifest.title,
        kind=manifest.kind,
        task=manifest.task,
        recipe=manifest.recipe,
        repo_id=repo_id,
        base_model=public(base.id) if base else "",
        base_revision=base.revision if base else "",
        base_upstream=entry.upstream if entry else "",
        base_license=(base.license if base else "") or (entry.license if entry else ""),
        base_included=manifest.kind == "adapter" and base is not None and base.id.startswith(("kit:", "artifact:")),
        data=public(data.id) if data else "",
        data_revision=data.revision if data else "",
        data_fingerprint=data.fingerprint if data else "",
        data_license=data.license if data else "",
        splits=data.splits if data else {},
        figures=tuple(_figures(manifest)),
        labels=tuple(manifest.labels),
        params=public(manifest.params),
        seed=manifest.seed,
        versions=manifest.versions,
        seconds=manifest.seconds,
        device=manifest.device,
        measured_memory_bytes=manifest.measured_memory_bytes,
    )


def _figures(manifest: Manifest) -> Iterator[Figures]:
    """The test split's figures, which a recipe prefixes with "test_", and those of the split that chose."""
    fields = manifest.params.get("data")
    named = fields if isinstance(fields, Mapping) else {}
    splits = manifest.data.splits if manifest.data else {}
    test, train = str(named.get("test_split") or ""), str(named.get("train_split") or "train")
    held_out = str(named.get("eval_split") or "")
    if held_out not in splits:
        held_out = next((name for name in splits if name not in (train, test)), "")
    for prefix, split in ((TEST, test), ("", held_out)):
        metrics, baselines = _prefixed(manifest.metrics, prefix), _prefixed(manifest.baselines, prefix)
        if metrics:
            yield Figures(split, metrics, baselines, splits.get(split, 0), chose=not prefix)


def _prefixed(values: Mapping[str, float], prefix: str) -> dict[str, float]:
    if prefix:
        return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    return {name: value for name, value in values.items() if not name.startswith(TEST)}


def _kit_entry(ref: str, root: Path | Settings) -> kit.KitEntry | None:
    try:
        return kit.any_entry(ref, root) if ref.startswith("kit:") else None
    except StudioError:
        return None


def card_text(artifact: Artifact, repo_id: str = PLACEHOLDER, root: Path | Settings = kit.KIT) -> str:
    """The card as saved with the artifact, else filled; a placeholder for the repository is put in its place."""
    saved = artifact.path / CARD
    if saved.is_file():
        return saved.read_text(encoding="utf-8").replace(PLACEHOLDER, repo_id)
    return cards.fill(card_facts(artifact.manifest, repo_id, root))


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
        artifact = _owned(settings.artifacts_dir, params.artifact, owner)
        if artifact.manifest.kind in NO_MODELS:
            what = NO_MODELS[artifact.manifest.kind]
            expected = f"It is a {what}; models and data sets are published."
            return [*problems, InvalidInput("artifact", params.artifact, expected)]
        _base_folder(artifact.manifest, settings.artifacts_dir, settings)
    except StudioError as error:
        return [*problems, InvalidInput("artifact", params.artifact, str(error))]
    return [*problems, *_in_card(card_text(artifact, params.repo_id, settings), "model", "artifact", params.artifact)]


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
        dataset = work.resolved(ref, settings, owner)
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
        artifact = _owned(settings.artifacts_dir, artifact_id, owner)
        return results.PREFIX + artifact.id if artifact.manifest.kind == results.KIND else ""
    return named if re.search(r"[:/~]|\.\w+$", named) else ""


def link(params: Mapping[str, Any], settings: Settings, owner: str) -> str:
    """Where a push with these parameters has put it."""
    folder = "datasets/" if dataset_ref(str(params["artifact"]), settings, owner) else ""
    return f"{settings.endpoint}/{folder}{params['repo_id']}"


def _owned(folder: Path, artifact_id: str, owner: str) -> Artifact:
    artifact = load(folder, artifact_id.removeprefix(results.PREFIX))
    if artifact.manifest.owner != owner:
        raise NotFound(f"There is no artifact {artifact_id!r}.")
    return artifact


def _base_folder(manifest: Manifest, artifacts_dir: Path, root: Path | Settings = kit.KIT) -> Path | None:
    """The base model that must travel along, because nobody else could get it; None when the Hub has it."""
    base = manifest.base_model
    if manifest.kind != "adapter" or base is None or not base.id.startswith(("kit:", "artifact:")):
        return None
    if base.id.startswith("kit:"):
        folder = kit.entry(base.id, root).path
        if not (folder / "config.json").is_file():
            raise StudioError(f"{base.id} is damaged: {'; '.join(kit.verify(base.id, root)[:3])}")
        return folder
    artifact = _owned(artifacts_dir, base.id.removeprefix("artifact:"), manifest.owner)
    if artifact.manifest.kind == "adapter":
        raise Conflict(f"Its base {base.id} is an adapter itself; only adapters of a whole model can be published.")
    return artifact.path


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
    _check_card(folder / CARD, kind, settings, token, context)
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
    context.log(f"Sent {len(result.files)} files ({_megabytes(result.bytes)}){kept}. Commit {result.commit}.")
    context.log(f"Published at {result.url}")
    context.progress(1, 1, f"Published at {result.url}")


def _lay_out(params: PublishParams, ref: str, settings: Settings, context: JobContext) -> tuple[Path, str]:
    """The folder that is to be sent, and the id of the result that gains a link; "" where it is none."""
    owner = context.spec.owner
    if not ref:
        artifact = _owned(context.spec.artifacts_dir, params.artifact, owner)
        folder = context.workdir / "publish"
        _gather(artifact, folder, params.repo_id, context)
        return folder, artifact.id

    def card(dataset: Dataset) -> str:
        if params.card:
            return params.card.replace(PLACEHOLDER, params.repo_id)
        return facts.card_text(dataset, settings, owner, params.repo_id, params.license)

    watch = Watch(context.progress, lambda: context.cancelled, 0.0, LAYING_OUT)
    folder = work.gather(ref, card, settings, owner, context.workdir, watch)
    _list(folder, context)
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
        text = f"{message} ({_megabytes(done)} of {_megabytes(total)} sent)"
        context.progress(done, max(total, 1), text)
        context.log(text)

    return report


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _note(folder: Path, artifact_id: str, url: str) -> None:
    """Add the link, newest last, to the manifest as it is now."""
    artifact = load(folder, artifact_id)
    links = [link for link in artifact.manifest.published if link != url]
    write_manifest(artifact.path, artifact.manifest.model_copy(update={"published": [*links, url]}))


def _gather(artifact: Artifact, folder: Path, repo_id: str, context: JobContext) -> None:
    """Lay out what is to be sent in a folder of the job's own; the artifact is only read."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    left_out = list(_copy(artifact.path, folder))
    settings = Settings(home=context.spec.home)
    base = _base_folder(artifact.manifest, context.spec.artifacts_dir, settings)
    if base is not None:
        list(_copy(base, folder / BASE))
        (folder / BASE / MANIFEST).unlink(missing_ok=True)
        entry = _kit_entry(artifact.manifest.base_model.id, settings) if artifact.manifest.base_model else None
        if entry is not None:
            terms = f"{entry.title}: {entry.license}\n\n{entry.attribution}\n\n"
            text = (entry.path / entry.license_file).read_text(encoding="utf-8")
            (folder / BASE / "LICENSE.txt").write_text(terms + text, encoding="utf-8")
    for config in (*folder.glob("*config.json"), *folder.glob(f"{BASE}/*config.json")):
        _makepublic(config, repo_id if base is not None else "")
    (folder / CARD).write_text(card_text(artifact, repo_id, settings), encoding="utf-8")
    cleaned = artifact.manifest.model_dump(mode="json", exclude={"id", "owner", "job", "published"})
    _write_json(folder / MANIFEST, public(cleaned))
    _list(folder, context)
    if left_out:
        context.log(f"Not sent: {', '.join(sorted(left_out))}")


def _list(folder: Path, context: JobContext) -> None:
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        context.log(f"  {file.relative_to(folder).as_posix()}  {_megabytes(file.stat().st_size)}")


def _copy(source: Path, target: Path) -> Iterator[str]:
    """Copy the files of known kinds and yield the names of the others; links and hidden files are others."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.rglob("*")):
        name = file.relative_to(source)
        if file.is_dir() and not file.is_symlink():
            continue
        if file.suffix not in SENT or file.is_symlink() or any(part.startswith(".") for part in name.parts):
            if name != PurePath(CARD):
                yield name.as_posix()
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".safetensors":
            _link(file, target / name)  # nothing is ever written into weights, so they need no second copy
        else:
            shutil.copyfile(file, target / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _makepublic(config: Path, base_repo: str) -> None:
    """Take names out of a configuration that mean something on this machine only.

    An adapter whose base travels along names its own repository as base: loading it without the folder `base`
    fails loudly, where the name of a similar model would give wrong results silently.
    """
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
    except ValueError:
        raise StudioError(f"{config.name} of the artifact is no JSON; train again.") from None
    if not isinstance(values, dict):
        return
    changed = {name: public(values[name]) for name in NAMES_A_MODEL if isinstance(values.get(name), str)}
    if base_repo and "base_model_name_or_path" in changed:
        changed["base_model_name_or_path"] = base_repo
        changed["revision"] = None  # that of the base where it came from
    if any(values.get(name) != value for name, value in changed.items()):
        _write_json(config, values | changed)


def _write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


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
)
