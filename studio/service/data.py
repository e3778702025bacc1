"""Data sets: list, upload, read, delete."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.data import mapping, results, rows, sources, uploads
from studio.data.rows import ColumnSummary
from studio.data.sources import Dataset, DatasetInfo
from studio.data.watching import UNWATCHED, Watch
from studio.inference import visit
from studio.service.results import Results
from studio.starter import kit


class Data(Results):
    """What is read, and by whom."""

    def datasets(self, caller: Caller) -> list[DatasetInfo]:
        """The kit's data sets, then the caller's uploads, then what the caller's jobs have made."""
        found = []
        for entry in kit.entries(kind="dataset", root=self.settings):
            with suppress(StudioError):  # a damaged one is shown on the kit's page, and must not take the others along
                found.append(sources.resolve(entry.id, self.settings, caller.owner).info)
        mine = uploads.list_all(self.settings, caller.owner) + results.list_all(self.settings, caller.owner)
        return found + mine

    def upload(self, caller: Caller, path: Path, name: str, watch: Watch = UNWATCHED) -> DatasetInfo:
        """Take in a data file as the caller's own data set; raises `InvalidInput` that says what is wrong with it."""
        with self._intakes.one(caller.owner):
            return uploads.store(path, name, self.settings, caller.owner, watch)

    def delete_dataset(self, caller: Caller, ref: str) -> None:
        """Delete the caller's own data set, `upload:ID` or `artifact:ID`.

        Raises `NotFound`, and `Conflict` while a job needs it.
        """
        if ref.startswith(results.PREFIX):
            self.delete_artifact(caller, ref.removeprefix(results.PREFIX))
            return
        with self._submitting:
            self._check_unused({uploads.PREFIX + ref.removeprefix(uploads.PREFIX)})
            uploads.delete(ref, self.settings, caller.owner)

    def dataset(
        self, caller: Caller, ref: str, config: str = "", watch: Watch = UNWATCHED, *, whole: bool = False
    ) -> Dataset:
        """One data set by reference: `kit:ID`, `upload:ID`, `artifact:ID`, a Hub id, or on one's own machine a path.

        `config` is one of its `dataset_configs`; "owner/name#config" says the same. To look into a large one on the
        Hub, its beginning may do, which `info.partial` says; `whole` asks for all of it.
        """
        return sources.resolve(ref, self._settings(caller), caller.owner, config, watch, whole=whole)

    def column(self, caller: Caller, ref: str, split: str, column: str) -> ColumnSummary:
        """Counts of one column over the whole split."""
        with self._attended(caller):
            return rows.summary(self.dataset(caller, ref), split, column)

    def map_columns(self, caller: Caller, ref: str, split: str) -> mapping.ColumnMapping:
        """Which columns look like text and label."""
        return mapping.map_columns(self.dataset(caller, ref), split)

    @contextmanager
    def _attended(self, caller: Caller) -> Iterator[Callable[[], bool]]:
        """A turn for what takes time or memory; what says whether whoever asked in this thread has left."""
        gone = threading.Event()
        with visit.waiting(gone.set), self._turns.one(caller.owner, gone.is_set):
            yield gone.is_set
