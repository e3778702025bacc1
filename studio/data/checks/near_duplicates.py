"""near-duplicates: texts of a split that are almost the same."""

from collections.abc import Mapping

from pydantic import Field

from studio.data import near
from studio.data.checks import mends, sampling
from studio.data.checks.base import (
    GROUP,
    Check,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    SampledParams,
    Stop,
    percent,
    plural,
    prose,
    share,
    splits_of,
)
from studio.data.checks.mends import Change
from studio.data.records import Basis, Dataset

MANY = 0.05  # of the rows that were read


class NearParams(SampledParams):
    """How alike, and in what."""

    rows: int = Field(
        300_000,
        ge=1,
        le=500_000,
        title="Rows",
        description="The most rows that are compared of each split; of a larger one it takes a random sample.",
    )
    threshold: float = Field(
        near.THRESHOLD,
        ge=0.3,
        le=1,
        title="Threshold",
        description="Jaccard index of two texts' character n-grams from which on they are near duplicates.",
    )
    shingle: int = Field(
        near.SHINGLE, ge=1, le=64, title="Characters", description="Length of an n-gram in characters."
    )


class NearDuplicatesParams(NearParams):
    """The same, within a split."""


def method(params: NearParams) -> str:
    """How near duplicates are found with these parameters, and how many are missed."""
    plan = near.Plan(params.threshold, params.shingle)
    bands, rows = plan.banding
    missed = 100 * (1 - params.threshold**rows) ** bands
    return (
        f"MinHash (Broder 1997) over character {params.shingle}-grams of the normalised text, {bands} bands of {rows} "
        "rows; every candidate is compared exactly, so that no pair below a Jaccard index of "
        f"{params.threshold} is listed. Of pairs right at the threshold {missed:.1f} % are missed on average, fewer "
        f"above it. Of a text the first {near.LONGEST:,} characters count. Threshold and use: Lee et al. 2022, "
        '"Deduplicating Training Data Makes Language Models Better".'
    )


def run(dataset: Dataset, params: NearDuplicatesParams, progress: Progress, stop: Stop) -> Finding:
    """Groups of connected texts per split."""
    splits = splits_of(dataset, params)
    columns = prose(dataset, params, splits[0])
    if not columns:
        return CHECK.not_run("There is no column of free text.")
    basis: dict[str, Basis] = {}
    evidence: list[Evidence] = []
    later: list[Change] = []
    groups = extra = exact = capped = 0
    for split in splits:
        here = sampling.present(dataset, split, columns)
        names = [column.name for column in here if column.kind == "text"]
        numbers, basis[split] = sampling.chosen(dataset, split, params.rows, params.seed)
        with near.Index(near.Plan(params.threshold, params.shingle)) as index:
            if names:
                index.fill(sampling.texts(dataset, split, names, numbers), progress, stop, basis[split].rows_seen)
            found, matches = index.groups(progress, stop)
            capped += index.capped
        if len(columns) > 1:
            later += [Change(RowNumber(split, number)) for group in found for number in group[1:]]
        groups += len(found)
        extra += sum(len(group) - 1 for group in found)
        exact += sum(match.similarity == 1 for match in matches.values())
        evidence += [_shown(split, group, matches) for group in sorted(found, key=len, reverse=True)[: params.shown]]
    seen = sum(one.rows_seen for one in basis.values())
    cap = f" In crowded buckets {capped:,} texts were compared with {near.COMPARED} others only." if capped else ""
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not extra else "serious" if share(extra, seen) > MANY else "warning",
        summary=(
            f"{plural(extra, 'row is', 'rows are')} much like an earlier one ({percent(extra, seen)}), in "
            f"{plural(groups, 'group')}; {exact:,} of them are the same once normalised."
            if extra
            else "No two texts of a split are near duplicates."
        ),
        figures={"groups": groups, "near_rows": extra, "near_share": share(extra, seen), "same_once_normalised": exact},
        basis=basis,
        found=groups,
        evidence=tuple(sorted(evidence, key=lambda one: -one.count)[: params.shown]),
        method=method(params) + cap,
        remedy="Keep one row of each group; look at some groups first." if extra else "",
        mends=_mends(params, [column.name for column in columns], later) if extra else (),
    )


def _mends(params: NearDuplicatesParams, columns: list[str], later: list[Change]) -> tuple[Mend, ...]:
    """The step compares one column: where texts of several were compared together, these very rows are deleted."""
    if len(columns) > 1:
        return mends.edits(later)
    return (Mend(CHECK.step, {"column": columns[0], "threshold": params.threshold, "shingle": params.shingle}),)


def _shown(split: str, group: list[int], matches: Mapping[int, near.Match]) -> Evidence:
    known = [matches[number].similarity for number in group if number in matches]
    weakest = min(known, default=1.0)
    return Evidence(
        rows=tuple(RowNumber(split, number) for number in group[:GROUP]),
        text=f"{plural(len(group), 'row')} of {split} are alike; the weakest link has a Jaccard index of {weakest:.3f}",
        count=len(group),
        score=round(weakest, 4),
    )


CHECK = Check(
    id="near-duplicates",
    title="Near duplicates",
    description="Texts of a split that differ in a few characters or words only.",
    needs="a column of text",
    params=NearDuplicatesParams,
    run=run,
    source="Broder 1997; Lee et al. 2022.",
    step="deduplicate-near",
)
