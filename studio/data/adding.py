"""What somebody names → a data set of their own: a file of this machine, a web address, a table of a database."""

from pathlib import Path

from studio.core import addresses
from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data import servers, uploads
from studio.data.records import DatasetInfo
from studio.data.watching import UNWATCHED, Watch

LOCAL_OWNER = "local"
FETCHING = 0.6  # of the work is the way here


def add(source: str, settings: Settings, owner: str, name: str = "", watch: Watch = UNWATCHED) -> DatasetInfo:
    """Take in a file, an address or a table as the owner's own data set.

    Args:
        source: a web address, `sql:NAME#TABLE` for a database of STUDIO_DATABASES (who may is not decided here), or,
            for the owner "local" only, the path of a file.
        settings: where things lie, and how large they may be.
        owner: whom it belongs to.
        name: what it is called; "" for the name that the source has.
        watch: is told how far it is, and can stop it.

    Raises:
        InvalidInput: at "source" or "file", with what is wrong and what would be right.
        NotFound, Conflict, SiteError, TimedOut: as `fetching.fetched`.
        JobCancelled: `watch` said so.
    """
    source = source.strip()
    if addresses.is_web(source):
        from studio.data import fetching  # its HTTP client is not needed at start

        with fetching.fetched(source, settings, owner, watch.part(0, FETCHING)) as file:
            return uploads.store(file.path, name or file.name, settings, owner, watch.part(FETCHING, 1))
    if source.startswith(servers.PREFIX):
        with servers.table(source, settings, watch.part(0, FETCHING)) as path:
            called = name or source.removeprefix(servers.PREFIX).replace("#", " ")
            return uploads.store(path, f"{called}.parquet", settings, owner, watch.part(FETCHING, 1))
    if owner != LOCAL_OWNER:
        raise InvalidInput("source", source, "Give a web address (https://…), or upload the file.")
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        raise InvalidInput("source", source, "There is no such file. Give a path, or a web address (https://…).")
    return uploads.store(path, name or path.name, settings, owner, watch)
