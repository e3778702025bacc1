"""label-errors: labels that models trained on the other rows find much less likely than another one.

Every row is judged by models that have not seen it. What comes out are suspects: models also suspect what is merely
hard, and a row on the border of two classes.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from pydantic import Field

from studio.data.checks import judging, mends
from studio.data.checks.base import (
    Check,
    Evidence,
    Finding,
    Progress,
    Stop,
    excerpt,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.conflicting_labels import label_and_inputs
from studio.data.checks.judging import Floats, Judge
from studio.data.checks.labelled import ALONE, Encoders, FoldedParams, Reader, Rows, rows_of, vectors_of, what_of
from studio.data.records import Dataset

# of benchmarks/label_errors.py
TRUST = {
    "texts": (
        "of descriptions of software in 10 topics 86 % of the turned labels were suspected, and 62 % of the suspects "
        "had been turned; of captions of emoji in 9 groups, which are short and few, 78 % and 49 %. Without an encoder "
        "it was 77 % and 54 %, and 64 % and 37 %"
    ),
    "pictures": (
        "of pictures of clothes in 10 classes 94 % of the turned labels were suspected, and 62 % of the suspects had "
        "been turned; of emoji in 9 groups 79 % and 32 %"
    ),
    "numbers": (
        "of 118 wines of 3 growers 72 % of the turned labels were suspected, and 68 % of the suspects had been turned"
    ),
}


class LabelErrorsParams(FoldedParams):
    """How the labels are tried."""

    ratio: float = Field(
        5.0,
        ge=1.5,
        le=1_000,
        title="Ratio",
        description="A label is suspected where another one is at least so many times as likely. Lower finds more "
        "errors and suspects more that are none.",
    )


def run(
    dataset: Dataset, params: LabelErrorsParams, progress: Progress, stop: Stop, encoders: Encoders = ALONE
) -> Finding:
    """Rows whose label the others contradict, the clearest first."""
    splits = splits_of(dataset, params)
    label, inputs = label_and_inputs(dataset, params, splits[0])
    what = what_of(dataset, params, label, inputs)
    if what is None:
        return CHECK.not_run(
            "There is no column of labels beside one of text or pictures, or some of numbers; name them, if there are."
        )
    if what.kind == "pictures" and encoders.pictures is None:
        return CHECK.not_run("Pictures are judged by a model that makes vectors of them, and there is none here.")
    rows = rows_of(dataset, params, what, Reader(what, encoders, progress, stop))
    if len(rows.classes) < 2:
        return CHECK.not_run(f"Fewer than two labels have {params.folds} rows or more; there is nothing to compare.")
    chances = chances_of(rows, params, encoders, progress, stop)
    return _finding(dataset, params, rows, chances, _method(params, rows, encoders))


def chances_of(rows: Rows, params: LabelErrorsParams, encoders: Encoders, progress: Progress, stop: Stop) -> Floats:
    """Each row's probability of each class, by models that have not seen the row."""
    judges = _judges(rows, params, encoders, (progress, stop))
    return judging.chances(judges, rows.labels, (params.folds, params.seed), progress, stop)


def _finding(dataset: Dataset, params: LabelErrorsParams, rows: Rows, chances: Floats, method: str) -> Finding:
    what = rows.what
    suspects, guesses, ahead = judging.suspected(chances, rows.labels, params.ratio)
    accuracy = float((chances.argmax(axis=1) == rows.labels).mean())
    majority = float(np.bincount(rows.labels).max() / len(rows.labels))
    found, count = len(suspects), len(rows.labels)
    triples = list(zip(suspects.tolist(), guesses.tolist(), ahead.tolist(), strict=True))
    weak = accuracy <= majority + 2 * (majority * (1 - majority) / count) ** 0.5
    remark = " The models are no better than always naming the commonest label, so do not rely on this." if weak else ""
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not found else "note" if weak or found / count < 0.01 else "warning",
        summary=(
            f"{plural(found, 'label is', 'labels are')} suspected to be wrong ({percent(found, count)}"
            f" of {count:,} judged rows). The models that judge are right for {100 * accuracy:.1f} % of held-out rows."
            + remark
        ),
        figures={
            "suspects": found,
            "suspects_share": share(found, count),
            "accuracy": accuracy,
            "majority_share": majority,
            "classes": len(rows.classes),
            "left_out_rows": rows.left_out,
        },
        basis=rows.basis,
        found=found,
        evidence=tuple(_shown(rows, chances, one) for one in triples[: params.shown]),
        method=method,
        remedy="Read the suspects, and correct or drop those that are wrong." if found else "",
        mends=mends.edits(_changes(dataset, what.label, rows, [(at, guess) for at, guess, _ in triples])),
    )


