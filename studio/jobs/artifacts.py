"""Artifacts: a folder and its manifest. Written beside and renamed, so that a half-written one never exists."""

import json
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from studio.core.errors import NotFound, StudioError, shorten

MANIFEST = "manifest.json"
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class DataReference(BaseModel):
    """Which data a run has seen."""

    id: str
    revision: str = ""
    fingerprint: str = Field("", description="sha256 over the data files that were read.")
    splits: dict[str, int] = Field(default_factory=dict, description="Rows used per split.")
    license: str = ""


class ModelReference(BaseModel):
    """Which model a run started from."""

    id: str
    revision: str = ""
    license: str = ""


class Manifest(BaseModel):
    """What made an artifact. Everything that the model card is filled from."""

    format: int = 1
    id: str
    kind: str = Field(description='What it is: "adapter", "model", "dataset", "predictions" …')
    title: str
    task: str = Field("", description="The Hub's pipeline tag.")
    recipe: str
    params: dict[str, Any]
    owner: str
    job: str
    created_at: float
    base_model: ModelReference | None = None
    data: DataReference | None = None
    labels: list[str] = Field(default_factory=list)
    seed: int = 0
    versions: dict[str, str] = Field(default_factory=dict, description="Package → version.")
    metrics: dict[str, float] = Field(default_factory=dict, description="Held-out figures of the kept model.")
    baselines: dict[str, float] = Field(default_factory=dict, description="What a trivial model reaches.")
    seconds: float = 0
    device: str = "cpu"
    predicted_memory_bytes: int = 0
    measured_memory_bytes: int = 0
    published: list[str] = Field(default_factory=list, description="Where it was pushed to, newest last.")


@dataclass(frozen=True)
class Artifact:
    """A finished result on disk."""

    path: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.manifest.id

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())


def stage(folder: Path) -> Path:
    """An empty folder beside the finished ones, to be filled and then handed to `commit`."""
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / f".staging-{uuid.uuid4().hex[:12]}"
    staging.mkdir()
    return staging


def commit(staging: Path, manifest: Manifest) -> Artifact:
    """Write the manifest and rename the staged folder to its id; replaces a result of the same job."""
    write_manifest(staging, manifest)
    target = staging.parent / manifest.id
    if target.exists():
        shutil.rmtree(target)
    staging.rename(target)
    return Artifact(target, manifest)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step."""
    partial = folder / f".{MANIFEST}.{os.getpid()}"
    partial.write_text(json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / MANIFEST)


def load(folder: Path, artifact_id: str) -> Artifact:
    """Read one artifact; raises `NotFound`, or `StudioError` when its manifest is damaged."""
    if not ID.fullmatch(artifact_id):  # it comes from outside, and becomes a path
        raise NotFound(f"There is no artifact {shorten(artifact_id)}.")
    path = folder / artifact_id
    try:
        state = (path / MANIFEST).stat()
        return _read(path, state.st_mtime_ns, state.st_ino)
    except FileNotFoundError:
        raise NotFound(f"There is no artifact {artifact_id!r}.") from None
    except ValidationError as error:
        raise StudioError(
            f"The manifest of artifact {artifact_id!r} is damaged: {error.error_count()} errors."
        ) from None


@lru_cache(maxsize=256)
def _read(path: Path, written_ns: int, number: int) -> Artifact:
    """One artifact, read once per state of its manifest, which is only ever replaced."""
    del written_ns, number  # part of the cache's key only
    return Artifact(path, Manifest.model_validate_json((path / MANIFEST).read_text(encoding="utf-8")))


def delete(artifact: Artifact) -> None:
    """Remove an artifact with all its files; it is gone at once for every reader."""
    doomed = artifact.path.with_name(f".deleted-{uuid.uuid4().hex[:12]}")
    try:
        artifact.path.rename(doomed)
    except FileNotFoundError:  # somebody else was faster
        raise NotFound(f"There is no artifact {artifact.id!r}.") from None
    shutil.rmtree(doomed, ignore_errors=True)


def list_artifacts(folder: Path) -> list[Artifact]:
    """Every whole artifact, newest first; staging folders and damaged ones are passed over."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.name.startswith(".") and (path / MANIFEST).is_file():
            try:
                found.append(load(folder, path.name))
            except StudioError:
                continue
    return sorted(found, key=lambda artifact: artifact.manifest.created_at, reverse=True)
