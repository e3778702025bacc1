"""Who follows downloads from the Hub: told how far they are, and asked whether they shall go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

MEGABYTE = 10**6

Report = Callable[[float, str], None]
Stopped = Callable[[], bool]


@dataclass
class Count:
    """How many bytes of a download are here; whoever looks reports it."""

    report: Report
    stopped: Stopped
    size: int
    bytes: float = field(default=0)

    def look(self) -> bool:
        """Report how far it is, unless it shall stop; whether it shall."""
        if self.stopped():
            return True
        here, size = self.bytes / MEGABYTE, self.size / MEGABYTE
        self.report(self.bytes / self.size if self.size else 0.0, f"Downloading: {here:,.1f} of {size:,.1f} MB")
        return False

    def bar(self) -> type[Any]:
        """What huggingface_hub takes for a progress bar: draws nothing, and counts."""
        from huggingface_hub.utils.tqdm import tqdm

        count = self

        class Bar(tqdm):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                self._counts = str(kwargs.get("desc")).startswith("Reconstructing")  # of several the one of whole bytes
                super().__init__(*args, **kwargs | {"disable": True})  # type: ignore[no-untyped-call]

            def update(self, n: float | None = 1) -> None:
                if self._counts:
                    count.bytes += n or 0

        return Bar


_follower: ContextVar[tuple[Report, Stopped] | None] = ContextVar("follower", default=None)


@contextmanager
def followed(report: Report, stopped: Stopped) -> Iterator[None]:
    """Follow the downloads that are begun in this block: (fraction, what is done), and whether to stop."""
    token = _follower.set((report, stopped))
    try:
        yield
    finally:
        _follower.reset(token)


def count(size: int) -> Count | None:
    """What counts a download of so many bytes, when somebody follows it."""
    follower = _follower.get()
    return Count(*follower, size) if follower else None
