"""Whoever waits for a long piece of work: told how far it is, and asked whether it shall go on."""

from collections.abc import Callable
from dataclasses import dataclass

from studio.core.errors import JobCancelled

Progress = Callable[[float, float, str], None]
Stop = Callable[[], bool]


def _told(done: float, total: float, message: str) -> None:
    del done, total, message


def _goes_on() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """How far a piece of work is, and whether it shall stop.

    Attributes:
        progress: is told (done, total, what is done); total is 1.
        stop: says whether to give up; it may also raise `JobCancelled` itself.
        start: where this piece begins within the whole, between 0 and 1.
        end: where it ends.
    """

    progress: Progress = _told
    stop: Stop = _goes_on
    start: float = 0.0
    end: float = 1.0

    def at(self, fraction: float, message: str) -> None:
        """Tell how far it is; raises `JobCancelled` when it shall stop."""
        self.check()
        within = min(1.0, max(0.0, fraction))
        self.progress(self.start + (self.end - self.start) * within, 1.0, message)

    def check(self) -> None:
        """Raise `JobCancelled` when it shall stop."""
        if self.stop():
            raise JobCancelled

    def part(self, start: float, end: float) -> "Watch":
        """The same for a piece of this work, between two fractions of it."""
        width = self.end - self.start
        return Watch(self.progress, self.stop, self.start + width * start, self.start + width * end)


UNWATCHED = Watch()
