"""Models and adapters on their way to the Hub: their card, and the files that are sent."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from studio.core.errors import Conflict, NotFound, StudioError
from studio.core.settings import Settings
from studio.data import results
from studio.hub import cards
from studio.hub.cards import PLACEHOLDER, CardFacts, Figures
from studio.jobs.artifacts import MANIFEST, Artifact, Manifest, load
from studio.jobs.context import JobContext
from studio.recipes.publishing.facts import CARD, public
from studio.starter import kit

BASE = "base"
TEST = "test_"
SENT = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})
NAMES_A_MODEL = ("base_model_name_or_path", "_name_or_path")


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


def owned(folder: Path, artifact_id: str, owner: str) -> Artifact:
    """The owner's result of this id or reference; raises `NotFound` for somebody else's."""
    artifact = load(folder, artifact_id.removeprefix(results.PREFIX))
    if artifact.manifest.owner != owner:
        raise NotFound(f"There is no artifact {artifact_id!r}.")
    return artifact


def base_folder(manifest: Manifest, artifacts_dir: Path, root: Path | Settings = kit.KIT) -> Path | None:
    """The base model that must travel along, because nobody else could get it; None when the Hub has it."""
    base = manifest.base_model
    if manifest.kind != "adapter" or base is None or not base.id.startswith(("kit:", "artifact:")):
        return None
    if base.id.startswith("kit:"):
        folder = kit.entry(base.id, root).path
        if not (folder / "config.json").is_file():
            raise StudioError(f"{base.id} is damaged: {'; '.join(kit.verify(base.id, root)[:3])}")
        return folder
    artifact = owned(artifacts_dir, base.id.removeprefix("artifact:"), manifest.owner)
    if artifact.manifest.kind == "adapter":
        raise Conflict(f"Its base {base.id} is an adapter itself; only adapters of a whole model can be published.")
    return artifact.path


def gather(artifact: Artifact, folder: Path, repo_id: str, context: JobContext) -> None:
    """Lay out what is to be sent in a folder of the job's own; the artifact is only read."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    left_out = list(_copy(artifact.path, folder))
    settings = Settings(home=context.spec.home)
    base = base_folder(artifact.manifest, context.spec.artifacts_dir, settings)
    if base is not None:
        list(_copy(base, folder / BASE))
        (folder / BASE / MANIFEST).unlink(missing_ok=True)
        entry = _kit_entry(artifact.manifest.base_model.id, settings) if artifact.manifest.base_model else None
        if entry is not None:
            terms = f"{entry.title}: {entry.license}\n\n{entry.attribution}\n\n"
            text = (entry.path / entry.license_file).read_text(encoding="utf-8")
            (folder / BASE / "LICENSE.txt").write_text(terms + text, encoding="utf-8")
    for config in (*folder.glob("*config.json"), *folder.glob(f"{BASE}/*config.json")):
        _make_public(config, repo_id if base is not None else "")
    (folder / CARD).write_text(card_text(artifact, repo_id, settings), encoding="utf-8")
    cleaned = artifact.manifest.model_dump(mode="json", exclude={"id", "owner", "job", "published"})
    _write_json(folder / MANIFEST, public(cleaned))
    listed(folder, context)
    if left_out:
        context.log(f"Not sent: {', '.join(sorted(left_out))}")


def listed(folder: Path, context: JobContext) -> None:
    """Name what will be sent, in the job's log."""
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        context.log(f"  {file.relative_to(folder).as_posix()}  {megabytes(file.stat().st_size)}")


def megabytes(size: int) -> str:
    """A size as a log says it."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


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


def _make_public(config: Path, base_repo: str) -> None:
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
