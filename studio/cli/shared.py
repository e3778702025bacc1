"""What every command needs: the studio of this machine, jobs that are followed, and options with their help."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from studio.core import params
from studio.core.errors import InvalidInput, InvalidInputs, JobCancelled, StudioError
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.jobs.job import Job, JobState
from studio.recipes import fetch
from studio.service import Studio
from studio.terminal import say, show

LOCAL = Caller(owner="local", name="local", admin=True)

Recipe = Annotated[str, typer.Argument(help="A recipe; `studio recipes` lists them.")]
ArtifactId = Annotated[str, typer.Argument(help="Id of a result; `studio artifacts list` lists them.")]
KitName = Annotated[str, typer.Argument(help="An extra; `studio kit list` lists them.")]
JobId = Annotated[str, typer.Argument(help="Id of a job; `studio jobs list` lists them.")]
Sets = Annotated[list[str] | None, typer.Option("--set", "-s", help="A field and its value, for example epochs=3.")]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", "-i", help="An input by its name, for example question='Who?'.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Run it now and follow its log until it is over.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Engine = Annotated[str, typer.Option(help="Where it runs.")]
Key = Annotated[str, typer.Option(help="Idempotency key: the same key never starts a second job.")]


@contextmanager
def opened() -> Iterator[Studio]:
    """The studio of this machine's settings, closed again afterwards; nothing is started."""
    studio = Studio(settings())
    try:
        yield studio
    finally:
        studio.close()


def settings() -> Settings:
    """From the environment; raises `InvalidInputs` that name the variables."""
    try:
        return Settings()
    except ValidationError as error:
        found = [params.problem(details) for details in error.errors(include_url=False)]
        named = [InvalidInput(f"STUDIO_{wrong.field.upper()}", wrong.value, wrong.expected) for wrong in found]
        raise InvalidInputs(named) from None


def submit(start: Callable[[Studio], Job], *, wait: bool, as_json: bool) -> None:
    """Start a job and print what one goes on with; `wait` runs it here and follows its log to the end."""
    with opened() as studio:
        job = start(studio)
        if wait:
            studio.start()
            job = _follow_to_end(studio, job)
        elif job.state.finished:  # the same key once more
            say(f"{job.id}  {job.state.value}")
        else:
            say(f"Queued. It starts when the studio runs, or with: studio jobs wait {job.id}")
        show(asdict(job)) if as_json else print(_result(studio, job))
    if wait and job.state is JobState.CANCELLED:
        raise JobCancelled
    if wait and job.state is JobState.FAILED:
        raise StudioError(job.error)


def _result(studio: Studio, job: Job) -> str:
    """What one goes on with: the link of a push, the data set or artifact of any other job, the id before its end."""
    if job.recipe == "kit-add" and job.state is JobState.SUCCEEDED:
        return f"kit:{job.params['name']}"
    if job.recipe == "publish" and job.state is JobState.SUCCEEDED:
        return studio.published_at(LOCAL, job)
    return fetch.result(job) or job.artifact or job.id


def _follow_to_end(studio: Studio, job: Job) -> Job:
    say(f"{job.id}  {job.title}")
    offset, reason = 0, ""
    try:
        while not (job := studio.wait(LOCAL, job.id, 0.3)).state.finished:
            offset = follow(studio, job.id, offset, sys.stderr.write)
            if job.waiting_for not in ("", reason):
                say(job.waiting_for)
            reason = job.waiting_for
    except KeyboardInterrupt:
        say(f"\nIt goes on in the background. To stop it: studio jobs cancel {job.id}")
        raise typer.Exit(130) from None
    follow(studio, job.id, offset, sys.stderr.write)
    say(f"{job.id}  {job.state.value}")
    return job


def follow(studio: Studio, job_id: str, offset: int, write: Callable[[str], Any]) -> int:
    """Write what the log has gained since `offset`; returns where to go on."""
    while True:
        text, end = studio.log(LOCAL, job_id, offset)
        write(text)
        if end == offset:
            return offset
        offset = end


def model_ref(studio: Studio, model: str) -> str:
    """A bare artifact id means the artifact."""
    known = {artifact.id for artifact in studio.artifacts(LOCAL)}
    return f"artifact:{model}" if model in known else model
