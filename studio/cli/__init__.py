"""`studio …`: the verbs from a terminal. Results go to stdout, everything said along the way to stderr."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from studio.cli import artifacts, datasets, jobs, kit, models
from studio.cli.shared import (
    LOCAL,
    ArtifactId,
    AsJson,
    Engine,
    Inputs,
    Key,
    Recipe,
    Sets,
    Wait,
    model_ref,
    opened,
    settings,
    submit,
)
from studio.core.errors import InvalidInput, StudioError
from studio.core.types import WITH_FILES
from studio.recipes import RECIPES
from studio.service import Studio, Wishes
from studio.tasks import TASKS
from studio.terminal import decoded, inputs_of, pairs, say, show, write

app = typer.Typer(name="studio", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(jobs.app, name="jobs")
app.add_typer(artifacts.app, name="artifacts")
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(kit.app, name="kit")

UNUSABLE = 422  # the status of a value that cannot be used


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
    submit(
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
    submit(
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
    first: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="The first input, as of --input; '-' reads it from stdin.")
    ] = None,
    input_: Inputs = None,
    model: Annotated[str, typer.Option(help="kit:ID, artifact:ID, an artifact's id, or a Hub id.")] = "",
    provider: Annotated[
        str, typer.Option(help="An Inference Provider that answers instead; `studio models providers` lists them.")
    ] = "",
    set_: Sets = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file for the answer; pictures and sounds need one.")
    ] = None,
) -> None:
    """Run a model and print its answer as JSON: `studio predict audio-classification clip.wav`.

    An input is a text, the path of a picture, sound or video, or JSON (or the path of a file of it) for tables, lists
    and chats. Of an answer with pictures in it, those are written beside the file.
    """
    entry = TASKS[task]
    if output is None and entry.output.modality in WITH_FILES:
        expected = f"The answer is no text ({entry.output.label.lower()}); name a file for it, for example -o answer."
        raise InvalidInput("--output", "nothing", expected)
    if output is not None and not output.absolute().parent.is_dir():
        raise InvalidInput("--output", str(output), "There is no such folder.")
    inputs = inputs_of(entry, first, input_)
    with opened() as studio:
        found = studio.predict(LOCAL, task, inputs, pairs(set_), model_ref(studio, model), provider).output
    show(found) if output is None else write(found, output)


@app.command()
def publish(
    artifact: Annotated[str, typer.Argument(help="Id of an artifact, or a data set: kit:ID, upload:ID, artifact:ID.")],
    repo_id: Annotated[str, typer.Argument(help="owner/name on the Hub.")],
    public: Annotated[bool, typer.Option("--public", help="Everybody may see it; private otherwise.")] = False,
    license_: Annotated[str, typer.Option("--license", help="The Hub's id of a data set's licence.")] = "",
    wait: Annotated[bool, typer.Option(help="Follow it until it is over.")] = True,
    as_json: AsJson = False,
) -> None:
    """Push a model or a data set with its card to the Hub; run it again to go on after a cut."""
    artifact, values = artifact.removeprefix("artifact:"), {"license": license_}
    submit(
        lambda studio: studio.publish(LOCAL, artifact, repo_id, private=not public, values=values),
        wait=wait,
        as_json=as_json,
    )


@app.command()
def card(
    artifact: ArtifactId,
    check: Annotated[bool, typer.Option("--check", help="Lint it instead of printing it.")] = False,
    save: Annotated[Path | None, typer.Option(help="Replace the saved card by this file.")] = None,
) -> None:
    """Print, check or replace the card of an artifact."""
    with opened() as studio:
        if save is not None:
            if not save.is_file():
                raise InvalidInput("--save", str(save), "There is no such file.")
            studio.save_card(LOCAL, artifact, decoded("--save", save.read_bytes()))
        text = studio.card(LOCAL, artifact)
        if not check:
            print(text)
            return
        problems = studio.lint_card(text, studio.card_kind(LOCAL, artifact))
    for problem in problems:
        print(f"{problem.level}\t{problem.line}\t{problem.field}\t{problem.message}")
    if any(problem.level == "error" for problem in problems):
        raise typer.Exit(1)


@app.command()
def upload(path: Annotated[Path, typer.Argument(help="The file.")]) -> None:
    """Take in a data file of any known format as a data set and print its reference."""
    if not path.is_file():
        raise InvalidInput("path", str(path), "There is no such file.")
    with opened() as studio:
        print(studio.upload(LOCAL, path, path.name).ref)


def _only_kind(recipe: str, kind: str) -> None:
    if RECIPES[recipe].kind != kind:
        known = ", ".join(name for name in RECIPES if RECIPES[name].kind == kind)
        raise InvalidInput("recipe", recipe, f"It does not {kind} a model. Known: {known}.")
