"""Two columns against each other: how often their values meet, how a number spreads within groups, how two go along."""

from dataclasses import dataclass, replace
from typing import Literal

from studio.core.errors import InvalidInput
from studio.data import reading
from studio.data.parquet import quote
from studio.data.reading import Split
from studio.data.records import Basis, Column, Dataset
from studio.data.statistics import FRACTIONS, bins

GROUPS = 12  # values of a column that are shown; the others are counted together
MOST_VALUES = 200  # different values up to which a whole number is a group
# what the rest is called: the first that no group is called
OTHERS = ("others", *(f"others ({number})" for number in range(2, GROUPS + 3)))

Kind = Literal["counts", "spreads", "plane"]


@dataclass(frozen=True)
class Cross:
    """What two columns have to do with each other.

    Attributes:
        kind: "counts": groups × groups, "spreads": a number within groups, "plane": number × number.
        across, down: names of the groups, or the edges of the plane's cells as numbers.
        cells: `down` × `across` rows of counts; for "spreads" one row of minimum, quartile, median, quartile, maximum
            per group of `down`.
        sizes: rows per group of `down`.
        correlation: Pearson's, of two numbers.
        basis: rows in which both columns have a value that counts.
    """

    kind: Kind
    across: list[str] | list[float]
    down: list[str] | list[float]
    cells: list[list[float]]
    sizes: list[int]
    correlation: float | None
    basis: Basis


def cross(dataset: Dataset, split: str, x: str, y: str) -> Cross:
    """Column `x` across, `y` down; the more telling kind is chosen by their types.

    Raises:
        UnknownName: no such split or column.
        InvalidInput: at "x" or "y", a column that is neither text, number nor yes and no; or the two are one.
    """
    if x == y:
        raise InvalidInput("y", y, "Choose two different columns.")
    total = dataset.info.splits.get(split, 0)
    with reading.opened(dataset, split) as source:
        first, second = source.column(x), source.column(y)
        for name, column in (("x", first), ("y", second)):
            if column.kind == "other":
                raise InvalidInput(name, column.name, "Choose a column of text, numbers, or yes and no.")
        numbers = [one for one in (first, second) if _measured(source, one)]
        if len(numbers) == 2:
            found = _plane(source, first, second, total)
        elif numbers:
            found = _spreads(source, second if numbers[0] is first else first, numbers[0], total)
        else:
            found = _counts(source, first, second, total)
    return replace(found, basis=dataset.basis(split, found.basis.rows_seen))


def _measured(source: Split, column: Column) -> bool:
    """Whether it is a quantity rather than the name of a group."""
    if column.kind != "number":
        return False
    if column.type in FRACTIONS:
        return True
    distinct = source.select(f"SELECT approx_count_distinct({quote(column.name)}) FROM {source.source}")[0][0]  # noqa: S608
    return int(distinct) > MOST_VALUES


def _named(source: Split, column: Column) -> tuple[list[str], str]:
    """The most frequent groups, and the SQL that gives each row its own or "others"."""
    text = reading.as_text(column)
    found = [value for value, _, _ in source.counted(text, GROUPS + 1)]
    if len(found) <= GROUPS:
        return found, text
    # names are compared, never written into the query: the others are what is not among the bound ones
    others = next(name for name in OTHERS if name not in found[:GROUPS])
    return [*found[:GROUPS], others], f"CASE WHEN list_contains(?, {text}) THEN {text} ELSE '{others}' END"


def _bound(names: list[str]) -> list[object]:
    """The groups that the SQL of `_named` is given, where there are others."""
    return [names[:GROUPS]] if len(names) > GROUPS else []


def _counts(source: Split, x: Column, y: Column, total: int) -> Cross:
    across, first = _named(source, x)
    down, second = _named(source, y)
    there = f"{quote(x.name)} IS NOT NULL AND {quote(y.name)} IS NOT NULL"
    query = f"SELECT {first}, {second}, count(*) FROM {source.source} WHERE {there} GROUP BY 1, 2"  # noqa: S608
    values = [*_bound(across), *_bound(down), source.parameter]
    found = {(a, b): rows for a, b, rows in source.connection.execute(query, values).fetchall()}
    cells = [[float(found.get((a, b), 0)) for a in across] for b in down]
    sizes = [int(sum(row)) for row in cells]
    return Cross("counts", across, down, cells, sizes, None, Basis(sum(sizes), total))


def _spreads(source: Split, group: Column, number: Column, total: int) -> Cross:
    names, sql = _named(source, group)
    value = quote(number.name)
    there = f"{quote(group.name)} IS NOT NULL AND {_finite(number)}"
    query = (
        f"SELECT {sql}, count(*), min({value})::DOUBLE, quantile_cont({value}::DOUBLE, [0.25, 0.5, 0.75]),"  # noqa: S608
        f" max({value})::DOUBLE FROM {source.source} WHERE {there} GROUP BY 1"
    )
    rows = source.connection.execute(query, [*_bound(names), source.parameter]).fetchall()
    found = {name: (count, [low, *quartiles, high]) for name, count, low, quartiles, high in rows}
    shown = [name for name in names if name in found]
    cells = [[float(one) for one in found[name][1]] for name in shown]
    sizes = [int(found[name][0]) for name in shown]
    across = ["minimum", "lower quartile", "median", "upper quartile", "maximum"]
    return Cross("spreads", across, shown, cells, sizes, None, Basis(sum(sizes), total))


def _plane(source: Split, x: Column, y: Column, total: int) -> Cross:
    first, second = (f"CAST({quote(one.name)} AS DOUBLE)" for one in (x, y))
    there = f"{_finite(x)} AND {_finite(y)}"
    pairs = f"(SELECT {first} AS a, {second} AS b FROM {source.source} WHERE {there})"  # noqa: S608
    ends = f"SELECT count(*), min(a), max(a), min(b), max(b), corr(a, b) FROM {pairs}"  # noqa: S608
    count, *sides, correlation = source.select(ends)[0]
    if not count:
        return Cross("plane", [], [], [], [], None, Basis(0, total))
    across, down = bins(sides[0], sides[1], whole=False), bins(sides[2], sides[3], whole=False)
    if not across or not down:
        raise InvalidInput(
            "x" if not across else "y", x.name if not across else y.name, "Its values lie too far apart."
        )
    place = "greatest(0, least(?, floor(({0} - ?) / ?)))::INTEGER"
    query = f"SELECT {place.format('a')}, {place.format('b')}, count(*) FROM {pairs} GROUP BY 1, 2"  # noqa: S608
    bound = [one for edges in (across, down) for one in (len(edges) - 2, edges[0], edges[1] - edges[0])]
    found = {(a, b): rows for a, b, rows in source.connection.execute(query, [*bound, source.parameter]).fetchall()}
    cells = [[float(found.get((a, b), 0)) for a in range(len(across) - 1)] for b in range(len(down) - 1)]
    known = correlation if correlation is not None and correlation == correlation else None
    return Cross("plane", across, down, cells, [int(sum(row)) for row in cells], known, Basis(count, total))


def _finite(column: Column) -> str:
    name = quote(column.name)
    return f"isfinite({name})" if column.type in FRACTIONS else f"{name} IS NOT NULL"
