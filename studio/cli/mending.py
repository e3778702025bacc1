"""`studio datasets mend`, `steps` and `lineage`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.shared import LOCAL, AsJson, Key, Wait, opened, submit
from studio.core.errors import InvalidInput
from studio.data.previews import Preview
from studio.service import Wishes
from studio.terminal import decoded, say, show

Ref = Annotated[str, typer.Argument(help="A data set; `studio datasets list` lists them.")]
WIDE = 60  # characters of a cell


def add_to(app: typer.Typer) -> None:
    """Add the commands to `studio datasets`."""
    app.command("steps")(steps)
    app.command("mend")(mend)
    app.command("lineage")(lineage)


def steps(as_json: AsJson = False) -> None:
    """List the steps that a recipe may have, with their fields."""
    with opened() as studio:
        found = studio.steps()
    if as_json:
        show(found)
    for one in found if not as_json else ():
        print(f"{one['name']}\t{one['description']}\t{', '.join(one['parameters']['properties'])}")


def mend(
    ref: Ref,
    recipe: Annotated[
        Path | None,
        typer.Argument(help="A file of steps as YAML. None with --yaml or --python: what made the result."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the first rows as they would be; run nothing.")
    ] = False,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print it with the state of the data; run nothing.")] = False,
    python: Annotated[bool, typer.Option("--python", help="Print it as a Python script; run nothing.")] = False,
    split: Annotated[str, typer.Option(help="Which part a preview shows.")] = "train",
    rows: Annotated[int, typer.Option(help="How many rows a preview shows.")] = 10,
    title: Annotated[str, typer.Option(help="What the result is called.")] = "",
    wait: Wait = False,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Run a recipe of steps over a data set, as a job that leaves a new one; `studio datasets steps` lists them."""
    if sum((preview, yaml, python)) > 1:
        raise InvalidInput("--preview", "several", "Ask for one of --preview, --yaml and --python.")
    text = _read(recipe, needed=not (yaml or python))
    if not (preview or yaml or python):
        submit(lambda studio: studio.transform(LOCAL, ref, text, title, Wishes(key)), wait=wait, as_json=as_json)
        return
    with opened() as studio:
        if preview:
            found = studio.preview(LOCAL, ref, split, text, rows)
            show(asdict(found)) if as_json else _print(found)
        else:
            print(studio.recipe_yaml(LOCAL, ref, text) if yaml else studio.recipe_python(LOCAL, ref, text), end="")


def lineage(ref: Ref, as_json: AsJson = False) -> None:
    """Say what a data set was made from, and how, back to where it came into the studio."""
    with opened() as studio:
        found = studio.lineage(LOCAL, ref)
    if as_json:
        show([asdict(one) for one in found])
    for one in found if not as_json else ():
        print("\t".join([one.ref, one.title, one.problem or one.made_by or "the source"]))
        for step in one.steps:
            print(f"\t{_cut(step)}")


def _read(recipe: Path | None, *, needed: bool) -> str:
    if recipe is None:
        if needed:
            raise InvalidInput("recipe", "nothing", "Give a file of steps as YAML.")
        return ""
    if not recipe.is_file():
        raise InvalidInput("recipe", str(recipe), "There is no such file.")
    return decoded("recipe", recipe.read_bytes())


def _print(found: Preview) -> None:
    """The result's rows as a table, changed cells with a star; what is said along the way goes to stderr."""
    for note in found.notes:
        say(note)
    for step in found.counts:
        say(f"{step.number}. {_cut(step.title)}: {step.before:,} → {step.after:,} rows")
    print("\t".join(["row", *(column.name for column in found.columns)]))
    for row in found.after:
        cells = [f"*{_cut(cell)}" if place in row.changed else _cut(cell) for place, cell in enumerate(row.cells)]
        print("\t".join([("new" if row.row is None else str(row.row)), *cells]))
    if found.removed:
        say(f"Removed of the first rows: {', '.join(map(str, found.removed))}")
    seen, total = found.basis.rows_seen, found.basis.rows_total
    part = "the beginning of " if found.basis.beginning else ""
    first = "all" if seen == total else f"the first {seen:,} of"
    say(f"Tried on {first} {total:,} rows of {part}{found.split}.")


def _cut(cell: Any) -> str:
    text = " ".join(("" if cell is None else str(cell)).split())
    return text if len(text) <= WIDE else text[: WIDE - 1] + "…"
