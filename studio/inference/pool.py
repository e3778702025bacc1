"""Warm models under a byte budget: the least recently used goes first, one in use never goes."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from studio.core.errors import Conflict

K = TypeVar("K", bound=Hashable)
P = TypeVar("P")
MB = 1024 * 1024


@dataclass
class Warm(Generic[P]):
    """A loaded model; `users` counts who holds it right now."""

    pipe: P
    bytes: int
    users: int = 0


@dataclass(frozen=True)
class Held(Generic[P]):
    """What `Pool.hold` lends: the pipe, and the seconds that loading took (0 when it was warm)."""

    pipe: P
    load_seconds: float


class Pool(Generic[K, P]):
    """Thread-safe; loads one model at a time.

    Args:
        budget: bytes that all warm models may take together.
        size: what a loaded pipe takes in bytes.
        freed: called after models were let go, to hand their memory back.
    """

    def __init__(self, budget: int, size: Callable[[P], int], freed: Callable[[], None] = lambda: None) -> None:
        self.budget = budget
        self._size, self._freed = size, freed
        self._warm: OrderedDict[K, Warm[P]] = OrderedDict()  # least recently used first
        self._changed = threading.Condition()
        self._loading = threading.Lock()

    @contextmanager
    def hold(self, key: K, load: Callable[[], P], estimate: Callable[[], int]) -> Iterator[Held[P]]:
        """Lend a model, loading it when it is not warm.

        As many bytes as `estimate` says are made free before loading; while the rest is in use this waits. Raises
        `Conflict` when a model is larger than the whole budget.
        """
        started = time.perf_counter()
        warm = self._use(key)
        seconds = 0.0
        if warm is None:
            with self._loading:
                warm = self._use(key) or self._load(key, load, estimate)  # somebody else may have loaded it meanwhile
            seconds = time.perf_counter() - started
        try:
            yield Held(warm.pipe, seconds)
        finally:
            with self._changed:
                warm.users -= 1
                self._changed.notify_all()

    def warm(self) -> dict[K, int]:
        """Key → bytes of every warm model, least recently used first."""
        with self._changed:
            return {key: warm.bytes for key, warm in self._warm.items()}

    def _use(self, key: K) -> Warm[P] | None:
        with self._changed:
            if key not in self._warm:
                return None
            self._warm.move_to_end(key)
            self._warm[key].users += 1
            return self._warm[key]

    def _load(self, key: K, load: Callable[[], P], estimate: Callable[[], int]) -> Warm[P]:
        self._make_room(estimate())
        pipe = load()
        warm = Warm(pipe, self._size(pipe), users=1)
        self._make_room(warm.bytes)  # the estimate may have been too low
        with self._changed:
            self._warm[key] = warm
        return warm

    def _make_room(self, bytes_needed: int) -> None:
        if bytes_needed > self.budget:
            raise Conflict(
                f"The model takes {bytes_needed / MB:,.0f} MB, and {self.budget / MB:,.0f} MB are set aside for warm "
                "models. Choose a smaller one, or raise STUDIO_INFERENCE_MEMORY_MB."
            )
        with self._changed:
            before = len(self._warm)
            self._changed.wait_for(lambda: self._evict(bytes_needed))
            evicted = before - len(self._warm)
        if evicted:
            self._freed()

    def _evict(self, bytes_needed: int) -> bool:
        """Let idle models go until there is room; whether there is."""
        for key in [key for key, warm in self._warm.items() if not warm.users]:
            if self._fits(bytes_needed):
                break
            del self._warm[key]
        return self._fits(bytes_needed)

    def _fits(self, bytes_needed: int) -> bool:
        return sum(warm.bytes for warm in self._warm.values()) + bytes_needed <= self.budget
