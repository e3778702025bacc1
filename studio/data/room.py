"""Folders that can be made again, within a bounded space: the longest unused go first."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DAY = 24 * 3600
PREFIX = "studio-duckdb-"
SWEEP_EVERY = 600.0  # seconds between two looks for what killed processes have left

_turn = threading.Lock()
_swept = {"at": float("-inf")}
CUT = 0.8  # of the limit is what is left


def used(folder: Path) -> None:
    """Note that a folder was used just now."""
    try:
        os.utime(folder)
    except OSError:  # another process has taken it away
        return


@dataclass(frozen=True)
class Room:
    """A folder of folders, the bytes that all of them may take, and the seconds for which what was used stays."""

    folder: Path
    limit: int
    fresh: int = DAY  # a job may be reading it

    def trim(self) -> None:
        """Take away those that were not used for longest, until all fit.

        Hidden ones are under way: they go when nothing was done to them for a day.
        """
        now, found = time.time(), []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                if path.is_dir():
                    sizes = [file.stat() for file in path.rglob("*") if file.is_file()]
                    newest = max([path.stat().st_mtime, *(one.st_mtime for one in sizes)])
                    found.append((path.stat().st_mtime, newest, sum(one.st_blocks * 512 for one in sizes), path))
            except FileNotFoundError:  # another process trims as well
                continue
        left = []
        for last, newest, size, path in sorted(found):
            if path.name.startswith(".") and now - newest > DAY:
                shutil.rmtree(path, ignore_errors=True)
            else:
                left.append((last, size, path))
        total = sum(size for _, size, _ in left)
        if total <= self.limit:
            return
        for last, size, path in left:
            if now - last > self.fresh and not path.name.startswith("."):
                shutil.rmtree(path, ignore_errors=True)
                total -= size
            if total <= self.limit * CUT:
                return


@contextmanager
def temporary() -> Iterator[str]:
    """A folder for what does not fit into memory, for one piece of work; those of processes that are gone go too."""
    with _turn:
        due = time.monotonic() - _swept["at"] > SWEEP_EVERY
        _swept["at"] = time.monotonic() if due else _swept["at"]
    if due:
        sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield folder


def sweep(folder: Path) -> None:
    """Remove the temporary folders of this user's processes that were killed."""
    for path in folder.glob(f"{PREFIX}*"):
        owner = path.name.removeprefix(PREFIX).partition("-")[0]
        try:
            gone = owner.isdigit() and not _alive(int(owner)) and path.stat().st_uid == os.getuid()
        except FileNotFoundError:  # another process sweeps as well
            continue
        if gone:
            shutil.rmtree(path, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
