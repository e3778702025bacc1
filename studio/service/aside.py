"""Work on strangers' data that is answered at once, in processes of its own, which run `studio.recipes.aside`."""

from collections.abc import Callable
from typing import Any

from studio.core.errors import StudioError, TimedOut
from studio.data.processes import Pool
from studio.data.records import Dataset, RemoteFile
from studio.inference.wire import error_from_json
from studio.recipes import aside

SECONDS = 25.0
AT_ONCE = 2  # pieces of work; others wait for their turn


class Aside:
    """Asks, and tells what was answered. Thread-safe."""

    def __init__(self) -> None:
        self._pool = Pool("studio.recipes.aside", AT_ONCE, SECONDS)

    def ask(self, kind: str, dataset: Dataset, asked: dict[str, Any], gone: Callable[[], bool]) -> Any:
        """The answer as JSON values.

        Raises:
            StudioError: as the work raises it, or it needs more memory than there is.
            TimedOut: it takes longer than it may.
            QuotaExceeded, JobCancelled: as `Pool.ask`.
        """
        far = [file for files in dataset.files.values() for file in files if isinstance(file, RemoteFile)]
        answer = self._pool.ask(far, {"kind": kind, **aside.written(dataset), **asked}, gone)
        if "error" in answer:
            raise error_from_json(answer["error"])
        if "late" in answer:
            raise TimedOut(f"This takes longer than {SECONDS:.0f} seconds; run it as a job.")
        if "died" in answer:
            raise StudioError(aside.MEMORY)
        return answer["found"]

    def close(self) -> None:
        """End the process that is kept warm."""
        self._pool.close()
