"""conflicting-labels: the same text with different labels, within and across splits."""

from collections.abc import Iterator

from pydantic import Field

from studio.core.errors import UnknownName
from studio.data import mapping
from studio.data.checks import mends
from studio.data.checks.base import (
    GROUP,
    Check,
    CheckParams,
    Evidence,
    Finding,
    Progress,
    RowNumber,
    Stop,
    columns_of,
    excerpt,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.hashing import Compared, Hashed, hashed
from studio.data.checks.mends import Change
from studio.data.records import Basis, Column, Dataset

MANY = 0.01  # of all rows

GROUPS = (
    "SELECT h, m, count(*) AS n, min((split, r)) AS first FROM same WHERE extra IS NOT NULL"
    " GROUP BY h, m HAVING count(DISTINCT extra) > 1"
)


class LabelledParams(CheckParams):
    """Which column holds the label."""

    label: str = Field("", title="Label", description="The column of labels; empty: the one that looks like it.")


class ConflictingParams(LabelledParams):
    """What counts as the same text."""

    normal: bool = Field(
        True,
        title="Normalise text",
        description="Take texts as the same that differ only in case, white space or compatibility forms.",
    )


def label_and_inputs(dataset: Dataset, params: LabelledParams, split: str) -> tuple[str, list[str]]:
    """The label's column and those that it is about, as chosen or guessed; "" and [] for what there is not."""
    known = [column.name for column in dataset.info.columns]
    if params.label and params.label not in known:
        raise UnknownName("column", params.label, known)
    inputs = [column.name for column in columns_of(dataset, params)] if params.columns else []
    if params.label and inputs:
        return params.label, [name for name in inputs if name != params.label]
    guess = mapping.map_columns(dataset, split)
    label = params.label or guess.label
    inputs = inputs or ([guess.text] if guess.text else [])
    return label, [name for name in inputs if name != label]


def run(dataset: Dataset, params: ConflictingParams, progress: Progress, stop: Stop) -> Finding:
    """Groups of equal inputs with more than one label. Rows without text or label are left out."""
    splits = splits_of(dataset, params)
    label, inputs = label_and_inputs(dataset, params, splits[0])
    if not label or not inputs:
        return CHECK.not_run("There is no column of labels beside one of text; name them, if there are.")
    with hashed(dataset, splits, Compared(inputs, params.normal, label, filled=True), progress, stop) as found:
        groups = found.number(f"SELECT count(*) FROM ({GROUPS})")  # noqa: S608
        rows = found.number(f"SELECT CAST(sum(n) AS BIGINT) FROM ({GROUPS})")  # noqa: S608
        evidence = tuple(_shown(found, params.shown))
        column = next(column for column in dataset.info.columns if column.name == label)
        mended = mends.edits(_changes(found, column)) if groups else ()
    total = sum(dataset.info.splits[split] for split in splits)
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not groups else "serious" if share(rows, total) > MANY else "warning",
        summary=(
            f"{plural(groups, 'text has', 'texts have')} more than one label in {label!r}: {plural(rows, 'row')} "
            f"({percent(rows, total)})."
            if groups
            else f"No text has more than one label in {label!r}."
        ),
        figures={"texts": groups, "rows": rows, "rows_share": share(rows, total)},
        basis={split: Basis(dataset.info.splits[split], dataset.info.splits[split]) for split in splits},
        found=groups,
        evidence=evidence,
        method=(
            f"Rows that agree in {', '.join(map(repr, inputs))}{' once normalised' if params.normal else ''}, over all "
            f"chosen splits together, and have different values in {label!r}. {CHECK.source}"
        ),
        remedy=(
            "Decide which label is right; or drop these rows. What is filled in gives each row the label that most "
            "rows of the same text have, and deletes the rows of texts for which no label has most."
            if groups
            else ""
        ),
        mends=mended,
    )


def _changes(found: Hashed, label: Column) -> Iterator[Change]:
    """Rows of another label than most of their text; all rows of a text for which two labels have as many."""
    counts = (
        "SELECT s.h, s.m, s.extra, count(*) AS c FROM same s"  # noqa: S608
        f" JOIN ({GROUPS}) g ON s.h = g.h AND s.m = g.m WHERE s.extra IS NOT NULL GROUP BY ALL"
    )
    most = f"SELECT h, m, max(c) AS top, arg_max(extra, c) AS extra FROM ({counts}) GROUP BY h, m"  # noqa: S608
    tied = f"SELECT h, m, c AS top, count(*) AS ties FROM ({counts}) GROUP BY h, m, c"  # noqa: S608
    query = (
        f"SELECT s.split, s.r, CASE WHEN ties = 1 THEN g.extra END FROM ({most}) g"  # noqa: S608
        f" JOIN ({tied}) t ON t.h = g.h AND t.m = g.m AND t.top = g.top JOIN same s ON s.h = g.h AND s.m = g.m"
        " WHERE s.extra IS NOT NULL AND (ties > 1 OR s.extra <> g.extra) ORDER BY s.split, s.r"
    )
    for split, row, most_have in found.select(query):
        place = RowNumber(found.splits[split], row)
        right = None if most_have is None else mends.value(label, most_have)
        yield Change(place) if right is None else Change(place, label.name, right)


def _shown(found: Hashed, limit: int) -> list[Evidence]:
    query = (
        f"SELECT list((s.split, s.r, s.extra) ORDER BY s.split, s.r)[1:{GROUP}], n,"  # noqa: S608
        f" list(DISTINCT s.extra ORDER BY s.extra)[1:{GROUP}]"
        f" FROM (SELECT * FROM ({GROUPS}) ORDER BY n DESC, first LIMIT ?) g JOIN same s"
        " ON s.h = g.h AND s.m = g.m WHERE s.extra IS NOT NULL GROUP BY g.h, g.m, n, first ORDER BY n DESC, first"
    )
    shown = []
    for rows, count, labels in found.select(query, limit):
        named = ", ".join(repr(excerpt(label, 40)) for label in labels)
        places = tuple(RowNumber(found.splits[split], row) for split, row, _ in rows)
        shown.append(Evidence(places, f"{plural(count, 'row')} with the same text have the labels {named}", count))
    return shown


CHECK = Check(
    id="conflicting-labels",
    title="Conflicting labels",
    description="The same text with different labels, within and across splits.",
    needs="a column of labels and one of text",
    params=ConflictingParams,
    run=run,
    source="Found by a 64-bit hash and confirmed by MD5, over all rows.",
    step="edit",
)
