"""What one wants to know of a column: nulls, distinct values, range, quantiles, histogram, frequent values, lengths.

Up to `EXACT_ROWS` every figure is exact. Above it distinct values are counted by HyperLogLog (Flajolet et al., 2007)
and quantiles by t-digest (Dunning, 2021), both over all rows; frequent values of columns with very many are those of a
sample. Each figure says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import duckdb

from studio.data import media, reading
from studio.data.cells import plain
from studio.data.parquet import quote
from studio.data.reading import Split
from studio.data.records import Basis, Column, Dataset
from studio.data.rows import WHITESPACE

EXACT_ROWS = 1_000_000
EXACT_VALUES = 10_000  # distinct values up to which frequent ones are counted over all rows, however many
SAMPLE_ROWS = 200_000
SEED = 42
TOP, BINS = 20, 24
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HEADS, WHOLE = 2_000, 200  # pictures and sounds whose head is read; sounds that must be read whole
TIMES = ("DATE", "TIMESTAMP")
FRACTIONS = ("FLOAT", "DOUBLE")

Unit = Literal["value", "characters", "items", "seconds", "pixels wide", "pixels high", "tokens"]


@dataclass(frozen=True)
class Spread:
    """Numbers, or what can be counted of other values (`unit`).

    Attributes:
        minimum, maximum, mean, deviation: of the finite ones; the sample's standard deviation.
        quantiles: share → value.
        edges, counts: a histogram of equal widths, one edge more than counts; for whole numbers of a small range one
            bar each. Seconds since 1970 for times.
        exact: whether the quantiles are exact, or t-digest's.
        basis: rows that all of it rests on.
    """

    unit: Unit
    minimum: Any
    maximum: Any
    mean: float | None
    deviation: float | None
    quantiles: dict[float, Any]
    edges: list[float]
    counts: list[int]
    exact: bool
    basis: Basis


@dataclass(frozen=True)
class Figures:
    """One column's figures.

    Attributes:
        basis: rows that `nulls`, `distinct` and `not_finite` rest on.
        distinct: different values, nulls aside; None for what cannot be compared.
        distinct_exact: whether it is exact, or HyperLogLog's.
        not_finite: NaN and infinities.
        empty: texts that are empty or white space only.
        top: the most frequent values as text with their rows, at most twenty; `top_basis` says among which rows.
        spreads: of the values, their lengths, or the sizes of pictures and sounds.
    """

    column: str
    type: str
    kind: str
    basis: Basis
    nulls: int
    distinct: int | None = None
    distinct_exact: bool = True
    not_finite: int = 0
    empty: int = 0
    top: list[tuple[str, int]] = field(default_factory=list)
    top_basis: Basis | None = None
    spreads: list[Spread] = field(default_factory=list)


def figures(dataset: Dataset, split: str, column: str) -> Figures:
    """One column's figures; raises `UnknownName` for the split or the column. Kept for as long as the files stay."""
    state = f"{dataset.fingerprint()} {dataset.info.cut}"
    return _figures(_Asked(dataset, split, column, state))


@dataclass(frozen=True)
class _Asked:
    """A question whose answer is kept; only what `state` stands for decides whether two are the same."""

    dataset: Dataset = field(compare=False)
    split: str
    column: str
    state: str


@lru_cache(maxsize=2048)
def _figures(asked: _Asked) -> Figures:
    found = _of_rows(asked)
    return _of_beginning(found) if asked.split in asked.dataset.info.cut else found


def _of_beginning(found: Figures) -> Figures:
    """The same figures, with what they rest on marked as a beginning."""
    spreads = [replace(one, basis=replace(one.basis, beginning=True)) for one in found.spreads]
    top = found.top_basis and replace(found.top_basis, beginning=True)
    return replace(found, basis=replace(found.basis, beginning=True), top_basis=top, spreads=spreads)


