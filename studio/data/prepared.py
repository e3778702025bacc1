"""Files of rows, pictures or sounds as Parquet, made once per state of them, within a bounded space."""

import hashlib
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data import beginnings, intake, splits, uploads
from studio.data import room as rooms
from studio.data.beginnings import Begun
from studio.data.content import ALLOWED, MEGABYTE
from studio.data.intake import Taken
from studio.data.records import DataFile
from studio.data.room import Room
from studio.data.watching import UNWATCHED, Watch

REMARK = "remark.txt"  # beside converted splits: what there is to say about them

Files = dict[str, tuple[DataFile, ...]]
Found = Mapping[str, Sequence[str]]


def room(name: str, settings: Settings) -> Room:
    """Where what was made of files lies: "hub" or "files", by where these come from."""
    return Room(settings.home / "datasets" / name, settings.max_prepared_mb * MEGABYTE)


def state(path: Path) -> str:
    """Tells a file as it is now from all others."""
    stat = path.stat()
    return f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{path.suffix}"


def waiting(source: Path, found: Found, config: str, room: Room) -> int:
    """Bytes of the files of a folder that would have to be converted first."""
    paths = [source / name for names in found.values() for name in names]
    if splits.are_media(found):
        paths = [] if _place(room, [config, *map(state, paths)]).is_dir() else paths
    else:
        paths = [path for path in paths if not (_is_parquet(path) or _place(room, [state(path)]).is_dir())]
    return sum(path.stat().st_size for path in paths)


def folder(
    source: Path, header: Mapping[str, object], config: str, room: Room, watch: Watch = UNWATCHED
) -> tuple[Files, str]:
    """The files of a folder by split, converted where they have to be, and what there is to say about them."""
    found = splits.by_split(splits.listed(source), header, config)
    if not found:
        raise InvalidInput("dataset", source.name, f"The folder holds no data files. {ALLOWED}")
    if splits.are_media(found):
        states = [state(source / name) for names in found.values() for name in names]
        made, remark = _made(
            room, [config, *states], lambda to: intake.take_media(source, found, source.name, to, watch)
        )
        return dict(made), remark
    files: Files = {}
    number, place = sum(map(len, found.values())), 0
    for split, names in found.items():
        for name in names:
            converted = file(source / name, room, watch.part(place / number, (place + 1) / number))
            place += 1
            for inner, paths in converted.items():
                into = split if tuple(converted) == (intake.SPLIT,) else inner
                files[into] = (*files.get(into, ()), *paths)
    return files, ""


def file(path: Path, room: Room, watch: Watch) -> dict[str, tuple[Path, ...]]:
    """A file's splits as Parquet; it is converted once per state."""
    if _is_parquet(path):
        return {intake.SPLIT: (path,)}
    return _made(room, [state(path)], lambda to: intake.take(path, path.name, to, 0, watch))[0]


def begun(begun: Begun, room: Room, watch: Watch) -> Files:
    """The beginning of each split as Parquet."""
    files: Files = {}
    for place, (split, one) in enumerate(begun.files.items()):
        step = watch.part(place / len(begun.files), (place + 1) / len(begun.files))
        made, _ = _made(room, [one.state], partial(beginnings.take, one, watch=step))
        files[split] = made[intake.SPLIT]
    return files


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _place(room: Room, states: Sequence[str]) -> Path:
    return room.folder / hashlib.sha256("\0\0".join(states).encode(errors="surrogateescape")).hexdigest()[:32]


def _made(room: Room, states: Sequence[str], make: Callable[[Path], Taken]) -> tuple[dict[str, tuple[Path, ...]], str]:
    """The folder of splits that `make` fills, once per state; a folder is whole or not there."""
    target = _place(room, states)
    if not target.is_dir():
        uploads.sweep(room.folder)
        staging = room.folder / f".staging-{secrets.token_hex(8)}"
        staging.mkdir(parents=True)
        try:
            remark = make(staging).remark
            (staging / REMARK).write_text(remark, encoding="utf-8")
            if not target.is_dir():  # somebody else may have been faster
                staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        room.trim()
    rooms.used(target)
    remark = (target / REMARK).read_text(encoding="utf-8")
    return {path.stem: (path,) for path in sorted(target.glob("*.parquet"))}, remark
