"""A data set at a path of this machine: its files, its configurations, and the beginning of what is large."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from studio.core.errors import NotFound, UnknownName
from studio.core.settings import Settings
from studio.data import beginnings, intake, prepared, splits
from studio.data.beginnings import Beginning, Begun

THEN = "add it to see and use all of it, which runs as a job"


@dataclass(frozen=True)
class Found:
    """A file or a folder.

    Attributes:
        header: the YAML of a folder's README, untrusted.
        config: the configuration that is asked for, "" for the default one.
        configs: all of them, the default one first.
        begun: what is only the beginning of it.
    """

    path: Path
    header: Mapping[str, object] = field(hash=False)
    config: str
    configs: tuple[str, ...]
    begun: Begun


def find(ref: str, settings: Settings, *, whole: bool) -> Found:
    """Look it up; where it need not be `whole`, the beginning of what is large and not converted yet is given.

    Raises:
        NotFound: there is no such path.
        UnknownName: no such configuration.
        Unopened: it need not be whole, and has no beginning.
    """
    path, config = _located(ref)
    header = splits.header_of(path) if path.is_dir() else {}
    known = splits.configs(header)
    if config and config not in (known or (splits.DEFAULT,)):
        raise UnknownName("configuration", config, known or (splits.DEFAULT,))
    begun = Begun() if whole else _begun(path, header, config, settings)
    return Found(path, header, config, known, begun)


def configs(ref: str) -> tuple[str, ...]:
    """The configurations that a folder's README names, the default one first; raises `NotFound`."""
    path, _ = _located(ref)
    return splits.configs(splits.header_of(path)) if path.is_dir() else ()


def is_folder(ref: str) -> bool:
    """Whether this names a folder, with or without a configuration behind "#"."""
    try:
        return _located(ref)[0].is_dir()
    except (NotFound, OSError, ValueError):
        return False


def _located(ref: str) -> tuple[Path, str]:
    path, config = Path(ref).expanduser().absolute(), ""
    if not path.exists() and "#" in ref:
        named, _, config = ref.rpartition("#")
        path = Path(named).expanduser().absolute()
    if not path.exists():
        raise NotFound(f"There is no file or folder {ref!r}.")
    return path, config


def _begun(path: Path, header: Mapping[str, object], config: str, settings: Settings) -> Begun:
    folder = path if path.is_dir() else path.parent
    found: prepared.Found = {intake.SPLIT: (path.name,)}
    if path.is_dir():
        found = splits.by_split(splits.listed(path), header, config)
    size = prepared.waiting(folder, found, config, prepared.room("files", settings))
    if size <= beginnings.SMALL:
        return Begun()
    if not beginnings.have_rows(name for names in found.values() for name in names):
        raise beginnings.unopened(path.name, size)
    sizes = {split: {name: (folder / name).stat().st_size for name in names} for split, names in found.items()}

    def make(name: str, size: int, stop: int) -> Beginning:
        return Beginning(name, size, stop, prepared.state(folder / name), partial(_bytes, folder / name))

    return beginnings.begun(sizes, make, THEN)


def _bytes(path: Path, start: int, stop: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)