def _of_rows(asked: _Asked) -> Figures:
    with reading.opened(asked.dataset, asked.split) as source:
        column = source.column(asked.column)
        total = asked.dataset.info.splits[asked.split]
        if column.type == media.COLUMN:
            return _of_media(source, column, total)
        if column.kind == "number":
            return _of_numbers(source, column, total)
        if column.type.split()[0] in TIMES or column.type.startswith("TIMESTAMP"):
            return _of_times(source, column, total)
        if column.kind in {"text", "boolean"}:
            return _of_texts(source, column, total)
        return _of_others(source, column, total)


def _of_numbers(source: Split, column: Column, total: int) -> Figures:
    name = quote(column.name)
    finite = f"isfinite({name})" if column.type in FRACTIONS else f"{name} IS NOT NULL"
    whole = column.type not in FRACTIONS and not column.type.startswith("DECIMAL")
    nulls, distinct = _counted(source, name, total)
    spread = _spread(source, f"CAST({name} AS DOUBLE)", finite, (total, "value"), whole=whole)
    odd = 0
    if column.type in FRACTIONS:
        odd = source.select(f"SELECT count(*) FROM {source.source} WHERE NOT isfinite({name})")[0][0]  # noqa: S608
    top, basis = _top(source, f"CAST({name} AS VARCHAR)", total, distinct)
    return Figures(
        column.name, column.type, column.kind, Basis(total, total), nulls, distinct, total <= EXACT_ROWS, odd,
        top=top, top_basis=basis, spreads=[spread] if spread else [],
    )  # fmt: skip


def _of_times(source: Split, column: Column, total: int) -> Figures:
    name = quote(column.name)
    nulls, distinct = _counted(source, name, total)
    spread = _spread(source, f"epoch(CAST({name} AS TIMESTAMP))", f"isfinite({name})", (total, "seconds"))
    ends = source.select(f"SELECT min({name}), max({name}) FROM {source.source} WHERE isfinite({name})")[0]  # noqa: S608
    spreads = []
    if spread:
        told = {**spread.__dict__, "minimum": plain(ends[0]), "maximum": plain(ends[1]), "mean": None}
        spreads = [Spread(**{**told, "deviation": None})]
    return Figures(
        column.name, column.type, "time", Basis(total, total), nulls, distinct, total <= EXACT_ROWS, spreads=spreads
    )


def _of_texts(source: Split, column: Column, total: int) -> Figures:
    name = quote(column.name)
    nulls, distinct = _counted(source, name, total)
    top, basis = _top(source, reading.as_text(column), total, distinct)
    spreads, empty = [], 0
    if column.kind == "text":
        text = f"CAST({name} AS VARCHAR)"
        # trim() with so many characters takes twenty times as long as all the rest, so it sees few texts
        starts = ", ".join(str(ord(one)) for one in WHITESPACE)
        blank = f"CASE WHEN {text} = '' THEN true WHEN unicode({text}) IN ({starts}) THEN trim({text}, ?) = '' END"
        lengths = f"SELECT length({text}) AS n, count(*), count(*) FILTER ({blank}) FROM {source.source}"  # noqa: S608
        # a column may be called n as well, so the names are told apart by depth
        known = f"SELECT * FROM ({lengths} GROUP BY 1) WHERE n IS NOT NULL ORDER BY n"  # noqa: S608
        found = source.connection.execute(known, [WHITESPACE, source.parameter]).fetchall()
        empty = sum(blank for _, _, blank in found)
        spreads = _spread_of_counts([(length, rows) for length, rows, _ in found], "characters", total)
    return Figures(
        column.name, column.type, column.kind, Basis(total, total), nulls, distinct, total <= EXACT_ROWS,
        empty=empty, top=top, top_basis=basis, spreads=spreads,
    )  # fmt: skip


def _of_others(source: Split, column: Column, total: int) -> Figures:
    name = quote(column.name)
    (present,) = source.select(f"SELECT count({name}) FROM {source.source}")[0]  # noqa: S608
    spreads = []
    if column.type.endswith("[]"):
        lengths = f"SELECT len({name}) AS n, count(*) FROM {source.source} GROUP BY 1"  # noqa: S608
        lengths = f"SELECT * FROM ({lengths}) WHERE n IS NOT NULL ORDER BY n"  # noqa: S608
        found = [(length, rows) for length, rows in source.select(lengths)]
        spreads = _spread_of_counts(found, "items", total)
    return Figures(column.name, column.type, column.kind, Basis(total, total), total - present, spreads=spreads)


