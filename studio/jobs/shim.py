"""The shim: one small process per attempt that outlives the web process, owns the runner's whole tree, and says
in `result.json` how it ended. Standard library only. What the runner does is none of its business.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from studio.jobs import files, processes

POLL = 0.1  # seconds between two looks at the cancel flag; the end of a child is noticed at once
BEAT = 1.0  # seconds between heartbeats
TERM_SECONDS = 2.0  # what a tree gets between SIGTERM and SIGKILL
MARK = "STUDIO_ATTEMPT"


def supervise(folder: Path, launch: Callable[[], int]) -> None:
    """Run `launch` in a child, carry out a cancel, end what the child leaves behind, write the result.

    Does nothing when another shim has claimed the folder, or the engine has given up waiting for one.
    """
    me = os.getpid()
    claim = {"pid": me, "start": processes.started(me), "boot_id": processes.boot_id()}
    if not files.claim_json(folder / files.SHIM, claim):
        return
    processes.adopt_orphans()
    if (folder / files.CANCEL).exists():
        _finish(folder, None, 0, cancelled=True)
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # kept pending for `_wait`
    runner = os.fork()
    if runner == 0:
        _become_runner(folder, me, launch)
    files.write_json(folder / files.RUNNER, {"pid": runner, "start": processes.started(runner)})
    status, peak, cancelled = _watch(folder, runner)
    _clear(folder)
    _finish(folder, os.waitstatus_to_exitcode(status), peak, cancelled=cancelled)


def _become_runner(folder: Path, shim: int, launch: Callable[[], int]) -> NoReturn:
    """In the child: an own session, output to the log, and death with the shim."""
    code = 1
    try:
        os.setsid()
        processes.die_with(shim)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        log = os.open(folder.parent.parent / files.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ[MARK] = str(folder)
        code = launch()
    finally:
        if sys.exc_info()[0]:
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # never run what the parent had planned for its own end


def _watch(folder: Path, runner: int) -> tuple[int, int, bool]:
    """Wait for the runner's end; its wait status, its peak memory in bytes, and whether a cancel was carried out."""
    beat, cancel_at = 0.0, None
    while True:
        now = time.monotonic()
        if now - beat >= BEAT:
            _beat(folder)
            beat = now
        if ended := _reap(runner):
            return ended[0], ended[1], cancel_at is not None
        if cancel_at is None and (asked := files.read_json(folder / files.CANCEL)) is not None:
            cancel_at = now + float(asked.get("grace", 0))
        if cancel_at is not None and now >= cancel_at:
            kill = now >= cancel_at + TERM_SECONDS
            processes.send(processes.descendants(os.getpid()), signal.SIGKILL if kill else signal.SIGTERM)
        _wait(POLL)


def _beat(folder: Path) -> None:
    with contextlib.suppress(OSError):  # a full disk is no reason to end the job
        (folder / files.HEARTBEAT).touch()


def _reap(runner: int) -> tuple[int, int] | None:
    """Collect every child that has ended; the runner's wait status and peak memory when it is among them."""
    ended = None
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        if pid == runner:
            ended = status, _bytes(usage)


def _bytes(usage: resource.struct_rusage) -> int:
    """Peak resident memory: the kernel's own high-water mark, in KiB on Linux and bytes on macOS."""
    return usage.ru_maxrss * (1024 if processes.LINUX else 1)


def _wait(seconds: float) -> None:
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait({signal.SIGCHLD}, seconds)
    else:
        time.sleep(seconds)


def _clear(folder: Path) -> None:
    """End whatever the runner has left; returns only when nothing of it lives."""
    while True:
        _reap(0)
        left = processes.descendants(os.getpid())
        if not left:
            return
        processes.send(left, signal.SIGKILL)
        _beat(folder)
        _wait(0.01)


def _finish(folder: Path, exit_code: int | None, peak: int, *, cancelled: bool) -> None:
    """Write the result. Who finished in time has succeeded, even when a cancel came in between."""
    verdict = files.read_json(folder / files.VERDICT) or {}
    outcome: Any = verdict.get("outcome") if exit_code is not None and exit_code >= 0 else None
    if cancelled and outcome != "succeeded":
        outcome = "cancelled"
    files.write_json(
        folder / files.RESULT,
        {"exit_code": exit_code, "outcome": outcome or "failed", "peak_memory_bytes": peak, "at": time.time()},
    )


def main(folder: Path, command: list[str]) -> None:
    """Supervise `command`; secrets come in on standard input and go out on the runner's, and nowhere else."""
    secrets = sys.stdin.buffer.read()
    supervise(folder, lambda: _execute(command, secrets))


def _execute(command: list[str], secrets: bytes) -> NoReturn:
    read, write = os.pipe()
    os.write(write, secrets or json.dumps({}).encode())
    os.close(write)
    os.dup2(read, 0)
    os.close(read)
    os.execv(command[0], command)  # noqa: S606  no shell is wanted
