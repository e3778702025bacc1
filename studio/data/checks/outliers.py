"""outliers: numbers far from the others, texts that are much longer or shorter, pictures and sounds of unusual size."""

import math
from dataclasses import dataclass

from pydantic import Field

from studio.data import media, reading
from studio.data.checks.base import (
    Check,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    SampledParams,
    Stop,
    columns_of,
    excerpt,
    percent,
    plural,
    splits_of,
)
from studio.data.checks.sampling import present
from studio.data.parquet import quote
from studio.data.records import INTEGERS, Basis, Column, Dataset

MAD = 1.4826  # makes the median absolute deviation an estimate of the standard deviation of normal values
FENCE = 1.5  # Tukey 1977
AGAIN = math.log(1.5)  # what is less than half as long again is not much longer, however alike the others are
FEWEST = 10  # rows with a value
LISTED = 20  # rows of a column
ROOM = 4_000  # characters of a condition


class OutliersParams(SampledParams):
    """How far is far."""

    rows: int = Field(
        2_000_000,
        ge=1,
        le=5_000_000,
        title="Rows",
        description="Median and spread are those of at most about so many rows; outliers are looked for in all.",
    )
    z: float = Field(
        3.5,
        ge=1,
        le=100,
        title="Robust z",
        description="A value is an outlier when it is farther from the median than this many robust deviations.",
    )


@dataclass(frozen=True)
class Bounds:
    """What is usual in a column: from `low` to `high`; `rule` says why."""

    low: float
    high: float
    middle: float
    deviation: float
    rule: str


def run(dataset: Dataset, params: OutliersParams, progress: Progress, stop: Stop) -> Finding:
    """Column by column: bounds from its median, then every row outside them."""
    splits, columns = splits_of(dataset, params), columns_of(dataset, params)
    usable = [column for column in columns if _measure(column)]
    if not usable:
        return CHECK.not_run("There is no column of numbers, text, pictures or sounds.")
    evidence: list[Evidence] = []
    basis: dict[str, Basis] = {}
    usual: dict[str, list[str]] = {}
    outside = odd = 0
    for place, split in enumerate(splits):
        here = [column for column in present(dataset, split, usable) if _measure(column)]
        total = dataset.info.splits[split]
        basis[split] = Basis(total, total)
        with reading.opened(dataset, split) as opened:
            for column in here:
                stop()
                progress(place, len(splits), f"{split}: {column.name}")
                seen, bounds = _bounds(opened, column, params, total)
                basis[split] = min(basis[split], Basis(seen, total), key=lambda one: one.rows_seen)
                count, infinite, found = _outside(opened, split, column, bounds)
                outside += count
                odd += infinite
                evidence += found
                if found:
                    usual.setdefault(split, []).append(_usual(column, bounds))
    evidence.sort(key=lambda one: -(one.score or 0))
    both = outside + odd
    total = sum(one.rows_total for one in basis.values())
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not both else "note" if not odd else "warning",
        summary=(
            f"{plural(outside, 'value is', 'values are')} far from the others of their column"
            + (f", and {odd:,} are no finite number" if odd else "")
            + f" ({percent(both, total * len(usable))} of the values)."
            if both
            else "No value is far from the others of its column."
        ),
        figures={"outliers": outside, "not_finite": odd},
        basis=basis,
        found=both,
        evidence=tuple(evidence[: params.shown]),
        method=(
            f"Of numbers, and of the logarithm of text lengths and file sizes: farther from the median than {params.z} "
            f"robust deviations; texts and files also half as long again, or a third shorter. {CHECK.source}"
        ),
        remedy=(
            "Look at them: an outlier may be an error, or what matters most. What is filled in keeps the rows that "
            "have none."
            if both
            else ""
        ),
        mends=tuple(_mend(split, conditions) for split, conditions in usual.items() if conditions),
    )


def _measure(column: Column) -> str:
    """SQL of the number that is looked at; "" for a column that has none."""
    name = quote(column.name)
    if column.kind == "number":
        return f"CAST({name} AS DOUBLE)"
    if column.type == "VARCHAR":
        return f"ln(1 + length({name}))"
    if column.type == media.COLUMN:
        return f"ln(1 + octet_length({name}.bytes))"
    return ""


def _bounds(opened: reading.Split, column: Column, params: OutliersParams, total: int) -> tuple[int, Bounds | None]:
    """Rows that the figures rest on, and what is usual; None where too few rows have a value, or all have the same."""
    measured = f"SELECT {_measure(column)} AS v, row_number() OVER () AS r FROM {opened.source}"  # noqa: S608
    sampled = f" AND hash(r, {params.seed}) % {total} < {params.rows}" if total > params.rows else ""
    rows = f"SELECT v FROM ({measured}) WHERE true{sampled}"  # noqa: S608
    figures = ", ".join(
        f"{figure} FILTER (isfinite(v))"
        for figure in ("count(v)", "median(v)", "mad(v)", "quantile_cont(v, [0.25, 0.75])")
    )
    query = f"SELECT count(*), {figures} FROM ({rows})"  # noqa: S608
    seen, present_, middle, deviation, quartiles = opened.select(query)[0]
    if present_ < FEWEST:
        return seen, None
    least = 0.0 if column.kind == "number" else AGAIN
    if deviation:
        far = max(params.z * MAD * deviation, least)
        return seen, Bounds(middle - far, middle + far, middle, MAD * deviation, f"{params.z} robust deviations")
    low, high = quartiles
    if high == low:
        return seen, None
    far = max(FENCE * (high - low), least)
    return seen, Bounds(low - far, high + far, middle, (high - low) / 1.349, f"{FENCE} interquartile ranges")


