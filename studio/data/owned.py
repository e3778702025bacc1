"""What of the disk is an owner's: where their uploads lie, how much these and their results take, how much they may.

What their jobs are foreseen to write, and have written, counts as used while they wait and run.
"""

import hashlib
import json
import os
import threading
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data.content import MEGABYTE


def folder(settings: Settings, owner: str) -> Path:
    """Where an owner's uploads lie; the name is a hash, for an owner's name may hold anything."""
    return settings.uploads_dir / hashlib.sha256(owner.encode()).hexdigest()[:32]


def mark(job: str) -> str:
    """What a job's own is called among its owner's: what is kept free for it, and the upload that it makes."""
    return hashlib.sha256(f"upload\0{job}".encode()).hexdigest()[:16]


def limited(settings: Settings) -> bool:
    """Whether owners have so much room only."""
    return settings.public and bool(settings.max_owner_mb)


def used(settings: Settings, owner: str, besides: str = "") -> int:
    """Bytes of the owner's uploads, of all that their jobs have left, and of what is kept free, but for one `mark`.

    Each folder is looked into once per state.
    """
    mine = sum(size for _, size in _folders(folder(settings, owner)))
    mine += sum(size for whose, size in _folders(settings.artifacts_dir) if whose == owner)
    return mine + sum(map(_reserved, (one for one in _reservations(settings, owner) if one.name != besides)))


def check(settings: Settings, owner: str, field: str, value: object, more: int = 0, *, besides: str = "") -> None:
    """Raise `InvalidInput` at `field` where the owner has no room, or none for so many bytes `more`."""
    if limited(settings) and (said := full(settings, owner, more, besides=besides)):
        raise InvalidInput(field, value, said)


def full(settings: Settings, owner: str, more: int = 0, *, besides: str = "") -> str:
    """What says that the owner has no room, or none for so many bytes `more`; "" where there is."""
    allowed, taken = settings.max_owner_mb * MEGABYTE, used(settings, owner, besides)
    if taken + more <= allowed and taken != allowed:
        return ""
    wanted = f", and this takes {_shown(more)} more" if more else ""
    kept = sum(_reserved(one) for one in _reservations(settings, owner) if one.name != besides)
    running = f"; {_shown(kept)} are kept for jobs that wait or run" if kept else ""
    return (
        f"Your uploads and results take {_shown(taken - kept)} of the {_shown(allowed)} that they may take"
        f"{running}{wanted}. Delete data sets or results that you no longer need."
    )


def free(settings: Settings, owner: str) -> int:
    """Bytes that the owner has left."""
    return max(0, settings.max_owner_mb * MEGABYTE - used(settings, owner))


def reserve(settings: Settings, owner: str, name: str, size: int) -> None:
    """Keep bytes free under a `mark`: they count as used until `release`."""
    if not limited(settings):
        return
    place = _place(settings, owner)
    place.mkdir(parents=True, exist_ok=True)
    partial = place / f".{name}.{os.getpid()}.{threading.get_ident()}"
    partial.write_text(str(size), encoding="ascii")
    partial.replace(place / name)


def reserved(settings: Settings, owner: str, name: str) -> int:
    """How many bytes are kept free under a `mark`."""
    return _reserved(_place(settings, owner) / name)


def release(settings: Settings, owner: str, name: str) -> None:
    """Keep nothing free under a `mark` any more."""
    (_place(settings, owner) / name).unlink(missing_ok=True)


def release_others(settings: Settings, owner: str, names: Collection[str]) -> None:
    """Keep nothing free but under these marks: of a job that ended unseen there may be something left."""
    for one in _reservations(settings, owner):
        if one.name not in names:
            one.unlink(missing_ok=True)


def _place(settings: Settings, owner: str) -> Path:
    return settings.home / "reserved" / folder(settings, owner).name


def _reservations(settings: Settings, owner: str) -> list[Path]:
    place = _place(settings, owner)
    return [one for one in place.iterdir() if not one.name.startswith(".")] if place.is_dir() else []


def _reserved(reservation: Path) -> int:
    try:
        return int(reservation.read_text(encoding="ascii"))
    except (OSError, ValueError):  # it was released meanwhile
        return 0


def _shown(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"


def _folders(parent: Path) -> list[tuple[str, int]]:
    """Whose each whole folder is, and its size; hidden ones are under way."""
    found = []
    for path in parent.iterdir() if parent.is_dir() else ():
        if not path.name.startswith("."):
            try:
                found.append(_looked_into(path, path.stat().st_mtime_ns))
            except OSError:  # it was deleted meanwhile
                continue
    return found


@lru_cache(maxsize=65_536)
def _looked_into(folder: Path, modified: int) -> tuple[str, int]:
    """Whose a folder is ("" where it does not say), and its size; what lies in one is not written to any more."""
    del modified
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    try:
        whose = json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("owner", "")
    except (OSError, ValueError, AttributeError):
        whose = ""
    return str(whose), size
