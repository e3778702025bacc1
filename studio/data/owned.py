"""What of the disk is an owner's: where their uploads lie, how much these and their results take, how much they may."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data.content import MEGABYTE


def folder(settings: Settings, owner: str) -> Path:
    """Where an owner's uploads lie; the name is a hash, for an owner's name may hold anything."""
    return settings.uploads_dir / hashlib.sha256(owner.encode()).hexdigest()[:32]


def used(settings: Settings, owner: str) -> int:
    """Bytes of the owner's uploads and of all that their jobs have left; each folder is looked into once per state."""
    mine = sum(size for _, size in _folders(folder(settings, owner)))
    return mine + sum(size for whose, size in _folders(settings.artifacts_dir) if whose == owner)


def check(settings: Settings, owner: str, field: str, value: object, more: int = 0) -> None:
    """Raise `InvalidInput` at `field` where the owner has no room, or none for so many bytes `more`."""
    allowed = settings.max_owner_mb * MEGABYTE
    if not settings.public or not allowed:
        return
    taken = used(settings, owner)
    if taken + more > allowed or taken == allowed:
        wanted = f", and this takes {_shown(more)} more" if more else ""
        raise InvalidInput(
            field,
            value,
            f"Your uploads and results take {_shown(taken)} of the {_shown(allowed)} that they may take{wanted}. "
            "Delete data sets or results that you no longer need.",
        )


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
