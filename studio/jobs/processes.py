"""Processes of this machine: who is alive, who descends from whom, and how a whole tree is ended.

Standard library only, because the shim uses it. Linux reads /proc; elsewhere `ps` answers, without start times
finer than a second and without the adoption of orphans.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


class _Row(NamedTuple):
    parent: int
    session: int
    started: int
    zombie: bool


@cache
def boot_id() -> str:
    """Names this run of the kernel: a pid of another boot means nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def started(pid: int) -> int | None:
    """When a process started (clock ticks since boot; seconds where there is no /proc); None when it is gone."""
    row = _row(pid)
    return row.started if row and not row.zombie else None


def alive(pid: int, start: int, boot: str) -> bool:
    """Whether this very process runs, and not a later one that was given the same number."""
    return pid > 0 and boot == boot_id() and started(pid) == start


def descendants(pid: int) -> list[int]:
    """Children, their children and so on; those that have died but were not reaped included."""
    if LINUX:
        found, todo = [], _children(pid)
        while todo:
            child = todo.pop()
            found.append(child)
            todo += _children(child)
        return found
    rows, found = _table(), [pid]
    for parent in found:
        found += [child for child, row in rows.items() if row.parent == parent and child not in found]
    return found[1:]


def marked(session: int, mark: str) -> list[int]:
    """Living processes of a session, and those whose environment holds `mark` (NAME=value), wherever they hang.

    This finds what a supervisor that was killed has left behind: nobody is its parent any more.
    """
    needle = os.fsencode(mark)
    found = []
    for pid, row in _table().items():
        if row.zombie or pid == os.getpid():
            continue
        if (session and row.session == session) or needle in _environment(pid).split(b"\0"):
            found.append(pid)
    return found


def send(pids: Iterable[int], number: int) -> None:
    """Signal them all; who is gone already is passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def adopt_orphans() -> None:
    """Make this process the parent of whatever its descendants leave behind (Linux)."""
    if LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int) -> None:
    """Be killed when the parent dies (Linux); ends this process at once if that has happened already."""
    if LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _row(pid: int) -> _Row | None:
    if not LINUX:
        return _table().get(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return _Row(int(fields[1]), int(fields[3]), int(fields[19]), fields[0] in "ZX")


def _table() -> dict[int, _Row]:
    if LINUX:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  half the time of iterdir
        return {pid: row for pid in pids if (row := _row(pid))}
    answer = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,sess=,stat=,lstart="], capture_output=True, text=True, check=True
    )
    rows = {}
    for line in answer.stdout.splitlines():
        pid, parent, _, state, when = line.split(None, 4)
        # A session's number is not shown on macOS; the hash of the start time tells processes apart well enough.
        rows[int(pid)] = _Row(int(parent), 0, sum(ord(c) * 31**i for i, c in enumerate(when.strip())), "Z" in state)
    return rows


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except OSError:
        pass  # it ended meanwhile
    return found


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # somebody else's, or gone
        return b""
