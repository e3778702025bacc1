"""`studio datasets check`, `checks` and `report`."""

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.shared import LOCAL, AsJson, Key, Sets, Wait, opened, submit
from studio.core.errors import InvalidInput
from studio.data import reports
from studio.data.checks import CHECKS
from studio.service import Wishes
from studio.terminal import pairs, say, show

Ref = Annotated[str, typer.Argument(help="A data set; `studio datasets list` lists them.")]
Chosen = Annotated[
    list[str] | None, typer.Option("--check", "-c", help="A check; `studio datasets checks` lists them. All otherwise.")
]


def add_to(app: typer.Typer) -> None:
    """Give `studio datasets` its commands about checks."""
    app.command("checks")(checks)
    app.command("check")(check)
    app.command("report")(report)


def checks(as_json: AsJson = False) -> None:
    """List the checks of data, and what they need."""
    if as_json:
        show([one.described() for one in CHECKS.values()])
    for one in CHECKS.values() if not as_json else ():
        print(f"{one.id}\t{one.needs}\t{one.description}")


def check(
    ref: Ref,
    chosen: Chosen = None,
    set_: Sets = None,
    now: Annotated[bool, typer.Option("--now", help="At once and without a job: small data, no model.")] = False,
    wait: Wait = False,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Check a data set: `studio datasets check kit:debian-topics --check leakage --wait`."""
    names, values = chosen or [], pairs(set_)
    if not now:
        submit(lambda studio: studio.check(LOCAL, ref, names, values, Wishes(key)), wait=wait, as_json=as_json)
        return
    with opened() as studio:
        found = studio.check_now(LOCAL, ref, names, values)
    show(reports.as_json(found)) if as_json else print(reports.markdown(found), end="")


def report(
    artifact: Annotated[str, typer.Argument(help="Id of a report, which a check has left.")],
    format: Annotated[str, typer.Option(help="md, html or json.")] = "md",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file for it.")] = None,
) -> None:
    """Print a report, or write it to a file."""
    if output is not None and not output.absolute().parent.is_dir():
        raise InvalidInput("--output", str(output), "There is no such folder.")
    with opened() as studio:
        _, text, _ = studio.report_file(LOCAL, artifact, format)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
        say(f"{output} written.")
