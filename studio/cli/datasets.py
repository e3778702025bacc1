"""`studio datasets …`."""

from dataclasses import asdict
from typing import Annotated

import typer

from studio.cli import checks, looking, making, mending, opening, searching
from studio.cli.shared import LOCAL, AsJson, opened
from studio.terminal import show

app = typer.Typer(no_args_is_help=True, help="List data sets, look into them, ask them in SQL, delete your own.")
checks.add_to(app)
looking.add_to(app)
searching.add_to(app)
mending.add_to(app)
making.add_to(app)
opening.add_to(app)


@app.command("list")
def datasets_list(as_json: AsJson = False) -> None:
    """List the kit's data sets, the uploads, and what jobs have made."""
    with opened() as studio:
        found = studio.datasets(LOCAL)
    if as_json:
        show([asdict(info) for info in found])
    for info in found if not as_json else ():
        rows = ", ".join(f"{split} {count}" for split, count in info.splits.items())
        print(f"{info.ref}\t{info.title}\t{rows}")


@app.command("delete")
def datasets_delete(
    ref: Annotated[str, typer.Argument(help="upload:ID or artifact:ID; `studio datasets list` lists them.")],
) -> None:
    """Delete a data set of your own."""
    with opened() as studio:
        studio.delete_dataset(LOCAL, ref)
