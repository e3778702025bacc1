"""`studio models …`."""

from dataclasses import asdict
from typing import Annotated, cast

import typer

from studio.cli.shared import LOCAL, AsJson, model_ref, opened
from studio.hub.models import SORTS, Sort
from studio.service import ModelFacts, ModelFilters
from studio.terminal import show

MEGABYTE = 10**6

Task = Annotated[str, typer.Argument(help="A task, for example text-classification.")]

app = typer.Typer(no_args_is_help=True, help="List models, search the Hub, and look at one before it is loaded.")


@app.command("list")
def models_list(task: Task, as_json: AsJson = False) -> None:
    """List what answers for a task at once: the kit's models and your own."""
    with opened() as studio:
        found = studio.models(LOCAL, task)
    if as_json:
        show([asdict(model) for model in found])
    for model in found if not as_json else ():
        print(f"{model.ref}\t{model.source}\t{model.license}\t{model.bytes / MEGABYTE:.1f} MB\t{model.title}")


@app.command("recent")
def models_recent(task: Task) -> None:
    """List what you have used lately for a task, newest first."""
    with opened() as studio:
        print("\n".join(studio.recent_models(LOCAL, task)))


@app.command("facts")
def models_facts(
    task: Task, model: Annotated[str, typer.Argument(help="kit:ID, artifact:ID, an artifact's id, or a Hub id.")]
) -> None:
    """Look at a model before it is loaded, as JSON; exit code 1 when it cannot be used, with the reason in it."""
    with opened() as studio:
        found = studio.model_facts(LOCAL, task, model_ref(studio, model))
    show(asdict(found))
    if found.problem:
        raise typer.Exit(1)


@app.command("providers")
def models_providers(task: Task, model: Annotated[str, typer.Argument(help="A Hub id.")]) -> None:
    """List the Inference Providers that serve a model of the Hub, for `studio predict --provider`."""
    with opened() as studio:
        for provider in studio.providers(LOCAL, task, model):
            print(provider)


@app.command("search")
def models_search(
    task: Task,
    words: Annotated[str, typer.Argument(help="What the model's name holds.")] = "",
    sort: Annotated[str, typer.Option(help=f"One of: {', '.join(SORTS)}.")] = "downloads",
    license_: Annotated[str, typer.Option("--license", help="The Hub's id of a licence, for example mit.")] = "",
    max_mb: Annotated[float | None, typer.Option(help="The most that the weights may take, in MB.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Search the Hub for models of a task."""
    size = None if max_mb is None else int(max_mb * MEGABYTE)
    with opened() as studio:
        filters = ModelFilters(cast(Sort, sort), license_, size, limit)
        found = studio.search_models(LOCAL, task, words, filters)
    if as_json:
        show([asdict(model) for model in found])
    for model in found if not as_json else ():
        print(_line(model))


def _line(model: ModelFacts) -> str:
    size = f"{model.bytes / MEGABYTE:.1f} MB" if model.bytes else "?"
    return f"{model.ref}\t{model.downloads or 0}\t{model.likes or 0}\t{size}\t{model.license}\t{model.problem}"
