"""The starter kit's manifest: what is in the kit, where it lies, what it is worth, and whether it is whole.

Knows nothing of torch or of how an entry was made; that is `studio.starter.build`.
"""

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from studio.core.errors import StudioError, UnknownName
from studio.core.settings import ASSETS

KIT = ASSETS / "kit"
MANIFEST = "manifest.json"
Kind = Literal["model", "adapter", "dataset"]
Library = Literal["transformers", "peft", "diffusers", "datasets", "studio"]
Tier = Literal["kit", "extra"]


class KitError(StudioError):
    """The starter kit's manifest cannot be read; restore it with `git checkout -- assets/kit`."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KitFile(_Record):
    """One file of an entry, relative to the entry's folder."""

    path: str
    size: int = Field(ge=0, description="Bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError("must lie inside the entry's folder")
        return path


class Source(_Record):
    """What an entry was made from: a package and its version, never an address."""

    name: str = Field(description='"package==version", or a release of Debian.')
    sha256: str = Field(default="", description="Of the wheel, or of the package lists.")
    license: str = Field(default="", description="SPDX expression, or the name of the terms.")
    use: str = Field(default="", description="What was taken from it.")


class Quality(_Record):
    """One measured figure."""

    value: float
    split: str = Field(description="What it was measured on.")
    n: int = Field(ge=1, description="Rows or sentences measured.")
    note: str = Field(default="", description="How it was measured, where the name does not say.")
    baseline: float | None = Field(default=None, description="The same figure of the trivial answer.")
    baseline_note: str = Field(default="", description='What the trivial answer is, for example "largest class".')
    band: float = Field(default=0.1, gt=0, description="How far a sample of 200 rows may lie from the value.")
    greater_is_better: bool = True


class KitEntry(_Record):
    """One model or data set of the kit.

    Attributes:
        library: what loads it: "transformers", "peft" (an adapter), "diffusers", "datasets" (Parquet), or "studio" for
            the few that a task of ours has to wrap.
        tier: "kit" lies in the repository; an "extra" is fetched when it is asked for.
        license: SPDX expression or, for mixed material, the name of the terms; the text is in `license_file`.
        upstream: id on the Hub of what the entry was made from; "" where it has none.
        base: id of the kit's model that an adapter belongs to.
        toy: too small, or learned from too artificial data, to be of use beyond showing how things work.
        quality: measured on rows that were never trained on; the first figure is the one that lists show.
        root: folder of the manifest.
    """

    id: str = Field(pattern="^kit:[a-z0-9-]+$")
    kind: Kind
    library: Library = "transformers"
    tier: Tier = "kit"
    title: str
    description: str
    tasks: tuple[str, ...]
    license: str
    license_file: str
    attribution: str
    sources: tuple[Source, ...]
    upstream: str = ""
    base: str = ""
    toy: bool = False
    built_by: str = Field(description="Module that makes it; `studio kit build NAME` runs it.")
    seed: int
    versions: dict[str, str] = Field(description="Package → version that the entry was made with.")
    labels: tuple[str, ...] = ()
    splits: dict[str, int] = Field(default_factory=dict, description="Split → rows, for data sets.")
    training: dict[str, float | int | str] = Field(
        default_factory=dict, description="Settings that it was trained with."
    )
    quality: dict[str, Quality] = Field(default_factory=dict)
    files: tuple[KitFile, ...] = ()
    root: Path = Field(default=KIT, exclude=True, repr=False)

    @property
    def name(self) -> str:
        """The id without its prefix, which is the folder's name."""
        return self.id.removeprefix("kit:")

    @property
    def path(self) -> Path:
        """The entry's folder, absolute."""
        return self.root / self.name

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.size for file in self.files)


class KitManifest(_Record):
    """The whole manifest, as it lies on disk."""

    format: Literal[1] = 1
    entries: tuple[KitEntry, ...]


def entries(kind: str = "", task: str = "", root: Path = KIT) -> list[KitEntry]:
    """Every entry, or those of one kind ("model", "adapter", "dataset") or task (the Hub's pipeline tag).

    Raises `KitError` when the manifest is missing or unreadable.
    """
    return [one for one in _load(root) if (not kind or one.kind == kind) and (not task or task in one.tasks)]


def entry(id: str, root: Path = KIT) -> KitEntry:
    """One entry by its id, for example "kit:minilm-l6"; raises `UnknownName`, which lists the known ones."""
    known = {one.id: one for one in _load(root)}
    if id not in known:
        raise UnknownName("starter kit entry", id, list(known))
    return known[id]


def verify(id: str, root: Path = KIT) -> list[str]:
    """What is wrong with the entry's files, one sentence each with its repair; [] when it is whole.

    Reads every byte: about 0.1 s for 30 MB.
    """
    one = entry(id, root)
    repair = f"Restore it with `git checkout -- assets/kit`, or build it anew: `studio kit build {one.name}`."
    return [
        f"{id}: {one.name}/{file.path} {problem}. {repair}" for file in one.files if (problem := _problem(one, file))
    ]


def sha256(file: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _problem(one: KitEntry, file: KitFile) -> str:
    path = one.path / file.path
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != file.size:
        return f"has {path.stat().st_size} bytes instead of {file.size}"
    return "" if sha256(path) == file.sha256 else "has been changed (its sha256 differs)"


def _load(root: Path) -> tuple[KitEntry, ...]:
    path = root / MANIFEST
    try:
        return _parse(root, path.read_bytes())
    except (OSError, ValidationError) as error:
        raise KitError(
            f"The starter kit's manifest {path} cannot be read; restore it with `git checkout -- assets/kit`."
        ) from error


@cache
def _parse(root: Path, content: bytes) -> tuple[KitEntry, ...]:
    manifest = KitManifest.model_validate_json(content)
    return tuple(one.model_copy(update={"root": root.resolve()}) for one in manifest.entries)
