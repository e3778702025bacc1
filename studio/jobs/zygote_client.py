"""The web process's end of the zygote: starts it, knows when it is warm, hands it requests, starts it again."""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from studio.jobs.zygote import READY

ANSWER_SECONDS = 5.0  # a fork takes about 0.02 s; a zygote that takes this long is ended
PAUSE_SECONDS = 60.0  # before a zygote that never became warm is tried again


class Zygote:
    """One zygote process. Every call returns at once; while it is not warm, `fork` says no."""

    def __init__(
        self, home: Path, entry: str, preload: Sequence[str], environment: Callable[[], Mapping[str, str]]
    ) -> None:
        self.home, self.entry, self.preload = home, entry, tuple(preload)
        self.environment = environment
        self.pid = 0
        self._control: socket.socket | None = None
        self._ready = False
        self._not_before = 0.0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process, unless it runs already or has just failed to."""
        with self._lock:
            self._start()

    def ready(self) -> bool:
        """Whether it has imported everything and waits for requests."""
        with self._lock:
            return self._look()

    def fork(self, request: Mapping[str, Any]) -> bool:
        """Have a shim forked for this request; False when the caller has to spawn one."""
        with self._lock:
            if not self._look():
                self._start()
                return False
            assert self._control is not None  # noqa: S101  `_look` has just used it
            try:
                self._control.send(json.dumps(request).encode())
                if wait([self._control], ANSWER_SECONDS) and self._control.recv(64):
                    return True
            except OSError:
                pass  # it died: its end of the socket is closed
            self._stop()
            self._not_before = 0
            self._start()
            return False

    def close(self) -> None:
        """End it. What it has forked runs on."""
        with self._lock:
            self._stop()
            self._not_before = float("inf")

    def _start(self) -> None:
        if self._control is not None or time.monotonic() < self._not_before:
            return
        self._not_before = time.monotonic() + PAUSE_SECONDS
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "studio.jobs.zygote", self.entry, ",".join(self.preload)]
        # Libraries that start their thread pools at import keep to one thread: threads do not survive a fork.
        environment = {**self.environment(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with theirs, (self.home / "zygote.log").open("wb") as log:
            actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
            actions += [(os.POSIX_SPAWN_DUP2, log.fileno(), fd) for fd in (1, 2)]
            # A session of its own: Ctrl-C in the terminal is for the web process alone.
            self.pid = os.posix_spawn(command[0], command, environment, file_actions=actions, setsid=True)
        ours.setblocking(False)
        self._control, self._ready = ours, False

    def _look(self) -> bool:
        """Read what it has said meanwhile: that it is ready, or (by closing) that it is gone."""
        if self._control is None:
            return False
        try:
            message = self._control.recv(64)
        except BlockingIOError:
            return self._ready
        except OSError:
            message = b""
        if message == READY:
            self._ready = True
            return True
        if self._ready:
            self._not_before = 0  # it was good once: start it again at the next chance
        self._stop()
        return False

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
            self.pid = 0
        self._ready = False
