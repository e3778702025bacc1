"""leakage: rows of a held-out split that stand in the training split too, exactly or nearly.

The share is that of the held-out rows: what a measurement on them is worth depends on nothing else. Held-out rows are
sampled where there are too many; each is looked up in the whole training split.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data import near
from studio.data.checks import sampling
from studio.data.checks.base import (
    Check,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    Stop,
    columns_of,
    percent,
    plural,
    prose,
    share,
    splits_of,
)
from studio.data.checks.hashing import Compared, hashed
from studio.data.checks.near_duplicates import NearParams, method
from studio.data.near import Numbers
from studio.data.records import Basis, Dataset

PARTNERS = 5  # training rows that are listed beside a held-out row
MANY = 0.01  # of the held-out rows


class LeakageParams(NearParams):
    """What is compared with what."""

    rows: int = Field(
        200_000,
        ge=1,
        le=300_000,
        title="Rows",
        description="The most held-out rows that are looked up for near duplicates; the training split is read whole.",
    )
    train: str = Field("train", min_length=1, title="Training split", description="What a model would be trained on.")
    normal: bool = Field(
        False,
        title="Normalise text",
        description="Take texts as the same that differ only in case, white space or compatibility forms.",
    )
    near: bool = Field(True, title="Near duplicates", description="Look for rows whose text is almost the same, too.")


@dataclass(frozen=True)
class Leak:
    """A held-out row, what it has in the training split, and how alike they are; exact is the same in all columns."""

    row: int
    partners: tuple[int, ...]
    count: int
    similarity: float
    exact: bool


@dataclass(frozen=True)
class Asked:
    """What is compared: the columns of an exact match, those of a near one, and who watches."""

    dataset: Dataset
    params: LeakageParams
    columns: list[str]
    text: list[str]
    progress: Progress
    stop: Stop

    @property
    def near(self) -> bool:
        """Whether rows that are nearly the same are looked for."""
        return bool(self.text) and self.params.near


@dataclass(frozen=True)
class Leaks:
    """What leaks into one held-out split: figures, how many rows in all, and some of them."""

    figures: dict[str, float]
    basis: Basis
    total: int
    evidence: list[Evidence]


def run(dataset: Dataset, params: LeakageParams, progress: Progress, stop: Stop) -> Finding:
    """Per held-out split: rows that the training split has too."""
    held_out = _held_out(dataset, params)
    columns = [column.name for column in columns_of(dataset, params)]
    if not held_out:
        return CHECK.not_run("There is only one split, so that nothing is held out.")
    asked = Asked(dataset, params, columns, _text_columns(dataset, params), progress, stop)
    leaks = {split: _leaks(asked, split) for split in held_out}
    figures = {name: value for one in leaks.values() for name, value in one.figures.items()}
    evidence = [entry for one in leaks.values() for entry in one.evidence]
    total = sum(one.total for one in leaks.values())
    worst = max(value for name, value in figures.items() if name.endswith("share"))
    rows = dataset.info.splits[params.train]
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not total else "serious" if worst > MANY else "warning",
        summary=_summary(held_out, figures, params) if total else f"No held-out row stands in {params.train!r}.",
        figures=figures,
        basis={params.train: Basis(rows, rows)} | {split: one.basis for split, one in leaks.items()},
        found=total,
        evidence=tuple(sorted(evidence, key=lambda one: -(one.score or 0))[: params.shown]),
        method=_method(asked, whole=all(one.basis.whole for one in leaks.values())),
        remedy=f"Take these rows out of {params.train!r}, or out of the held-out split." if total else "",
        mends=(Mend(CHECK.step, _fields(asked)),) if total else (),
    )


def _fields(asked: Asked) -> dict[str, Any]:
    """What the step has to be told to take away these rows, and no others."""
    params = asked.params
    alike = {"texts": asked.text, "threshold": params.threshold, "shingle": params.shingle} if asked.near else {}
    return {"against": params.train, "columns": params.columns, "normal": params.normal, **alike}


def _held_out(dataset: Dataset, params: LeakageParams) -> list[str]:
    """The splits that are compared with the training split; none where there is only one."""
    known = dataset.info.splits
    held_out = [split for split in splits_of(dataset, params) if split != params.train]
    if len(known) < 2:
        return []
    if params.train not in known:
        raise InvalidInput("train", params.train, f"Name the split that is trained on: {', '.join(known)}.")
    if not held_out:
        raise InvalidInput("splits", params.train, "Name a split that is held out too, beside the training split.")
    return held_out


def _text_columns(dataset: Dataset, params: LeakageParams) -> list[str]:
    """What is compared for near duplicates: the chosen columns of text, or those of free text."""
    if params.columns:
        return [column.name for column in columns_of(dataset, params) if column.kind == "text"]
    return [column.name for column in prose(dataset, params, params.train)]


def _leaks(asked: Asked, split: str) -> Leaks:
    """Both kinds together; a row that leaks both ways counts once."""
    exact, listed = _exact(asked, split)
    params = asked.params
    numbers, basis = sampling.chosen(asked.dataset, split, params.rows, params.seed)
    alike = _near(asked, split, numbers) if asked.near else {}
    nearly = np.fromiter(alike, dtype=np.int64)
    figures: dict[str, float] = {f"{split}_exact_rows": len(exact)}
    figures[f"{split}_exact_share"] = share(len(exact), basis.rows_total)
    if asked.near:
        inside = exact if numbers is None else np.intersect1d(exact, numbers)
        together = len(np.union1d(inside, nearly))
        figures |= {f"{split}_near_rows": len(alike), f"{split}_near_share": share(len(alike), basis.rows_seen)}
        figures |= {f"{split}_any_rows": together, f"{split}_any_share": share(together, basis.rows_seen)}
    others = [alike[row] for row in np.setdiff1d(nearly, exact).tolist()]
    closest = heapq.nsmallest(params.shown, others, key=lambda leak: (-leak.similarity, leak.row))
    evidence = [_shown(leak, split, params.train) for leak in [*listed, *closest]]
    return Leaks(figures, basis, len(np.union1d(exact, nearly)), evidence)


def _exact(asked: Asked, split: str) -> tuple[Numbers, list[Leak]]:
    """Every held-out row that the training split has in all columns, and the first of them with their partners."""
    params = asked.params
    both = "same t JOIN same s ON s.h = t.h AND s.m = t.m AND s.split = 0 WHERE t.split = 1"
    compared = Compared(asked.columns, params.normal)
    with hashed(asked.dataset, [params.train, split], compared, asked.progress, asked.stop) as found:
        rows = found.connection.execute(f"SELECT DISTINCT t.r FROM {both} ORDER BY 1").fetchnumpy()["r"]  # noqa: S608
        query = (
            f"SELECT t.r, count(*), list(s.r ORDER BY s.r)[1:{PARTNERS}] FROM {both}"  # noqa: S608
            " AND t.r <= ? GROUP BY t.r ORDER BY t.r"
        )
        last = int(rows[: params.shown][-1]) if len(rows) else -1
        listed = found.connection.execute(query, [last]).fetchall()
    return rows, [Leak(row, tuple(partners), count, 1.0, exact=True) for row, count, partners in listed]


def _near(asked: Asked, split: str, numbers: Numbers | None) -> dict[int, Leak]:
    """Held-out row → what it has at or above the threshold; the partner is the one that is most alike."""
    dataset, params, progress = asked.dataset, asked.params, asked.progress
    wanted = [column for column in dataset.info.columns if column.name in asked.text]
    here = {column.name for column in sampling.present(dataset, split, wanted)}
    there = {column.name for column in sampling.present(dataset, params.train, wanted)}
    names = [name for name in asked.text if name in here & there]
    best: dict[int, Leak] = {}
    if not names:
        return best
    total = dataset.info.splits[params.train]

    def read() -> Iterator[tuple[int, str]]:
        for seen, entry in enumerate(sampling.texts(dataset, params.train, names)):
            if seen % 10_000 == 0:
                progress(seen, total, f"{split}: compared with {seen:,} of {total:,} rows of {params.train}")
            yield entry

    with near.Index(near.Plan(params.threshold, params.shingle)) as index:
        rows = len(numbers) if numbers is not None else dataset.info.splits[split]
        index.fill(sampling.texts(dataset, split, names, numbers), progress, asked.stop, rows)
        for match in index.matches(read(), asked.stop):
            known = best.get(match.left, Leak(match.left, (), 0, 0.0, exact=False))
            closer = match.similarity > known.similarity
            best[match.left] = replace(
                known,
                count=known.count + 1,
                partners=(match.right,) if closer else known.partners,
                similarity=max(match.similarity, known.similarity),
            )
    return best


def _shown(leak: Leak, split: str, train: str) -> Evidence:
    return Evidence(
        rows=(RowNumber(split, leak.row), *(RowNumber(train, row) for row in leak.partners)),
        text=_words(leak, split, train),
        count=1 + leak.count,
        score=round(leak.similarity, 4),
    )


def _words(leak: Leak, split: str, train: str) -> str:
    times = f", {leak.count:,} times" if leak.count > 1 else ""
    if leak.exact:
        return f"row {leak.row:,} of {split} stands in {train}{times}"
    if leak.similarity == 1:
        return f"row {leak.row:,} of {split} has the same text as a row of {train}{times}"
    return f"row {leak.row:,} of {split} is much like a row of {train}: Jaccard index {leak.similarity:.3f}{times}"


def _summary(held_out: list[str], figures: dict[str, float], params: LeakageParams) -> str:
    sentences = []
    for split in held_out:
        kind = "any" if f"{split}_any_rows" in figures else "exact"
        rows, part = int(figures[f"{split}_{kind}_rows"]), figures[f"{split}_{kind}_share"]
        exact = int(figures[f"{split}_exact_rows"])
        nearly = f" exactly or nearly, {exact:,} of them exactly" if kind == "any" else ""
        sentences.append(
            f"{plural(rows, 'row')} of {split} ({percent(part, 1)}) {'stands' if rows == 1 else 'stand'} in "
            f"{params.train} too{nearly}."
        )
    return " ".join(sentences)


def _method(asked: Asked, *, whole: bool) -> str:
    params = asked.params
    columns = ", ".join(map(repr, params.columns)) or "all columns"
    normal = " once normalised" if params.normal else ""
    exact = f"Exactly, over all rows: those that agree in {columns}{normal}, by hash and MD5."
    sample = "" if whole else ", of a random sample of the held-out rows"
    nearly = f" Nearly, in {', '.join(map(repr, asked.text))}{sample}: {method(params)}" if asked.near else ""
    return f"Shares are of the held-out rows. {exact}{nearly}"


CHECK = Check(
    id="leakage",
    title="Leakage",
    description="Rows of the test or validation split that stand in the training split too, exactly or nearly.",
    needs="two splits or more",
    params=LeakageParams,
    run=run,
    source="Hash and MD5 for the exact, MinHash and the exact Jaccard index for the near.",
    step="drop-leaked",
)
