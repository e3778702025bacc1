"""Fetch a data set: from a web address, a database or a file into one of the owner's own; or all of one of the Hub, or
of a folder, which stays what it is called.

What makes it a job: progress, a way to stop it, and a download that goes on where it was, whatever was killed.
"""

from pathlib import PurePath, PurePosixPath
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from studio.core import addresses
from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import adding, hubsets, localsets, owned, servers, sources, uploads
from studio.data.content import FORMATS
from studio.data.records import DatasetInfo
from studio.data.watching import Watch
from studio.jobs.context import JobContext
from studio.jobs.job import Job, JobState
from studio.recipes import arrival
from studio.recipes.base import Recipe

NAME = "fetch"
EACH = 2  # of a visitor at a time: few jobs run beside the others, and a slow site may keep one for hours


class FetchParams(BaseModel):
    """What is fetched, and what it is called."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(
        min_length=1,
        max_length=2_000,
        title="Source",
        description="A web address (https://…) of a data file, or a Hub id owner/name[@revision][#subset] of which all "
        "is wanted; on one's own machine also the path of a file or folder, or sql:NAME#TABLE.",
    )
    name: str = Field(
        "", max_length=200, title="Name", description="What it is called; empty for the name that the source has."
    )

    def title(self) -> str:
        """The job's name, without what an address may tell behind its path."""
        source = self.source.strip()
        if addresses.is_web(source):
            parts = urlsplit(source)
            source = f"{PurePosixPath(parts.path).name or 'a file'} from {parts.hostname}"
        elif not source.startswith(servers.PREFIX) and not of_the_hub(source):
            source = PurePath(source).name
        return f"Fetch {self.name.strip() or source}"


def of_the_hub(source: str) -> bool:
    """Whether this is the id of a data set on the Hub, rather than a path that ends like a data file."""
    name = source.strip().partition("#")[0]
    found = sources.HUB_REF.fullmatch(source.strip())
    return bool(found) and ".." not in source and PurePosixPath(name).suffix.lower() not in FORMATS


def stays(source: str, owner: str) -> bool:
    """Whether what is fetched keeps its own reference: of the Hub, or a folder of one's own machine."""
    wanted = source.strip()
    mine = owner == adding.LOCAL_OWNER and sources.is_path(wanted)
    return of_the_hub(wanted) or (mine and localsets.is_folder(wanted))


def result(job: Job) -> str:
    """The reference of the data set that a finished job of this kind has left; "" for any other job."""
    if job.recipe != NAME or job.state is not JobState.SUCCEEDED:
        return ""
    source = str(job.params["source"]).strip()
    return source if stays(source, job.owner) else uploads.PREFIX + owned.mark(job.id)


def validate(params: FetchParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """What can be known before anything is fetched: the address, the size and the format where they are known."""
    source = params.source.strip()
    try:
        if source.startswith(servers.PREFIX) and not _may_read_databases(settings, owner):
            return [InvalidInput("source", source, "Only the owner of this installation reads its databases.")]
        if not stays(source, owner):
            adding.check(source, settings, owner, params.name)
            return []
        if params.name:
            kept = "A data set of the Hub, or a folder, keeps its own name. Leave this empty."
            return [InvalidInput("name", params.name, kept)]
        match = sources.HUB_REF.fullmatch(source)
        if match and of_the_hub(source):
            hubsets.check_size(match["repo"], match["revision"] or "", match["config"] or "", settings)
    except InvalidInput as error:
        known = error.field if error.field in FetchParams.model_fields else "source"
        return [InvalidInput(known, error.value, error.expected)]
    except StudioError as error:
        return [InvalidInput("source", source, str(error))]
    return []


def run(params: FetchParams, context: JobContext) -> None:
    """Bring it here, and read it as rows."""
    settings = Settings(home=context.spec.home).reading_as(context.token)
    if stays(params.source, context.spec.owner):
        info = arrival.whole(params.source, settings, context).info
    else:
        info = _own(params, context, arrival.watched(context))
    rows = sum(info.splits.values())
    context.log(f"{info.ref} is ready: {', '.join(f'{split} {count:,}' for split, count in info.splits.items())}.")
    context.progress(1, 1, f"{info.ref} is ready: {rows:,} rows")


def _own(params: FetchParams, context: JobContext, watch: Watch) -> DatasetInfo:
    spec = context.spec
    return adding.add(params.source, Settings(home=spec.home), spec.owner, params.name, watch, owned.mark(spec.job))


def _may_read_databases(settings: Settings, owner: str) -> bool:
    return not settings.public or owner == adding.LOCAL_OWNER or owner in {f"hf:{name}" for name in settings.admins}


RECIPE: Recipe[FetchParams] = Recipe(
    name=NAME,
    title="Fetch a data set",
    kind="fetch",
    params=FetchParams,
    run=run,
    validate=validate,
    describe=FetchParams.title,
    reads_hub=True,
    stores=False,  # `adding.check` says so, at the field, and only where it becomes the owner's
    each=EACH,
)
