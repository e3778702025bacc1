"""`studio datasets export`, `create`, `about`, `card`, and `annotations`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.looking import FILTER, condition
from studio.cli.shared import LOCAL, AsJson, Key, Wait, opened, submit
from studio.core import params
from studio.core.errors import InvalidInput, UnknownName
from studio.data.exporting import FORMATS, Export
from studio.data.views import View
from studio.service import Wishes
from studio.terminal import decoded, say, show

Ref = Annotated[str, typer.Argument(help="A data set; `studio datasets list` lists them.")]
WorkId = Annotated[str, typer.Argument(help="An annotation; `studio datasets annotations list` lists them.")]
Description = Annotated[str | None, typer.Option(help="What it holds, and how it came about.")]
License = Annotated[str | None, typer.Option("--license", help="The Hub's id of its licence, for example cc-by-4.0.")]
Languages = Annotated[list[str] | None, typer.Option("--language", help="Its code, for example en.")]
MEGABYTE = 10**6
EVERY = 100 * MEGABYTE  # written bytes between two lines about it

annotations = typer.Typer(no_args_is_help=True, help="List annotations, make data sets of them, delete them.")


def add_to(app: typer.Typer) -> None:
    """Add the commands to `studio datasets`."""
    app.command("export")(export)
    app.command("create")(create)
    app.command("about")(about)
    app.command("card")(card)
    annotations.command("list")(annotations_list)
    annotations.command("export")(annotations_export)
    annotations.command("delete")(annotations_delete)
    app.add_typer(annotations, name="annotations")


def export(
    ref: Ref,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file; its ending says the format.")],
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}; the file's ending otherwise.")] = "",
    split: Annotated[str, typer.Option(help="Which part; all of them, as a zip where there are several.")] = "",
    column: Annotated[list[str] | None, typer.Option("--column", "-c", help="A column; all otherwise.")] = None,
    filter_: Annotated[list[str] | None, typer.Option("--filter", "-f", help=FILTER)] = None,
    where: Annotated[str, typer.Option(help="A condition in SQL.")] = "",
    sort: Annotated[str, typer.Option(help="Column to sort by.")] = "",
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
) -> None:
    """Write a data set, or what of it the filters leave, as CSV, JSON Lines or Parquet."""
    wanted = format or output.suffix.removeprefix(".").lower()
    if not format and wanted == "zip":
        raise InvalidInput("--format", "nothing", f"Say what is in the zip: {', '.join(FORMATS)}.")
    known = next((one for one in FORMATS if one == wanted), None)
    if known is None:
        raise UnknownName("format", wanted, FORMATS)
    if not output.absolute().parent.is_dir():
        raise InvalidInput("--output", str(output), "There is no such folder.")
    asked = {"columns": column or (), "where": where, "sort": sort, "descending": descending}
    view = params.parse(View, asked | {"conditions": [condition(text) for text in filter_ or ()]})
    with opened() as studio:
        found = studio.export(LOCAL, ref, known, split, view)
        if found.name.endswith(".zip") and output.suffix != ".zip":
            expected = "It has several splits: name one with --split, or let the file end in .zip."
            raise InvalidInput("--output", str(output), expected)
        _write(found, output)


def _write(found: Export, output: Path) -> None:
    """The whole file, or none."""
    partial = output.with_name(f".{output.name}.partial")
    written = said = 0
    try:
        with partial.open("wb") as file:
            for part in found.parts:
                file.write(part)
                written += len(part)
                if written >= said + EVERY:
                    said = written
                    say(f"{written / MEGABYTE:,.0f} MB")
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    say(f"{output}  {written / MEGABYTE:,.1f} MB")


def create(
    title: Annotated[str, typer.Argument(help="What it is called.")],
    rows: Annotated[
        Path | None, typer.Argument(help="A file of CSV, TSV, JSON or JSON Lines; stdin otherwise.")
    ] = None,
    description: Description = None,
    license_: License = None,
    language: Languages = None,
    as_json: AsJson = False,
) -> None:
    """Make a data set of your own from rows, and print its reference."""
    if rows is not None and not rows.is_file():
        raise InvalidInput("rows", str(rows), "There is no such file.")
    text = decoded("rows", rows.read_bytes() if rows is not None else sys.stdin.buffer.read())
    with opened() as studio:
        info = studio.create_dataset(LOCAL, title, text, _about(description, license_, language))
    show(asdict(info)) if as_json else print(info.ref)


def about(
    ref: Ref,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    description: Description = None,
    license_: License = None,
    language: Languages = None,
) -> None:
    """Say what an upload is: its title, description, licence and languages."""
    given = _about(description, license_, language) | ({"title": title} if title is not None else {})
    with opened() as studio:
        print(studio.describe_dataset(LOCAL, ref, given).title)


def _about(description: str | None, license: str | None, languages: list[str] | None) -> dict[str, Any]:
    given = {"description": description, "license": license, "languages": languages}
    return {name: value for name, value in given.items() if value is not None}


def card(ref: Ref, license_: License = None) -> None:
    """Print the card that a data set would be published with."""
    with opened() as studio:
        print(studio.dataset_card(LOCAL, ref, license_ or ""))


def annotations_list(
    ref: Annotated[str, typer.Argument(help="Those of one data set; all otherwise.")] = "", as_json: AsJson = False
) -> None:
    """List annotations, what was changed last first."""
    with opened() as studio:
        found = studio.annotations(LOCAL, ref)
    if as_json:
        show([work.plain() for work in found])
    for work in found if not as_json else ():
        print(f"{work.id}\t{work.ref}\t{work.plan.kind}\t{work.plan.name}\t{work.done:,} of {work.rows:,}")


def annotations_export(
    work: WorkId,
    form: Annotated[str, typer.Option(help="column; bio for spans; trl for preferences.")] = "",
    unmarked: Annotated[bool, typer.Option("--all-rows", help="Also the rows without an answer.")] = False,
    title: Annotated[str, typer.Option(help="What the result is called.")] = "",
    wait: Wait = False,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Make a new data set of the rows that were answered, as a job."""
    values = {"form": form or None, "unmarked": unmarked, "title": title}
    submit(lambda studio: studio.export_annotations(LOCAL, work, values, Wishes(key)), wait=wait, as_json=as_json)


def annotations_delete(work: WorkId) -> None:
    """Forget an annotation with its answers."""
    with opened() as studio:
        studio.delete_annotation(LOCAL, work)
