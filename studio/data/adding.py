"""What somebody names → a data set of their own: a file of this machine, a web address, a table of a database."""

from pathlib import Path, PurePosixPath

from studio.core import addresses
from studio.core.errors import InvalidInput, NotFound, UnknownName
from studio.core.settings import Settings
from studio.data import beginnings, content, owned, servers, uploads
from studio.data.content import FORMATS, MEGABYTE
from studio.data.records import DatasetInfo
from studio.data.watching import UNWATCHED, Watch

FIELD = "source"
LOCAL_OWNER = "local"
FETCHING = 0.6  # of the work is the way here


def check(source: str, settings: Settings, owner: str, name: str = "") -> None:
    """Refuse what can be known to be wrong before anybody else is asked.

    Raises `InvalidInput` at "source" or "name", also when the owner has no room left, and `UnknownName` for a database
    that the operator has not named.
    """
    source = source.strip()
    if name and uploads.clean_title(name) == uploads.UNNAMED:
        raise InvalidInput("name", name, "Write a name of letters, or leave it empty for the source's own.")
    owned.check(settings, owner, FIELD, source)
    if addresses.is_web(source):
        from studio.data import fetching  # its HTTP client is not needed at start

        fetching.check(source, settings)
    elif source.startswith(servers.PREFIX):
        database, _, table = source.removeprefix(servers.PREFIX).partition("#")
        if not table:
            raise InvalidInput(FIELD, source, servers.FORM)
        if database not in settings.databases:
            raise UnknownName("database", database, list(settings.databases))
    else:
        path = _local(source, owner)
        try:
            content.recognise(path, _called(name, path.name), settings.max_upload_mb * MEGABYTE)
        except InvalidInput as error:
            raise InvalidInput(FIELD, source, error.expected) from None
        except OSError as error:
            raise InvalidInput(FIELD, source, f"It cannot be read: {error.strerror or error}.") from None


def takes_long(source: str, owner: str) -> bool:
    """Whether opening this is work for a job: it comes from elsewhere, or is a large file that has to be converted."""
    source = source.strip()
    if "://" in source or source.startswith(servers.PREFIX):
        return True
    path = Path(source).expanduser() if owner == LOCAL_OWNER else Path()
    ending = path.suffix.lower()
    try:
        return ending in FORMATS and ending != ".parquet" and path.is_file() and path.stat().st_size > beginnings.SMALL
    except OSError:
        return False


def add(
    source: str, settings: Settings, owner: str, name: str = "", watch: Watch = UNWATCHED, upload_id: str = ""
) -> DatasetInfo:
    """Take in a file, an address or a table as the owner's own data set.

    Args:
        source: a web address, `sql:NAME#TABLE` for a database of STUDIO_DATABASES (who may is not decided here), or,
            for the owner "local" only, the path of a file.
        settings: where things lie, and how large they may be.
        owner: whom it belongs to.
        name: what it is called; "" for the name that the source has.
        watch: is told how far it is, and can stop it.
        upload_id: what its reference is made of; what is there under it already is the answer. A new one when empty.

    Raises:
        InvalidInput: at "source" or "file", with what is wrong and what would be right.
        NotFound, Conflict, SiteError, TimedOut: as `fetching.fetched`.
        JobCancelled: `watch` said so.
    """
    source = source.strip()
    if upload_id:
        try:
            return uploads.load(uploads.PREFIX + upload_id, settings, owner).info
        except NotFound:
            pass
    here, then = watch.part(0, FETCHING), watch.part(FETCHING, 1)
    if addresses.is_web(source):
        from studio.data import fetching

        with fetching.fetched(source, settings, owner, here, name) as file:
            return uploads.store(file.path, _called(name, file.name), settings, owner, then, upload_id)
    if source.startswith(servers.PREFIX):
        with servers.table(source, settings, here) as path:
            own = source.removeprefix(servers.PREFIX).replace("#", " ")
            return uploads.store(path, f"{name or own}.parquet", settings, owner, then, upload_id)
    path = _local(source, owner)
    return uploads.store(path, _called(name, path.name), settings, owner, watch, upload_id)


def _local(source: str, owner: str) -> Path:
    if owner != LOCAL_OWNER:  # before the disk is touched: whether a path exists is nobody's business
        raise InvalidInput(FIELD, source, "Give a web address (https://…), or upload the file.")
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        raise InvalidInput(FIELD, source, "There is no such file. Give a path, or a web address (https://…).")
    return path


def _called(name: str, own: str) -> str:
    """What it is called: as wished, with the ending that tells its format."""
    if not name or PurePosixPath(name).suffix.lower() in FORMATS:
        return name or own
    return name + PurePosixPath(own).suffix.lower()