def _spread_of_counts(counted: Sequence[tuple[int, int]], unit: Unit, total: int) -> list[Spread]:
    """Exact figures of whole numbers from how often each stands, in their order: one pass over the rows is enough."""
    import numpy as np

    if not counted:
        return []
    values, rows = (np.asarray(column, dtype=np.float64) for column in zip(*counted, strict=True))
    ends, count = np.cumsum(rows), rows.sum()

    def quantile(share: float) -> float:
        place = share * (count - 1)
        low, high = values[np.searchsorted(ends, [np.floor(place), np.ceil(place)], side="right")]
        return float(low + (high - low) * (place - np.floor(place)))

    mean = float((values * rows).sum() / count)
    edges = bins(values[0], values[-1], whole=True)
    counts, _ = np.histogram(values, edges, weights=rows)
    return [
        Spread(
            unit=unit,
            minimum=int(values[0]),
            maximum=int(values[-1]),
            mean=mean,
            deviation=float(np.sqrt((rows * (values - mean) ** 2).sum() / (count - 1))) if count > 1 else None,
            quantiles={share: quantile(share) for share in QUANTILES},
            edges=[float(edge) for edge in edges],
            counts=[int(one) for one in counts],
            exact=True,
            basis=Basis(total, total),
        )
    ]


def _of_media(source: Split, column: Column, total: int) -> Figures:
    name = quote(column.name)
    (present,) = source.select(f"SELECT count({name}) FROM {source.source}")[0]  # noqa: S608
    heads = (
        f"SELECT {name}.bytes[1:{media.HEAD}], octet_length({name}.bytes) FROM {source.source}"  # noqa: S608
        f" WHERE {name}.bytes IS NOT NULL LIMIT {HEADS}"
    )
    found = [media.measure(head, size) for head, size in source.select(heads)]
    if found and not any(one.pixels or one.seconds is not None for one in found):
        whole = f"SELECT {name}.bytes FROM {source.source} WHERE {name}.bytes IS NOT NULL LIMIT {WHOLE}"  # noqa: S608
        found = [media.listen(sound) for (sound,) in source.select(whole)]
    basis = Basis(len(found), total)
    sizes = [one.pixels for one in found if one.pixels]
    kinds: list[tuple[Unit, list[float]]] = [
        ("pixels wide", [size[0] for size in sizes]),
        ("pixels high", [size[1] for size in sizes]),
        ("seconds", [one.seconds for one in found if one.seconds is not None]),
    ]
    spreads = [spread_of(values, unit, basis) for unit, values in kinds if values]
    return Figures(column.name, column.type, "media", Basis(total, total), total - present, spreads=spreads)


def _counted(source: Split, name: str, total: int) -> tuple[int, int]:
    """Nulls, and different values: exact up to `EXACT_ROWS`."""
    distinct = f"count(DISTINCT {name})" if total <= EXACT_ROWS else f"approx_count_distinct({name})"
    present, different = source.select(f"SELECT count({name}), {distinct} FROM {source.source}")[0]  # noqa: S608
    return total - present, min(different, present)


def _top(source: Split, text: str, total: int, distinct: int) -> tuple[list[tuple[str, int]], Basis]:
    """The most frequent values: of all rows where there are few rows or few values, else of a sample."""
    if total <= EXACT_ROWS or distinct <= EXACT_VALUES:
        return [(value, rows) for value, rows, _ in source.counted(text, TOP)], Basis(total, total)
    share = 100 * SAMPLE_ROWS / total
    sample = f"(SELECT {text} AS v FROM {source.source} USING SAMPLE {share:.6f} PERCENT (system, {SEED}))"  # noqa: S608
    query = f"SELECT v, count(*), (sum(count(*)) OVER ())::BIGINT FROM {sample} GROUP BY v ORDER BY 2 DESC, v LIMIT ?"  # noqa: S608
    found = source.select(query, TOP + 1)
    seen = found[0][2] if found else 0
    return [(value, rows) for value, rows, _ in found if value is not None][:TOP], Basis(seen, total)


