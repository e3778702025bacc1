"""Opening data sets: what they are, their configurations, and taking new ones in."""

from studio.core.types import Caller
from studio.data import adding, servers, sources
from studio.jobs.job import Job, JobState
from studio.recipes import fetch
from studio.service.base import EVERYTHING
from studio.service.data import Data
from studio.service.jobs import Wishes

PLAIN = Wishes()


class Opening(Data):
    """What is opened, and by whom."""

    def dataset_configs(self, caller: Caller, ref: str) -> tuple[str, ...]:
        """The configurations (subsets) of a data set, the default one first; `dataset` takes one of them."""
        return sources.configs(ref, self._settings(caller), caller.owner)

    def add(self, caller: Caller, source: str, name: str = "", wishes: Wishes = PLAIN) -> Job:
        """Take in a file at a web address, a file of one's own machine, or a table as the caller's own data set.

        A folder of one's own machine and a data set on the Hub keep their own names. It is a job, whose `fetch.result`
        is the reference; while the same is on its way already, that job.

        Args:
            caller: whom it will belong to.
            source: `https://…`, a path, `sql:NAME#TABLE` of a database that STUDIO_DATABASES names, or the id of a data
                set on the Hub, of which all is fetched then.
            name: what it is called; "" for the name that the source has.
            wishes: what may be said about a job beside.

        Raises:
            InvalidInputs: at "source" or "name", with what is wrong and what would be right.
            Forbidden: a database, and the caller does not run this installation.
        """
        source, name = source.strip(), name.strip() or name  # a name of blanks is a mistake that is told
        if source.startswith(servers.PREFIX):
            self._check_admin(caller)
        values = {"source": source, "name": name}
        running = [job for job in self.fetching(caller) if job.params == values]
        return running[0] if running else self.submit(caller, fetch.NAME, values, wishes)

    def fetching(self, caller: Caller) -> list[Job]:
        """The data sets that are on their way to the caller."""
        unfinished = [state for state in JobState if not state.finished]
        return [job for job in self.store.list(caller.owner, unfinished, "", EVERYTHING) if job.recipe == fetch.NAME]

    def takes_long(self, caller: Caller, source: str) -> bool:
        """Whether a source is opened by `add`: it comes from elsewhere, or is a large file that is to be converted."""
        return adding.takes_long(source, caller.owner)

    def databases(self, caller: Caller) -> dict[str, list[str]]:
        """The databases of STUDIO_DATABASES and their tables; raises `Forbidden` for visitors."""
        self._check_admin(caller)
        return servers.listed(self.settings)
