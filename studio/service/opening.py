"""Opening data sets: what they are, their configurations, and taking new ones in."""

import threading
from dataclasses import replace

from studio.core.types import Caller
from studio.data import adding, servers, sources
from studio.data.records import DatasetInfo
from studio.data.watching import UNWATCHED, Watch
from studio.inference import visit
from studio.service.data import Data


class Opening(Data):
    """What is opened, and by whom."""

    def dataset_configs(self, caller: Caller, ref: str) -> tuple[str, ...]:
        """The configurations (subsets) of a data set, the default one first; `dataset` takes one of them."""
        return sources.configs(ref, self._settings(caller), caller.owner)

    def add(self, caller: Caller, source: str, name: str = "", watch: Watch = UNWATCHED) -> DatasetInfo:
        """Take in a file at a web address, a file of one's own machine, or a table as the caller's own data set.

        Args:
            caller: whom it will belong to.
            source: `https://…`, a path, or `sql:NAME#TABLE` of a database that STUDIO_DATABASES names.
            name: what it is called; "" for the name that the source has.
            watch: is told how far it is, and can stop it; a visitor who leaves stops it as well.

        Raises:
            InvalidInput: at "source" or "file", with what is wrong and what would be right.
            Forbidden: a database, and the caller does not run this installation.
        """
        if source.strip().startswith(servers.PREFIX):
            self._check_admin(caller)
        gone = threading.Event()
        with visit.waiting(gone.set), self._intakes.one(caller.owner, gone.is_set):
            watched = replace(watch, stop=lambda: gone.is_set() or watch.stop())
            return adding.add(source, self._settings(caller), caller.owner, name, watched)

    def databases(self, caller: Caller) -> dict[str, list[str]]:
        """The databases of STUDIO_DATABASES and their tables; raises `Forbidden` for visitors."""
        self._check_admin(caller)
        return servers.listed(self.settings)
