"""duplicates: rows that are the same in all chosen columns, within a split."""

from pydantic import Field

from studio.data.checks import mends
from studio.data.checks.base import (
    GROUP,
    Check,
    CheckParams,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    Stop,
    columns_of,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.hashing import Compared, Hashed, hashed
from studio.data.checks.mends import Change
from studio.data.records import Basis, Dataset

MANY = 0.05  # of all rows

# groups of the same rows within a split
GROUPS = "SELECT split, h, m, count(*) AS n, min(r) AS first FROM same GROUP BY ALL HAVING count(*) > 1"


class DuplicatesParams(CheckParams):
    """Which columns make a row."""

    normal: bool = Field(
        False,
        title="Normalise text",
        description="Take texts as the same that differ only in case, white space or compatibility forms.",
    )


def run(dataset: Dataset, params: DuplicatesParams, progress: Progress, stop: Stop) -> Finding:
    """Count groups and rows beyond the first of each."""
    splits, columns = splits_of(dataset, params), columns_of(dataset, params)
    total = sum(dataset.info.splits[split] for split in splits)
    with hashed(dataset, splits, Compared([column.name for column in columns], params.normal), progress, stop) as found:
        groups = found.number(f"SELECT count(*) FROM ({GROUPS})")  # noqa: S608
        extra = found.number(f"SELECT CAST(sum(n - 1) AS BIGINT) FROM ({GROUPS})")  # noqa: S608
        evidence = tuple(_shown(found, params.shown))
        mended = _mended(found, params) if extra else ()
    named = "all columns" if not params.columns else ", ".join(repr(column.name) for column in columns)
    summary = (
        f"{plural(extra, 'row repeats', 'rows repeat')} an earlier row of the same split ({percent(extra, total)})."
    )
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not extra else "serious" if share(extra, total) > MANY else "warning",
        summary=summary if extra else "No row repeats another of the same split.",
        figures={"groups": groups, "repeated_rows": extra, "repeated_share": share(extra, total)},
        basis={split: Basis(dataset.info.splits[split], dataset.info.splits[split]) for split in splits},
        found=groups,
        evidence=evidence,
        method=f"Rows are the same that agree in {named}{_normally(params)}. {CHECK.source}",
        remedy="Keep the first row of each group." if extra else "",
        mends=mended,
    )


def _normally(params: DuplicatesParams) -> str:
    return ", texts after NFKC, case folding and joining of white space" if params.normal else ""


def _mended(found: Hashed, params: DuplicatesParams) -> tuple[Mend, ...]:
    """The step knows no normalised text: then these very rows are deleted."""
    if not params.normal:
        return (Mend(CHECK.step, {"columns": params.columns} if params.columns else {}),)
    later = (
        "SELECT s.split, s.r FROM same s JOIN"  # noqa: S608
        f" ({GROUPS}) g ON s.split = g.split AND s.h = g.h AND s.m = g.m AND s.r > g.first ORDER BY s.split, s.r"
    )
    return mends.edits(Change(RowNumber(found.splits[split], row)) for split, row in found.select(later))


def _shown(found: Hashed, limit: int) -> list[Evidence]:
    """The largest groups with their rows."""
    query = (
        f"SELECT g.split, first, n, list(r ORDER BY r)[1:{GROUP}] FROM"  # noqa: S608
        f" (SELECT * FROM ({GROUPS}) ORDER BY n DESC, split, first LIMIT ?) g JOIN same"
        " ON same.split = g.split AND same.h = g.h AND same.m = g.m GROUP BY ALL ORDER BY n DESC, g.split, first"
    )
    return [
        Evidence(
            rows=tuple(RowNumber(found.splits[split], row) for row in rows),
            text=f"{plural(count, 'row')} of {found.splits[split]} are the same",
            count=count,
        )
        for split, _, count, rows in found.select(query, limit)
    ]


CHECK = Check(
    id="duplicates",
    title="Exact duplicates",
    description="Rows that are the same in all columns, or in those that are chosen, within a split.",
    needs="any column",
    params=DuplicatesParams,
    run=run,
    source="Found by a 64-bit hash of the values and confirmed by the MD5 of their text, over all rows.",
    step="deduplicate",
)
