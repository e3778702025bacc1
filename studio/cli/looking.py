"""`studio datasets view`, `sql` and `row`."""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from studio.cli.shared import LOCAL, AsJson, opened
from studio.core import params
from studio.core.errors import InvalidInput
from studio.data.cells import as_json as written
from studio.data.sandbox import ROWS
from studio.data.views import View
from studio.terminal import say, show

WIDEST = 60  # characters of a cell in a table
FILTER = """As JSON: {"column": "label", "op": "is", "value": "spam"}; all must hold."""

Ref = Annotated[str, typer.Argument(help="A data set; `studio datasets list` lists them.")]
Split = Annotated[str, typer.Option(help="Which part.")]
Columns = Annotated[list[str] | None, typer.Option("--column", "-c", help="A column to show; all otherwise.")]


def add_to(app: typer.Typer) -> None:
    """Give `studio datasets` its commands for looking."""
    app.command("view")(view)
    app.command("sql")(sql)
    app.command("row")(row)


def view(
    ref: Ref,
    split: Split = "train",
    column: Columns = None,
    filter_: Annotated[list[str] | None, typer.Option("--filter", "-f", help=FILTER)] = None,
    where: Annotated[str, typer.Option(help="A condition in SQL.")] = "",
    sort: Annotated[str, typer.Option(help="Column to sort by.")] = "",
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    offset: Annotated[int, typer.Option(help="Rows to skip.")] = 0,
    limit: Annotated[int, typer.Option(help="Rows to show, at most 100.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Rows of a data set: filtered, sorted, at any depth."""
    asked = {"split": split, "columns": column or (), "where": where, "sort": sort, "descending": descending}
    conditions = [condition(text) for text in filter_ or ()]
    wanted = params.parse(View, asked | {"offset": offset, "limit": limit, "conditions": conditions})
    with opened() as studio:
        page = studio.view(LOCAL, ref, wanted)
    if as_json:
        show(asdict(page))
        return
    table(["row", *page.columns], [[number, *cells] for number, cells in zip(page.numbers, page.rows, strict=True)])
    say(f"{len(page.rows)} of {page.matching:,} matching rows; {page.total:,} in all.")
    remark(page.partial)


def sql(
    ref: Ref,
    query: Annotated[str, typer.Argument(help="One SELECT; the table is called by the split's name, or data.")],
    split: Split = "train",
    limit: Annotated[int, typer.Option(help=f"Rows of the answer, at most {ROWS:,}.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Ask a data set in SQL: read-only, ten seconds."""
    with opened() as studio:
        answer = studio.sql(LOCAL, ref, split, query, limit)
    if as_json:
        show(asdict(answer))
        return
    table([column.name for column in answer.columns], answer.rows)
    say(f"{len(answer.rows)} rows{', and there are more' if answer.more else ''}; {answer.seconds:.2f} s.")
    remark(answer.partial)


def row(
    ref: Ref,
    number: Annotated[int, typer.Argument(help="Its number, from 0.")],
    split: Split = "train",
    column: Columns = None,
    as_json: AsJson = False,
) -> None:
    """One row with its whole values."""
    with opened() as studio:
        found = studio.row(LOCAL, ref, split, number, column or ())
    if as_json:
        show(asdict(found))
    for value in found.values if not as_json else ():
        named = f" ({value.label})" if value.label else ""
        cut = f" … {value.length:,} characters" if value.length else ""
        print(f"{_safe(value.column)}\t{_safe(_text(value.value))}{named}{cut}")


def remark(partial: str) -> None:
    """Say that it was the beginning of a data set only, and of how much, where it was."""
    if partial:
        say(partial)


def condition(text: str) -> Any:
    """A condition as it is written in a terminal; raises `InvalidInput`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("--filter", text, FILTER) from None


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as wide as their widest cell, long ones cut."""
    lines = [[_short(_safe(_text(value))) for value in line] for line in [names, *rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else written(value)


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _safe(text: str) -> str:
    """Without what a terminal would take for a command."""
    return "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text)
