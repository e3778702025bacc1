"""Model references → checked local files. No model is loaded here.

What is refused: pickled weights, code from repositories, and whatever belongs to somebody else.
"""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.core.errors import HubUnreachable, InvalidInput, NotFound
from studio.core.settings import ROOT, Settings
from studio.hub import downloads
from studio.hub.downloads import HubSnapshot
from studio.hub.models import RemoteModel
from studio.inference import folders, memory, remote
from studio.jobs import artifacts
from studio.tasks import TASKS
from studio.tasks.base import Task

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
SNAPSHOT_SECONDS = 600  # how long the Hub is not asked again which commit a branch is at
WHOLE = {"transformers", "peft"}  # libraries of kit entries whose folders hold config.json and weights
MODELS = {"model", "adapter"}  # kinds of kit entries and artifacts that can be loaded

ADAPTED = {
    "SEQ_CLS": ("text-classification",),
    "TOKEN_CLS": ("token-classification",),
    "CAUSAL_LM": ("text-generation", "conversational"),
    "SEQ_2_SEQ_LM": ("text2text-generation", "summarization", "translation"),
    "QUESTION_ANS": ("question-answering",),
    "FEATURE_EXTRACTION": ("feature-extraction", "sentence-similarity"),
}
ALSO = {  # what a model for the task on the left does as well
    "text-generation": "few-shot-text-generation",
    "conversational": "decision",
    "sentence-similarity": "semantic-search",
    "zero-shot-classification": "cross-lingual-zero-shot",
}


@dataclass(frozen=True)
class ModelFiles:
    """A model that may be loaded.

    Attributes:
        path: folder with config.json and safetensors, or with a PEFT adapter.
        base: folder of the model that the adapter belongs to; None for a whole model.
        base_ref: the base as a reference, "" for a whole model.
        revision: commit on the Hub; "" for local models.
        bytes: size of all files, base included.
        tasks: what it was made for, as the kit, an artifact or an adapter says; () where its architecture tells.
        architectures: class names as config.json (of the base, for adapters) writes them.
        written_ns: when its newest file was written: a result that was made again is another model.
    """

    ref: str
    path: Path
    base: Path | None = None
    base_ref: str = ""
    revision: str = ""
    license: str = ""
    bytes: int = 0
    tasks: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    written_ns: int = 0


def resolve_model(ref: str, settings: Settings, owner: str, task: str = "") -> ModelFiles:
    """The files of `kit:ID`, `artifact:ID` (of `owner` only) or a Hub id `owner/name[@revision]`.

    With a `task`, what was made for another one, or can never fit the memory, is refused too: on the Hub before
    anything is downloaded.

    Raises `UnknownName` with the known kit ids, `NotFound`, `InvalidInput("model", …)` for what must not or cannot
    be loaded, and the Hub's errors.
    """
    ref = ref.strip()
    if ref.startswith("kit:"):
        found = _from_kit(ref, settings, owner)
    elif ref.startswith("artifact:"):
        found = _from_artifact(ref, settings, owner)
    else:
        found = _from_hub(ref, settings, owner, task)
    if task:
        check_task(found, task)
        device = memory.device()
        memory.check(ref, memory_bytes(found, device), settings, device)
    return found


def hub_id(ref: str) -> tuple[str, str]:
    """Repository and revision ("" for the newest) of `owner/name[@revision]`; raises `InvalidInput`."""
    repo_id, _, revision = ref.partition("@")
    if "/" not in ref or not HUB_ID.fullmatch(repo_id):
        raise InvalidInput("model", ref, 'Give "kit:ID", "artifact:ID" or a Hub id such as "owner/name".')
    return repo_id, revision


