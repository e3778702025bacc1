"""What a visitor's running job may write: as much as its owner has room for beside what other jobs are to write."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from studio.core.errors import QuotaExceeded
from studio.core.settings import Settings
from studio.data import owned
from studio.jobs.engine import JobSpec
from studio.jobs.files import LOG

EVERY = 2.0  # seconds between two looks
SPARED = {"attempts", "checkpoints", LOG}  # of the job's folder: nothing of these becomes the owner's


class Allowance:
    """Counts what one job has written: no more than is kept free for it, or what of more there is room for then.

    Args:
        stores: whether what lies in the job's folder is to become its owner's.
    """

    def __init__(self, spec: JobSpec, settings: Settings, *, stores: bool) -> None:
        self._spec, self._settings, self._stores = spec, settings, stores
        self._name, self._at = owned.mark(spec.job), float("-inf")
        self._kept = owned.reserved(settings, spec.owner, self._name)

    def check(self, staged: Sequence[Path], *, now: bool = False) -> None:
        """Raise `QuotaExceeded` where it has written more than there is room for."""
        if not owned.limited(self._settings) or not (now or time.monotonic() > self._at + EVERY):
            return
        self._at = time.monotonic()
        # what is staged was made of what lies in the job's folder, which goes away
        written = max(sum(map(_size, staged)), 0 if now else sum(map(_size, self._own())))
        if written <= self._kept:
            return
        owner = self._spec.owner
        # first kept, then looked at: of two that grow at once, one at least sees the other
        owned.reserve(self._settings, owner, self._name, written)
        if said := owned.full(self._settings, owner, written, besides=self._name):
            owned.reserve(self._settings, owner, self._name, self._kept)
            raise QuotaExceeded(said)
        self._kept = written

    def over(self) -> None:
        """Its result counts by itself now."""
        self._at = float("inf")
        owned.release(self._settings, self._spec.owner, self._name)

    def clear(self) -> None:
        """Leave nothing of it."""
        for path in self._own():
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
        self.over()

    def _own(self) -> list[Path]:
        upload = owned.folder(self._settings, self._spec.owner) / f".staging-{self._name}"
        mine = [one for one in self._spec.workdir.iterdir() if one.name not in SPARED] if self._stores else []
        return [*mine, *([upload] if upload.is_dir() else [])]


def _size(path: Path) -> int:
    """Bytes of a file, or of all in a folder; what goes away meanwhile takes none."""
    found = 0
    for file in path.rglob("*") if path.is_dir() else (path,):
        try:
            found += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return found