def _spread(source: Split, value: str, condition: str, what: tuple[int, Unit], *, whole: bool = False) -> Spread | None:
    """Figures of a numeric expression where the condition holds; None where it never does."""
    total, unit = what
    exact = total <= EXACT_ROWS
    shares = ", ".join(map(str, QUANTILES))
    quantiles = f"quantile_cont(v, [{shares}])" if exact else f"approx_quantile(v, [{shares}])"
    values = f"(SELECT {value} AS v FROM {source.source} WHERE {condition})"  # noqa: S608
    figures = f"count(v), min(v), max(v), avg(CAST(v AS DOUBLE)), {quantiles}"
    try:
        found = source.select(f"SELECT {figures}, stddev_samp(CAST(v AS DOUBLE)) FROM {values}")[0]  # noqa: S608
    except duckdb.OutOfRangeException:  # squares of numbers beyond 1e154
        found = (*source.select(f"SELECT {figures} FROM {values}")[0], None)  # noqa: S608
    count, low, high, mean, points, deviation = found
    if not count:
        return None
    edges, counts = _histogram(source, values, (low, high), whole=whole)
    return Spread(
        unit=unit,
        minimum=plain(low),
        maximum=plain(high),
        mean=mean if mean is not None and math.isfinite(mean) else None,
        deviation=deviation if deviation is not None and math.isfinite(deviation) else None,
        quantiles={share: plain(point) for share, point in zip(QUANTILES, points, strict=True)},
        edges=edges,
        counts=counts,
        exact=exact,
        basis=Basis(total, total),
    )


def _histogram(source: Split, values: str, ends: tuple[Any, Any], *, whole: bool) -> tuple[list[float], list[int]]:
    edges = bins(float(ends[0]), float(ends[1]), whole=whole)
    if not edges:
        return [], []
    count = len(edges) - 1
    width = (edges[-1] - edges[0]) / count
    query = (
        f"SELECT greatest(0, least({count - 1}, floor((CAST(v AS DOUBLE) - ?) / ?)))::INTEGER AS b, count(*)"  # noqa: S608
        f" FROM {values} WHERE v IS NOT NULL GROUP BY b"
    )
    # values stand before the files among the parameters, as they do in the query
    found = dict(source.connection.execute(query, [edges[0], width, source.parameter]).fetchall())
    return edges, [found.get(place, 0) for place in range(count)]


def bins(low: float, high: float, *, whole: bool) -> list[float]:
    """Edges of equal widths from `low` to `high`, for whole numbers of whole ones; empty where none are possible."""
    if not math.isfinite(high - low):
        return []
    if low == high:
        return [low - 0.5, high + 0.5]
    if whole:
        width = max(1, math.ceil((high - low + 1) / BINS))
        count = math.ceil((high - low + 1) / width)
        return [low - 0.5 + place * width for place in range(count + 1)]
    return [low + (high - low) * place / BINS for place in range(BINS + 1)]


def spread_of(values: Sequence[float], unit: Unit, basis: Basis) -> Spread:
    """The same figures of values at hand."""
    import numpy as np

    table = np.asarray(values, dtype=np.float64)
    edges = bins(float(table.min()), float(table.max()), whole=unit != "seconds")
    counts, _ = np.histogram(table, edges)
    return Spread(
        unit=unit,
        minimum=table.min().item(),
        maximum=table.max().item(),
        mean=table.mean().item(),
        deviation=table.std(ddof=1).item() if len(table) > 1 else None,
        quantiles={share: float(np.quantile(table, share)) for share in QUANTILES},
        edges=edges,
        counts=counts.tolist(),
        exact=True,
        basis=basis,
    )