def _outside(
    opened: reading.Split, split: str, column: Column, bounds: Bounds | None
) -> tuple[int, int, list[Evidence]]:
    """Values outside the bounds, values that are no finite number, and the farthest of them."""
    text = reading.as_text(column) if column.kind == "number" else "''"
    rows = f"SELECT {_measure(column)} AS v, {text} AS t, row_number() OVER () - 1 AS r FROM {opened.source}"  # noqa: S608
    low, high, middle, deviation = (
        (bounds.low, bounds.high, bounds.middle, bounds.deviation) if bounds else (None, None, 0.0, 1.0)
    )
    test = "isfinite(v) AND (v < ? OR v > ?)" if bounds else "false AND ? IS NULL AND ? IS NULL"
    counts = f"SELECT count(*) FILTER ({test}), count(*) FILTER (NOT isfinite(v)) FROM ({rows})"  # noqa: S608
    # placeholders are bound in their order, and those of the filter stand before that of the files
    outside, odd = opened.connection.execute(counts, [low, high, opened.parameter]).fetchone() or (0, 0)
    if not outside + odd:
        return 0, 0, []
    query = (
        f"SELECT r, v, t FROM ({rows}) WHERE ({test}) OR NOT isfinite(v)"  # noqa: S608
        f" ORDER BY NOT isfinite(v) DESC, abs(v - {middle!r}) DESC, r LIMIT {LISTED}"
    )
    found = opened.connection.execute(query, [opened.parameter, low, high]).fetchall()
    return outside, odd, [_evidence(split, column, row, (middle, deviation)) for row in found]


def _usual(column: Column, bounds: Bounds | None) -> str:
    """SQL that is true of a row whose value in this column is not among those that were found, and of an empty one."""
    name = quote(column.name)
    if bounds is None:
        return f"coalesce(isfinite({name}), true)"
    if column.type in INTEGERS:
        return f"coalesce({name} BETWEEN {math.ceil(bounds.low)} AND {math.floor(bounds.high)}, true)"
    if column.kind == "number":
        # as it was measured; an exponent makes it a DOUBLE, and no decimal that would be rounded
        low, high = (f"{end!r}" if "e" in repr(end) else f"{end!r}e0" for end in (bounds.low, bounds.high))
        return f"coalesce(CAST({name} AS DOUBLE) BETWEEN {low} AND {high}, true)"
    size = f"length({name})" if column.type == "VARCHAR" else f"octet_length({name}.bytes)"
    least = max(0, math.floor(math.expm1(bounds.low)) - 1)
    while math.log(1 + least) < bounds.low:
        least += 1
    most = math.ceil(math.expm1(bounds.high)) + 1
    while math.log(1 + most) > bounds.high:
        most -= 1
    return f"coalesce({size} BETWEEN {least} AND {most}, true)"


def _mend(split: str, conditions: list[str]) -> Mend:
    """As many columns as a condition has room for."""
    kept: list[str] = []
    for condition in conditions:
        if len(" AND ".join([*kept, condition])) <= ROOM:
            kept.append(condition)
    named = "" if len(kept) == len(conditions) else f", by {len(kept)} of {len(conditions)} columns"
    return Mend(CHECK.step, {"condition": " AND ".join(kept)}, split, f"rows of {split}{named}")


def _evidence(split: str, column: Column, row: tuple[int, float, str], usual: tuple[float, float]) -> Evidence:
    number, value, text = row
    middle, deviation = usual
    where = (RowNumber(split, number),)
    if not math.isfinite(value):
        return Evidence(where, f"{column.name!r} of row {number:,} of {split} is {text}", 1, 1e9)
    score = round(abs(value - middle) / deviation, 2)
    shown, usually = _in_words(column, value, text), _in_words(column, middle, f"{middle:.6g}")
    far = f"{score:,.1f} robust deviations from the median, {usually}"
    return Evidence(where, f"{column.name!r} of row {number:,} of {split}: {shown}; {far}", 1, score)


def _in_words(column: Column, value: float, text: str) -> str:
    if column.kind == "number":
        return excerpt(text, 40)
    size = round(math.expm1(value))
    return plural(size, "character" if column.type == "VARCHAR" else "byte")


CHECK = Check(
    id="outliers",
    title="Outliers",
    description="Numbers far from the others, texts much longer or shorter, pictures and sounds of unusual size.",
    needs="a column of numbers, text, pictures or sounds",
    params=OutliersParams,
    run=run,
    source=(
        "The robust deviation is the median absolute deviation (Iglewicz and Hoaglin 1993); where that is 0, beyond "
        "1.5 interquartile ranges from the quartiles (Tukey 1977)."
    ),
    step="filter",
)
