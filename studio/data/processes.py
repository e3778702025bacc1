"""Processes that answer one question after another, each with a deadline at which it is killed, and bounded in number.

What strangers bring is worked on there: whatever it does to memory or time, this process goes on.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from studio.core.errors import JobCancelled, QuotaExceeded, StudioError
from studio.data.records import DataFile, RemoteFile

POLL = 0.05
PORTION = 200  # file descriptors in one message; Linux takes 253
MAX_MESSAGE = 32 << 20
START = 60.0  # seconds until a new process is given up
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "TZ": "UTC"}
ROOT = Path(__file__).resolve().parents[2]

Stop = Callable[[], bool]


class Pool:
    """Processes of one module, `at_once` at most. Thread-safe; one is kept warm once there was a first question."""

    def __init__(self, module: str, at_once: int, seconds: float) -> None:
        self._module, self._seconds = module, seconds
        self._turns = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._closed = False

    def ask(self, files: Sequence[DataFile], asked: dict[str, Any], stop: Stop = lambda: False) -> Any:
        """What one process answers; it is put back when it has answered in time.

        `{"refused": why, "died": True}` where it died of itself, with "late" where it had to be killed.

        Raises:
            QuotaExceeded: too many questions at once.
            JobCancelled: `stop` said so.
        """
        if not self._turns.acquire(timeout=self._seconds):
            raise QuotaExceeded("Others are asking at this moment. Try again in a few seconds.")
        try:
            return self._answer(files, asked, stop)
        finally:
            self._turns.release()

    def close(self) -> None:
        """End the process that is kept warm."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for process in idle:
            process.kill()

    def _answer(self, files: Sequence[DataFile], asked: dict[str, Any], stop: Stop) -> Any:
        process = self._taken()
        try:
            return process.ask(files, asked, self._seconds, stop)
        except BaseException:
            process.kill()
            raise
        finally:
            if not process.alive:
                process.kill()  # closes what is left of it
                process = Process(self._module)
            self._give(process)

    def _taken(self) -> "Process":
        with self._lock:
            while self._idle:
                if (process := self._idle.pop()).alive:
                    return process
                process.kill()
        return Process(self._module)

    def _give(self, process: "Process") -> None:
        """Keep it warm, unless there is one already."""
        with self._lock:
            if not self._closed and not self._idle:
                self._idle.append(process)
                return
        process.kill()


class Process:
    """One process that answers one question after another."""

    def __init__(self, module: str) -> None:
        self._channel, theirs = socket.socketpair()
        self._connection = Connection(os.dup(self._channel.fileno()))
        self._ready = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
                | ENVIRONMENT,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._connection.closed and self._process.poll() is None

    def kill(self) -> None:
        """End it at once; may be called again."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._channel.close()

    def ask(self, files: Sequence[DataFile], asked: dict[str, Any], seconds: float, stop: Stop) -> Any:
        """The answer, or `{"refused": why}`; when it dies or is killed for being late, it is not `alive` afterwards."""
        far = {file.digest: file for file in files if isinstance(file, RemoteFile)}
        here = [file for file in files if not isinstance(file, RemoteFile)]
        named = [{"name": file.name, "size": file.size, "digest": file.digest} for file in far.values()]
        try:
            if not self._begun(stop):
                raise StudioError("The process for such questions does not start.")
            deadline = time.monotonic() + seconds
            question = asked | {"files": len(here), "far": named, "seconds": seconds}
            self._connection.send_bytes(json.dumps(question).encode())
            self._send(here)
            while (said := self._received(deadline, stop)) is not None:
                if "read" not in said:
                    return said
                self._connection.send_bytes(far[said["read"]].read(said["start"], said["stop"]))
            reason = f"It took longer than {seconds:g} seconds, and was stopped."
            died = {"late": True}
        except (EOFError, OSError):
            reason = "It needs more memory than there is, and was stopped."
            died = {}
        self.kill()
        return {"refused": reason, "died": True} | died

    def _begun(self, stop: Stop) -> bool:
        if not self._ready:
            self._ready = self._received(time.monotonic() + START, stop) is not None
        return self._ready

    def _received(self, deadline: float, stop: Stop) -> Any:
        """The next message, None at the deadline; raises `JobCancelled`, and `EOFError` when it has died."""
        while (left := deadline - time.monotonic()) > 0:
            if stop():
                raise JobCancelled
            if self._connection.poll(min(POLL, left)):
                return json.loads(self._connection.recv_bytes(MAX_MESSAGE))
        return None

    def _send(self, files: Sequence[Path]) -> None:
        """The files as open descriptors: it never learns where they lie."""
        for start in range(0, len(files), PORTION):
            with ExitStack() as stack:
                opened = [stack.enter_context(path.open("rb")) for path in files[start : start + PORTION]]
                socket.send_fds(self._channel, [b"f"], [file.fileno() for file in opened])
