"""`studio datasets search`, `stats`, `cross` and `index`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from studio.cli.looking import Columns, Ref, Split, remark, table
from studio.cli.shared import LOCAL, AsJson, Key, Wait, opened, submit
from studio.core import params
from studio.data.finding import Search
from studio.data.records import Basis
from studio.data.statistics import Figures
from studio.service import Wishes
from studio.terminal import say, show

SHOWN = 3  # frequent values in a line of the table


def add_to(app: typer.Typer) -> None:
    """Give `studio datasets` its commands for finding and knowing."""
    app.command("search")(search)
    app.command("index")(index)
    app.command("stats")(stats)
    app.command("cross")(cross)


def search(
    ref: Ref,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    by: Annotated[str, typer.Option(help="text, words (BM25), or meaning.")] = "text",
    split: Split = "train",
    column: Columns = None,
    offset: Annotated[int, typer.Option(help="Hits to skip.")] = 0,
    limit: Annotated[int, typer.Option(help="Hits to show, at most 100.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find rows: `studio datasets search kit:debian-topics "web server" --by words`."""
    asked = {"query": query, "by": by, "split": split, "columns": column or ()}
    wanted = params.parse(Search, asked | {"offset": offset, "limit": limit})
    with opened() as studio:
        found = studio.search(LOCAL, ref, wanted)
    if as_json:
        show(asdict(found))
        return
    scores = [f"{score:.3f}" for score in found.scores] or [""] * len(found.page.rows)
    lines = zip(found.page.numbers, scores, found.page.rows, strict=True)
    table(["row", "score", *found.page.columns], [[number, score, *cells] for number, score, cells in lines])
    say(f"{len(found.page.rows)} rows shown{'' if found.total is None else f' of {found.total:,}'}.")
    remark(found.page.partial)


def index(
    ref: Ref,
    by: Annotated[str, typer.Option(help="words or meaning.")] = "words",
    split: Split = "train",
    column: Columns = None,
    model: Annotated[str, typer.Option(help="Encoder of an index by meaning; the kit's otherwise.")] = "",
    wait: Wait = False,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Make a search index, as a job."""
    values = {"kind": by, "split": split, "columns": column or [], "model": model}
    submit(lambda studio: studio.build_index(LOCAL, ref, values, Wishes(key)), wait=wait, as_json=as_json)


def stats(ref: Ref, split: Split = "train", column: Columns = None, as_json: AsJson = False) -> None:
    """Figures of every column, or of those named."""
    with opened() as studio:
        found = studio.statistics(LOCAL, ref, split, column or ())
    if as_json:
        show([asdict(one) for one in found])
        return
    table(["column", "type", "nulls", "distinct", "range", "mean", "most frequent"], [_line(one) for one in found])
    _rests_on([one.basis for one in found])


def _line(one: Figures) -> list[object]:
    about = "" if one.distinct_exact else "about "
    spread = one.spreads[0] if one.spreads else None
    unit = f" {spread.unit}" if spread and spread.unit != "value" else ""
    return [
        one.column,
        one.type,
        one.nulls,
        "" if one.distinct is None else f"{about}{one.distinct:,}",
        f"{spread.minimum} to {spread.maximum}{unit}" if spread else "",
        "" if spread is None or spread.mean is None else f"{spread.mean:.4g}",
        ", ".join(f"{value} ({rows:,})" for value, rows in one.top[:SHOWN]),
    ]


def cross(
    ref: Ref,
    x: Annotated[str, typer.Argument(help="Column across.")],
    y: Annotated[str, typer.Argument(help="Column down.")],
    split: Split = "train",
    as_json: AsJson = False,
) -> None:
    """Two columns against each other."""
    with opened() as studio:
        found = studio.cross(LOCAL, ref, split, x, y)
    if as_json:
        show(asdict(found))
        return
    if found.kind == "plane":
        known = "not defined" if found.correlation is None else f"{found.correlation:.3f}"
        say(f"Pearson's correlation {known}, over {found.basis.rows_seen:,} rows.")
        _rests_on([found.basis])
        return
    table([y, *found.across], [[name, *cells] for name, cells in zip(found.down, found.cells, strict=True)])
    _rests_on([found.basis])


def _rests_on(found: Sequence[Basis]) -> None:
    if any(basis.beginning for basis in found):
        say(f"Of the beginning only, {found[0].rows_total:,} rows; `studio datasets show` says of how much.")
