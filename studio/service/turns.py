"""Turns: how many questions that take time or memory one visitor, and all together, may have answered at once.

Pages, REST and tools answer from one process with some dozens of threads; one visitor could take them all.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from studio.core.errors import JobCancelled, QuotaExceeded

SECONDS = 10.0  # that one waits for a turn
POLL = 0.2
BUSY = "Too many questions are asked at this moment. Try again in a few seconds."
OWN = "You have asked too many questions at once. Wait for their answers."


@dataclass(frozen=True)
class Limits:
    """How many there may be.

    Attributes:
        at_once, each: that are answered at the same time: in all, and of one owner.
        line, each_line: the same with those that wait; fewer than there are threads.
    """

    at_once: int = 8
    each: int = 3
    line: int = 24
    each_line: int = 12


USUAL = Limits()


class Turns:
    """Thread-safe. Where there is one visitor only, nobody waits."""

    def __init__(self, limited: bool, limits: Limits = USUAL) -> None:
        self._limited, self._limits = limited, limits
        self._free = threading.Condition()
        self._running: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._mine = threading.local()

    @contextmanager
    def one(self, owner: str, gone: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """A turn for as long as this lasts; one that is asked for within another of this thread is the same.

        Raises:
            QuotaExceeded: too many are in the line, or it takes too long.
            JobCancelled: `gone` says that nobody waits any more.
        """
        if not self._limited or getattr(self._mine, "held", False):
            yield
            return
        self.take(owner, gone)
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self.give(owner)

    def take(self, owner: str, gone: Callable[[], bool] = lambda: False) -> None:
        """Wait for a turn, which `give` gives back; raises as `one`."""
        end = time.monotonic() + SECONDS
        with self._free:
            if self._running[owner] + self._waiting[owner] >= self._limits.each_line:
                raise QuotaExceeded(OWN)
            if self._running.total() + self._waiting.total() >= self._limits.line:
                raise QuotaExceeded(BUSY)
            self._waiting[owner] += 1
            try:
                while self._running[owner] >= self._limits.each or self._running.total() >= self._limits.at_once:
                    if gone():
                        raise JobCancelled
                    if time.monotonic() > end:
                        raise QuotaExceeded(OWN if self._running[owner] >= self._limits.each else BUSY)
                    self._free.wait(POLL)
                self._running[owner] += 1
            finally:
                self._less(self._waiting, owner)

    def give(self, owner: str) -> None:
        """Let the next one have it."""
        with self._free:
            self._less(self._running, owner)
            self._free.notify_all()

    @staticmethod
    def _less(counts: Counter[str], owner: str) -> None:
        counts[owner] -= 1
        if counts[owner] <= 0:
            del counts[owner]


class Streams:
    """How many files one owner, and all together, may have made while they are read. Thread-safe; nobody waits."""

    def __init__(self, limited: bool, limits: Limits = USUAL) -> None:
        self._limited, self._limits = limited, limits
        self._lock = threading.RLock()  # what nobody reads any more may end while this thread holds it
        self._running: Counter[str] = Counter()

    def of(self, owner: str, parts: Iterator[bytes]) -> "Stream":
        """The same parts, counted until the last was read or nobody reads any more; raises `QuotaExceeded`."""
        with self._lock:
            full = self._running[owner] >= self._limits.each or self._running.total() >= self._limits.at_once
            if self._limited and full:
                raise QuotaExceeded("Too many files are being made. Wait until one of them is there.")
            self._running[owner] += 1
        return Stream(parts, lambda: self._over(owner))

    def _over(self, owner: str) -> None:
        with self._lock:
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]


class Stream(Iterator[bytes]):
    """Parts of a file; `over` is called once, also where nobody has read the first of them."""

    def __init__(self, parts: Iterator[bytes], over: Callable[[], None]) -> None:
        self._parts, self._over = parts, over
        self._lock, self._ended = threading.Lock(), False

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop making them."""
        with self._lock:
            ended, self._ended = self._ended, True
        if not ended:
            try:
                getattr(self._parts, "close", lambda: None)()
            finally:
                self._over()

    def __del__(self) -> None:
        self.close()