def check_task(model: ModelFiles, task: str) -> None:
    """Raise `InvalidInput("model", …)` when the model's head is known to be made for something else, or is missing."""
    heads = TASKS[task].heads
    made_for = tasks_of(model)
    if not heads or model.ref in TASKS[task].models or task in made_for or not (made_for or model.architectures):
        return
    wanted = f"Choose a model whose architecture ends in {' or '.join(heads)}, or fine-tune this one first."
    if made_for:
        raise InvalidInput("model", model.ref, f"It is made for {' and '.join(made_for)}, not for {task}. {wanted}")
    if model.base is None:
        raise InvalidInput("model", model.ref, f"{model.architectures[0]} has no head for {task}. {wanted}")


def tasks_of(model: ModelFiles) -> tuple[str, ...]:
    """The tasks that a model is made for, by what is said of it or else by its head; () for a bare encoder."""
    if model.tasks or model.base is not None:
        return (*model.tasks, *(ALSO[task] for task in model.tasks if task in ALSO))
    return tuple(name for name, task in TASKS.items() if task.heads and any(map(task_head(task), model.architectures)))


def task_head(task: Task) -> Callable[[str], bool]:
    """Whether an architecture's class name is of a task."""
    return lambda name: name.endswith(task.heads)


@lru_cache(maxsize=64)
def memory_bytes(model: ModelFiles, device: str) -> int:
    """What the weights take once loaded on a device."""
    count = sum(folders.parameters(folder) for folder in (model.path, model.base) if folder)
    return memory.taken(count, model.bytes, device)


def check_remote(model: RemoteModel, task: str, settings: Settings) -> None:
    """Raise `InvalidInput("model", …)` for what would be refused after the download too, but for its memory."""
    remote.check(model, settings)
    check_task(as_files(model), task)


def as_files(model: RemoteModel) -> ModelFiles:
    """What the Hub says of a model, in the shape in which `check_task` looks at it; there are no files yet."""
    tuned, pipeline = model.config.get("peft"), model.config.get("diffusers")
    if isinstance(tuned, dict):
        return ModelFiles(model.id, Path(), Path(), tasks=ADAPTED.get(str(tuned.get("task_type")), ()))
    named = model.config.get("architectures") or []
    named = [pipeline.get("_class_name", "")] if isinstance(pipeline, dict) else named
    return ModelFiles(model.id, Path(), architectures=tuple(map(str, named)) if isinstance(named, list) else ())


def snippet(model: ModelFiles, task: str, inputs: Mapping[str, Any], params: Any) -> str:
    """Python that does the same outside the studio: Hub ids stay ids, local models become their folders."""
    base = "" if model.base is None else _outside(model.base_ref, model.base)
    return TASKS[task].snippet(_outside(model.ref, model.path), inputs, params, base=base)


def _outside(ref: str, folder: Path) -> str:
    if HUB_ID.fullmatch(ref):  # a pinned revision is a folder too: that very commit
        return ref
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


def _from_kit(ref: str, settings: Settings, owner: str) -> ModelFiles:
    from studio.starter import kit

    entry = kit.entry(ref, settings)
    if entry.kind not in MODELS:
        known = ", ".join(other.id for other in kit.entries(root=settings) if other.kind in MODELS)
        raise InvalidInput("model", ref, f"It is a data set. Models of the kit: {known}.")
    files = ModelFiles(ref, entry.path, None, entry.base, "", entry.license, tasks=tuple(entry.tasks))
    if entry.library in WHOLE:
        return _checked(files, settings, owner)
    size, written = folders.measure(entry.path)  # no configuration of transformers: its task knows how to load it
    base = resolve_model(entry.base, settings, owner).path if entry.base else None
    return replace(files, base=base, bytes=size, written_ns=written)


