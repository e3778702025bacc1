"""`studio datasets add`, `show`, `configs` and `databases`."""

from dataclasses import asdict
from typing import Annotated

import typer

from studio.cli.shared import LOCAL, AsJson, Key, Wait, opened, submit
from studio.service import Wishes
from studio.terminal import show

Ref = Annotated[str, typer.Argument(help="A data set: kit:ID, upload:ID, artifact:ID, owner/name, or a path.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `studio datasets`."""
    app.command("add")(add)
    app.command("show")(shown)
    app.command("configs")(configs)
    app.command("databases")(databases)


def add(
    source: Annotated[
        str, typer.Argument(help="A file, a web address, sql:NAME#TABLE, or a Hub id of which all is wanted.")
    ],
    name: Annotated[str, typer.Option(help="What it is called; the source's own name when empty.")] = "",
    wait: Wait = False,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Take in a data set as a job, and print its reference: `studio datasets add https://example.org/a.csv --wait`."""
    submit(lambda studio: studio.add(LOCAL, source, name, Wishes(key)), wait=wait, as_json=as_json)


def shown(
    ref: Ref,
    config: Annotated[str, typer.Option(help="One of its configurations; `studio datasets configs` lists them.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what a data set is: its splits, columns, licence and configurations."""
    with opened() as studio:
        info = studio.dataset(LOCAL, ref, config).info
    if as_json:
        show(asdict(info))
        return
    print(f"{info.title}\n{info.description}".strip())
    if info.partial:
        print(info.partial)
    print(f"{info.ref}  {info.license or 'no licence stated'}  {info.bytes / 1e6:,.1f} MB  {info.revision}".rstrip())
    if info.configs:
        print(f"Configuration {info.config} of {', '.join(info.configs)}")
    for split, count in info.splits.items():
        print(f"{split}\t{count:,}{'+' if split in info.cut else ''} rows")
    for column in info.columns:
        print(f"{column.name}\t{column.type}")


def configs(ref: Ref) -> None:
    """List the configurations (subsets) of a data set, the default one first."""
    with opened() as studio:
        print("\n".join(studio.dataset_configs(LOCAL, ref)))


def databases() -> None:
    """List the databases of STUDIO_DATABASES and their tables."""
    with opened() as studio:
        found = studio.databases(LOCAL)
    for name, tables in found.items():
        print("\n".join(f"sql:{name}#{table}" for table in tables))
