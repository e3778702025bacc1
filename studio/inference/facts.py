"""What one wants to know of a model before it is loaded: size, memory, licence, gate, and why it cannot be used."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.hub import models as hub
from studio.hub.models import ModelFilters, RemoteModel
from studio.inference import folders, memory, models, remote
from studio.jobs import artifacts
from studio.starter import kit
from studio.tasks import TASKS

Source = Literal["kit", "artifact", "hub"]


@dataclass(frozen=True)
class ModelFacts:
    """A model as a menu shows it; where it cannot be used, `problem` says in one sentence why.

    Attributes:
        bytes: of all files, an adapter's base included; what would be downloaded.
        memory_bytes: what its weights take once loaded on `device` in `dtype`; 0 where nobody knows.
        gated: whether people must ask for access on the Hub.
        format: "safetensors", "pickle" or "other" (ONNX, GGUF …), "" where it could not be looked at.
        downloads: of the last month, on the Hub.
    """

    ref: str
    title: str
    source: Source
    license: str = ""
    bytes: int = 0
    memory_bytes: int = 0
    gated: bool = False
    format: str = ""
    device: str = ""
    dtype: str = ""
    downloads: int | None = None
    likes: int | None = None
    problem: str = ""


def of(ref: str, task: str, settings: Settings, owner: str, device: str) -> ModelFacts:
    """The facts of any reference; what is wrong with it stands in `problem`, and nothing is raised or downloaded."""
    ref, task = ref.strip(), TASKS[task].id
    try:
        if ref.startswith(("kit:", "artifact:")):
            return _local(ref, task, settings, owner, device)
        return _remote(ref, task, settings, device)
    except StudioError as error:
        return ModelFacts(ref, _title(ref, settings, owner), _source(ref), device=device, problem=_sentence(error))


def search(task: str, words: str, filters: ModelFilters, settings: Settings, device: str) -> list[ModelFacts]:
    """Models of the Hub for a task; raises `InvalidInput` for a filter, and `HubUnreachable`."""
    found = hub.search(TASKS[task].id, words, filters, settings)
    return [_judged(one, one.id, task, (settings, device), 0) for one in found]


def _local(ref: str, task: str, settings: Settings, owner: str, device: str) -> ModelFacts:
    files = models.resolve_model(ref, settings, owner)
    need = models.memory_bytes(files, device)
    found = ModelFacts(
        ref,
        _title(ref, settings, owner),
        _source(ref),
        license=files.license,
        bytes=files.bytes,
        memory_bytes=need,
        format=folders.weight_format([file.name for file in files.path.rglob("*")]),
        device=device,
        dtype=memory.dtype(files.bytes, device),
    )
    try:
        models.check_task(files, task)
        memory.check(ref, need, settings, device)
    except StudioError as error:
        return replace(found, problem=_sentence(error))
    return found


def _remote(ref: str, task: str, settings: Settings, device: str) -> ModelFacts:
    repo_id, revision = models.hub_id(ref)
    found = remote.look_up(repo_id, revision, settings)
    base = remote.base_of(found)
    of_base = remote.memory_bytes(remote.look_up(base, "", settings), device) if base else 0
    facts = _judged(found, ref, task, (settings, device), of_base)
    if found.gated and not facts.problem:
        try:
            hub.check_access(repo_id, settings)
        except StudioError as error:
            return replace(facts, problem=_sentence(error))
    return facts


def _judged(model: RemoteModel, ref: str, task: str, here: tuple[Settings, str], of_base: int) -> ModelFacts:
    """What the Hub has told, and whether it could be used here, on a device; `of_base` is what a base takes."""
    settings, device = here
    problem, need = "", remote.memory_bytes(model, device) + of_base
    try:
        models.check_remote(model, task, settings)
        memory.check(model.id, need, settings, device)
    except StudioError as error:
        problem = _sentence(error)
    return ModelFacts(
        ref,
        model.id,
        "hub",
        license=model.license,
        bytes=model.bytes,
        memory_bytes=need,
        gated=model.gated,
        format=folders.weight_format([file.path for file in model.files]),
        device=device,
        dtype=memory.dtype(model.bytes, device),
        downloads=model.downloads,
        likes=model.likes,
        problem=problem,
    )


def _source(ref: str) -> Source:
    return "kit" if ref.startswith("kit:") else "artifact" if ref.startswith("artifact:") else "hub"


def _title(ref: str, settings: Settings, owner: str) -> str:
    """How menus call it; of what cannot be found its reference."""
    with suppress(StudioError):
        if ref.startswith("kit:"):
            return kit.any_entry(ref, settings).title
        if ref.startswith("artifact:"):
            manifest = artifacts.load(settings.artifacts_dir, ref.removeprefix("artifact:")).manifest
            return manifest.title if manifest.owner == owner else ref
    return ref


def _sentence(error: StudioError) -> str:
    """What a form would say under the field."""
    return error.expected if isinstance(error, InvalidInput) else str(error)
