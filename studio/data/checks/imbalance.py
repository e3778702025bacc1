"""imbalance: how unevenly rows are spread over the labels, and whether splits differ in it."""

import math
from collections.abc import Mapping

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data import rows
from studio.data.checks.base import (
    Check,
    Evidence,
    Finding,
    Mend,
    Progress,
    Severity,
    Stop,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.conflicting_labels import LabelledParams, label_and_inputs
from studio.data.checks.sampling import present
from studio.data.records import Basis, Dataset

UNEVEN, EXTREME = 3.0, 20.0  # rows of the largest class by those of the smallest
APART = 0.1  # total variation distance of two splits
MOST = 1_000  # classes


class ImbalanceParams(LabelledParams):
    """From when on a class is rare."""

    few: int = Field(
        10, ge=1, le=1_000_000, title="Rare below", description="A class with fewer rows than this is listed as rare."
    )


def run(dataset: Dataset, params: ImbalanceParams, progress: Progress, stop: Stop) -> Finding:
    """Counts per class and split. Rows without a label are left out, and counted."""
    splits = splits_of(dataset, params)
    label, _ = label_and_inputs(dataset, params, splits[0])
    if not label:
        return CHECK.not_run("No column looks like labels; name one, if there is.")
    column = next(column for column in dataset.info.columns if column.name == label)
    counts: dict[str, dict[str, int]] = {}
    for place, split in enumerate(splits):
        stop()
        progress(place, len(splits), f"{split}: labels are counted")
        if present(dataset, split, [column]):
            counts[split] = rows.label_counts(dataset, split, label)
    classes = list(dict.fromkeys(name for split in counts.values() for name in split))
    if not classes:
        return CHECK.not_run(f"No row has a label in {label!r}.")
    if len(classes) > MOST:
        raise InvalidInput("label", label, f"It has {len(classes):,} different values; labels are few.")
    return _finding(dataset, params, (label, classes), counts)


def _finding(
    dataset: Dataset, params: ImbalanceParams, what: tuple[str, list[str]], counts: Mapping[str, Mapping[str, int]]
) -> Finding:
    label, classes = what
    together = {name: sum(split.get(name, 0) for split in counts.values()) for name in classes}
    total, most, least = sum(together.values()), max(together.values()), min(together.values())
    ratio = most / least
    evidence = [*_rare(together, params.few), *_missing(classes, counts), *_apart(counts)]
    severity: Severity = "ok" if not evidence and ratio < UNEVEN else "serious" if ratio >= EXTREME else "warning"
    biggest = max(together, key=lambda name: together[name])
    mended = _mend(label, counts, params.few)
    unlabelled = sum(dataset.info.splits[split] for split in counts) - total
    without = f" {plural(unlabelled, 'row has', 'rows have')} no label." if unlabelled else ""
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="note" if len(classes) == 1 else severity,
        summary=(
            f"{label!r} has {plural(len(classes), 'class', 'classes')}; the largest, {biggest!r}, has "
            f"{percent(most, total)} of the rows and {ratio:.1f} times as many as the smallest.{without}"
        ),
        figures={
            "classes": len(classes),
            "largest_by_smallest": ratio,
            "majority_share": share(most, total),
            "evenness": _evenness(list(together.values())),
            "unlabelled_rows": unlabelled,
        },
        basis={split: Basis(dataset.info.splits[split], dataset.info.splits[split]) for split in counts},
        found=len(evidence),
        evidence=tuple(evidence[: params.shown]),
        counts={f"{label} of {split}": dict(found) for split, found in counts.items()},
        method=f"Rows per value of {label!r}, all of them counted. {CHECK.source}",
        remedy=_remedy(mended is not None) if evidence or mended else "",
        mends=(mended,) if mended else (),
    )


def _mend(label: str, counts: Mapping[str, Mapping[str, int]], few: int) -> Mend | None:
    """Of the first split's large classes so many rows that none has 3 times as many as the smallest that is not rare.

    Rows of a rare class cannot be had by leaving others out, and to go down to its size would leave nothing of them.
    """
    split, found = next(iter(counts.items()))
    common = [rows for rows in found.values() if rows >= few]
    if not common or max(common) < UNEVEN * min(common):
        return None
    most = math.ceil(UNEVEN * min(common)) - 1
    return Mend(CHECK.step, {"rows": most, "each": label}, split, f"at most {most:,} rows of each class of {split}")


def _remedy(mended: bool) -> str:
    told = "Weigh or sample the classes when training, and read macro averages."
    return told + (" Rare classes need more rows, or go." if not mended else "")


def _rare(together: Mapping[str, int], few: int) -> list[Evidence]:
    rare = sorted((count, name) for name, count in together.items() if count < few)
    return [Evidence((), f"class {name!r} has {plural(count, 'row')} only", count) for count, name in rare]


def _missing(classes: list[str], counts: Mapping[str, Mapping[str, int]]) -> list[Evidence]:
    return [
        Evidence((), f"class {name!r} is missing in {split}", 0)
        for split, found in counts.items()
        for name in classes
        if found and name not in found
    ]


def _apart(counts: Mapping[str, Mapping[str, int]]) -> list[Evidence]:
    """Splits whose classes are spread otherwise than in the first."""
    first, *others = counts
    found = []
    for split in others:
        distance = variation(counts[first], counts[split])
        if distance > APART and not by_chance(counts[first], counts[split]):
            text = f"labels of {split} are spread otherwise than those of {first}: total variation {distance:.3f}"
            found.append(Evidence((), text, 0, round(distance, 4)))
    return found


def variation(left: Mapping[str, int], right: Mapping[str, int]) -> float:
    """Total variation distance of two distributions: 0 the same, 1 nothing shared."""
    a, b = sum(left.values()), sum(right.values())
    if not a or not b:
        return 0.0
    return sum(abs(left.get(name, 0) / a - right.get(name, 0) / b) for name in {*left, *right}) / 2


def by_chance(left: Mapping[str, int], right: Mapping[str, int]) -> bool:
    """Whether two draws from one distribution may differ so: chi-squared below its mean and three deviations."""
    a, b = sum(left.values()), sum(right.values())
    classes = {*left, *right}
    statistic = 0.0
    for name in classes:
        one, other = left.get(name, 0), right.get(name, 0)
        statistic += (one * math.sqrt(b / a) - other * math.sqrt(a / b)) ** 2 / (one + other)
    freedom = len(classes) - 1
    return statistic <= freedom + 3 * math.sqrt(2 * freedom)


def _evenness(counts: list[int]) -> float:
    """Entropy by its largest value (Pielou 1966): 1 for classes of one size."""
    total = sum(counts)
    entropy = -sum(count / total * math.log(count / total) for count in counts)
    return entropy / math.log(len(counts)) if len(counts) > 1 else 1.0


CHECK = Check(
    id="imbalance",
    title="Class imbalance",
    description="How unevenly rows are spread over the labels, rare classes, and splits that differ in it.",
    needs="a column of labels",
    params=ImbalanceParams,
    run=run,
    source=(
        "Evenness is the entropy by its largest value (Pielou 1966); splits are compared by total variation, where it "
        "is more than chance by chi-squared."
    ),
    step="sample",
)