def _judges(rows: Rows, params: LabelErrorsParams, encoders: Encoders, watch: tuple[Progress, Stop]) -> list[Judge]:
    if rows.what.kind == "numbers":
        return judging.of_numbers(rows.inputs, params.seed)
    if rows.what.kind == "pictures":
        return judging.of_vectors(rows.inputs, params.seed)
    words = judging.of_words(rows.inputs, params.seed)
    if encoders.texts is None:
        return words
    vectors = vectors_of(rows.inputs, encoders.texts.encode, *watch)
    return [*words, *judging.of_vectors(vectors, params.seed)]


def _changes(dataset: Dataset, label: str, rows: Rows, suspects: Iterable[tuple[int, int]]) -> Iterator[mends.Change]:
    """The label that each of them looks like."""
    column = next(column for column in dataset.info.columns if column.name == label)
    for at, guess in suspects:
        if (likely := mends.value(column, rows.classes[guess])) is not None:
            yield mends.Change(rows.places[at], label, likely)


def _shown(rows: Rows, chances: Floats, suspect: tuple[int, int, float]) -> Evidence:
    at, guess, ahead = suspect
    given, likely = rows.classes[rows.labels[at]], rows.classes[guess]
    own, other = chances[at, rows.labels[at]], chances[at, guess]
    told = f"labelled {given!r} ({own:.2f}), looks like {likely!r} ({other:.2f})"
    if rows.what.kind == "texts":
        told += f": {excerpt(rows.inputs[at], 100)!r}"
    return Evidence((rows.places[at],), told, 1, round(ahead, 4))


def _method(params: LabelErrorsParams, rows: Rows, encoders: Encoders) -> str:
    what = rows.what
    vectors = "logistic regression over {} and the nearest rows by {}"
    kind = {
        "texts": "logistic regression over TF-IDF of words, pairs of words and character 3- and 4-grams",
        "pictures": vectors.format(f"the vectors of {encoders.pictures and encoders.pictures.name}", "these"),
        "numbers": "logistic regression over standardised numbers",
    }[what.kind]
    if what.kind == "texts" and encoders.texts is not None:
        kind += ", " + vectors.format(f"the vectors of {encoders.texts.name}", "these") + "; the mean of the three"
    columns = ", ".join(map(repr, what.inputs[:10])) + (" …" if len(what.inputs) > 10 else "")
    return (
        f"Judged by {columns} for {what.label!r}: {kind}; {params.folds}-fold cross-validation with seed "
        f"{params.seed}, so that no model has seen the rows that it judges (Northcutt, Jiang and Chuang 2021). "
        f"Suspected is a label where another one is at least {params.ratio:g} times as likely. {rows.left_out:,} rows "
        f"were left out: they have no label or no input, or their label has fewer than {params.folds} rows. How far to "
        f"trust it, measured with 5 % of the labels turned on purpose: {TRUST[what.kind]}. The others are rows that "
        "fit two labels, and labels that were wrong before."
    )


CHECK = Check(
    id="label-errors",
    title="Suspected label errors",
    description="Labels that models trained on the other rows find much less likely than another one.",
    needs="a column of labels, and one of text or pictures, or some of numbers",
    params=LabelErrorsParams,
    run=run,
    source='Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels".',
    step="edit",
    heavy=True,
)