def _from_artifact(ref: str, settings: Settings, owner: str) -> ModelFiles:
    artifact_id = ref.removeprefix("artifact:")
    artifact = artifacts.load(settings.artifacts_dir, artifact_id)
    if artifact.manifest.owner != owner:
        raise NotFound(f"There is no artifact {artifact_id!r}.")
    if artifact.manifest.kind not in MODELS:
        raise InvalidInput("model", ref, f"This artifact is of kind {artifact.manifest.kind!r}, not a model.")
    base, base_ref, terms, tasks = artifact.manifest.base_model, "", "", tuple(filter(None, [artifact.manifest.task]))
    if base is not None:
        pinned = base.revision and not base.id.startswith(("kit:", "artifact:")) and "@" not in base.id
        base_ref, terms = (f"{base.id}@{base.revision}" if pinned else base.id), base.license
    return _checked(ModelFiles(ref, artifact.path, None, base_ref, "", terms, tasks=tasks), settings, owner)


def _from_hub(ref: str, settings: Settings, owner: str, task: str = "") -> ModelFiles:
    repo_id, revision = hub_id(ref)
    snapshot = _snapshot(repo_id, revision, settings, task, int(time.monotonic() // SNAPSHOT_SECONDS))
    return _checked(ModelFiles(ref, snapshot.path, revision=snapshot.sha, license=snapshot.license), settings, owner)


@lru_cache(maxsize=64)
def _snapshot(repo_id: str, revision: str, settings: Settings, task: str, _period: int) -> HubSnapshot:
    """Refuse what could not be loaded before anything is downloaded."""
    with suppress(HubUnreachable):  # then the copy of an earlier download is looked at
        found = remote.look_up(repo_id, revision, settings)
        if task:
            check_remote(found, task, settings)
            memory.check(repo_id, remote.memory_bytes(found, memory.device()), settings, memory.device())
        else:
            remote.check(found, settings)
    return downloads.download_model(repo_id, revision, settings)


def _checked(found: ModelFiles, settings: Settings, owner: str) -> ModelFiles:
    """What lies in the folder; an adapter's base is resolved too, and must be a whole model."""
    size, written = folders.measure(found.path)
    found = replace(found, written_ns=written)
    if (whole := _whole(found, size)) is not None:
        return whole
    folders.check_weights(found.ref, found.path, folders.ADAPTER_WEIGHTS)
    adapter = folders.read_json(found.ref, found.path / folders.ADAPTER_CONFIG)
    inside = found.path / "base"  # published adapters of a kit model bring their base along
    if (inside / "config.json").is_file():
        base = _checked(ModelFiles(f"{found.ref}/base", inside), settings, owner)
        size -= base.bytes
    else:
        base = _base(found, str(adapter.get("base_model_name_or_path") or ""), settings, owner)
    return replace(
        found,
        base=base.path,
        base_ref=base.ref,
        license=found.license or base.license,
        bytes=size + base.bytes,
        tasks=found.tasks or ADAPTED.get(str(adapter.get("task_type")), ()),
        architectures=base.architectures,
    )


@lru_cache(maxsize=256)
def _whole(found: ModelFiles, size: int) -> ModelFiles | None:
    """The same for a model that needs no other, read once per state of its files; None for an adapter."""
    if (found.path / folders.PIPELINE).is_file():
        kind = folders.check_pipeline(found.ref, found.path)
        return replace(found, base_ref="", bytes=size, architectures=(kind,))
    if (found.path / folders.ADAPTER_CONFIG).is_file():
        return None
    config = folders.read_config(found.ref, found.path)
    folders.check_weights(found.ref, found.path)
    names = tuple(str(name) for name in config.get("architectures") or ())
    return replace(found, base_ref="", bytes=size, architectures=names)


def _base(adapter: ModelFiles, named: str, settings: Settings, owner: str) -> ModelFiles:
    ref = adapter.base_ref or named
    if ref.startswith(("kit:", "artifact:")):
        base = resolve_model(ref, settings, owner)
    elif HUB_ID.fullmatch(ref.partition("@")[0]):
        base = _from_hub(ref, settings, owner)
    else:  # a folder that a foreign file names is never followed
        raise InvalidInput("model", adapter.ref, "The adapter does not name its base model by a kit or Hub id.")
    if base.base is not None:
        raise InvalidInput("model", adapter.ref, f"Its base {ref} is an adapter itself; a base must be a whole model.")
    return base
