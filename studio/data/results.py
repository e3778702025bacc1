"""Data sets that jobs have left: artifacts of kind "dataset", each its owner's. Jobs write them; here they are read."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.core.errors import InvalidInput, NotFound, StudioError, shorten
from studio.core.settings import Settings
from studio.data import parquet
from studio.data.records import Dataset, DatasetInfo

PREFIX = "artifact:"
KIND = "dataset"
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
RESULT, SPLIT = "result", "train"  # what a single file is called, and the split that it is


class _Source(BaseModel):
    license: str = ""


class _Manifest(BaseModel):
    """What of a manifest matters here."""

    model_config = ConfigDict(extra="ignore")

    kind: str
    title: str
    owner: str
    created_at: float
    data: _Source | None = Field(None)


def load(ref: str, settings: Settings, owner: str) -> Dataset:
    """The owner's result `artifact:ID`; raises `NotFound`, also when it is somebody else's, and `InvalidInput`."""
    artifact_id = ref.removeprefix(PREFIX)
    folder = settings.artifacts_dir / artifact_id
    manifest = _manifest(folder) if ID.fullmatch(artifact_id) else None
    if manifest is None or manifest.owner != owner:
        raise NotFound(f"There is no artifact {shorten(artifact_id)}.")
    if manifest.kind != KIND:
        raise InvalidInput("dataset", ref, f"This artifact is of kind {manifest.kind!r}, not a data set.")
    files = {SPLIT if file.stem == RESULT else file.stem: (file,) for file in sorted(folder.glob("*.parquet"))}
    if not files:
        raise NotFound(f"The files of {ref} are missing.")
    rows, columns = parquet.describe(files, ref)
    terms = manifest.data.license if manifest.data else ""
    size = sum(file.stat().st_size for paths in files.values() for file in paths)
    info = DatasetInfo(ref, manifest.title, "artifact", rows, columns, terms, description="Made by a job", bytes=size)
    return Dataset(info, {split: files[split] for split in rows})


def list_all(settings: Settings, owner: str) -> list[DatasetInfo]:
    """The owner's results that are data sets, newest first; damaged ones are passed over."""
    folder = settings.artifacts_dir
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        manifest = None if path.name.startswith(".") else _manifest(path)
        if manifest is not None and (manifest.owner, manifest.kind) == (owner, KIND):
            try:
                found.append((manifest.created_at, load(PREFIX + path.name, settings, owner).info))
            except StudioError:
                continue
    return [info for _, info in sorted(found, key=lambda one: one[0], reverse=True)]


def _manifest(folder: Path) -> _Manifest | None:
    try:
        return _Manifest.model_validate_json((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
