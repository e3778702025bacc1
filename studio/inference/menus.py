"""Menus of models: what answers for a task here, what a fine-tune can start from, and what is chosen for nobody."""

from dataclasses import dataclass
from typing import Literal

from studio.core.errors import HubUnreachable, StudioError
from studio.core.settings import Settings
from studio.inference import models
from studio.jobs import artifacts
from studio.tasks import TASKS

TRAINABLE = {"feature-extraction", "sentence-similarity", "fill-mask", "text-classification"}  # encoders of text


@dataclass(frozen=True)
class ModelInfo:
    """One line of a menu; `note` says in a few words what is special about it."""

    ref: str
    title: str
    source: Literal["kit", "artifact"]
    license: str
    bytes: int
    note: str = ""


def default_model(task: str, settings: Settings, *, reachable: bool) -> str:
    """What answers for a task when no model is named: the first of `Task.models` that can be had now.

    Without the Hub (`reachable` is False) that is the kit's. Raises `HubUnreachable` when there is none.
    """
    from studio.starter import kit

    here = {entry.id for entry in kit.entries(root=settings)}
    for ref in TASKS[task].models:
        if ref in here or (reachable and not ref.startswith("kit:")):
            return ref
    extras = [
        entry.name for entry in kit.known(task=task, root=settings) if entry.kind in models.MODELS and not entry.here
    ]
    added = f" `studio kit add {extras[0]}` brings one here." if extras else ""
    raise HubUnreachable(f"For {task} there is no model on this machine, and the Hub cannot be reached.{added}")


def available(
    task: str, settings: Settings, owner: str, use: Literal["predict", "train"] = "predict"
) -> list[ModelInfo]:
    """Menu of a task: the kit's models, then the owner's own, newest first.

    "predict" lists what answers at once; "train" lists whole models that a fine-tune can start from.
    """
    from studio.starter import kit

    tasks = {task} if use == "predict" else TRAINABLE
    first = {ref: place for place, ref in enumerate(TASKS[task].models)} if use == "predict" else {}
    here = [entry for entry in kit.entries(root=settings) if entry.kind in models.MODELS]
    offered = [entry for entry in here if tasks & set(entry.tasks) or entry.id in first]
    offered.sort(key=lambda entry: first.get(entry.id, len(first)))
    titles = {entry.id: entry.title for entry in offered}
    for artifact in artifacts.list_artifacts(settings.artifacts_dir):
        if artifact.manifest.owner == owner and artifact.manifest.kind in models.MODELS:
            titles[f"artifact:{artifact.id}"] = artifact.manifest.title
    found = []
    for ref, title in titles.items():
        try:
            files = models.resolve_model(ref, settings, owner)
        except StudioError:  # its base is gone, say: the reason comes when it is asked for by name
            continue
        fits = task in models.tasks_of(files) or ref in first
        if fits if use == "predict" else files.base is None:
            note = f"adapter for {files.base_ref}" if files.base_ref else ""
            source: Literal["kit", "artifact"] = "kit" if ref.startswith("kit:") else "artifact"
            found.append(ModelInfo(ref, title, source, files.license, files.bytes, note))
    return found
