"""label-errors: labels that a model trained on the other rows is confident are wrong (confident learning).

Every row is judged by a model that has not seen it. What comes out are suspects: a simple model also suspects what is
merely hard.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from studio.data import reading as data_reading
from studio.data.checks import sampling
from studio.data.checks.base import (
    Check,
    Evidence,
    Finding,
    Progress,
    RowNumber,
    SampledParams,
    Stop,
    columns_of,
    excerpt,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.conflicting_labels import LabelledParams, label_and_inputs
from studio.data.records import Basis, Dataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MOST = 200  # classes
CUT = 5_000  # characters of a text that a model reads
HASHED = 2**16  # features of each kind before the commonest are kept
FEATURES = 20_000


class LabelErrorsParams(LabelledParams, SampledParams):
    """How the labels are tried."""

    rows: int = Field(
        20_000,
        ge=20,
        le=25_000,
        title="Rows",
        description="The most rows that are judged, of all splits together; of more it takes a random sample.",
    )
    folds: int = Field(
        5, ge=2, le=20, title="Folds", description="Each row is judged by a model trained on the other folds."
    )


@dataclass(frozen=True)
class Rows:
    """What is judged: where each row stands, its inputs, and its label as a number of `classes`."""

    places: list[RowNumber]
    inputs: Any
    labels: Ints
    classes: list[str]
    basis: dict[str, Basis]
    left_out: int


def run(dataset: Dataset, params: LabelErrorsParams, progress: Progress, stop: Stop) -> Finding:
    """Rows whose label the others contradict, the clearest first."""
    splits = splits_of(dataset, params)
    label, inputs = label_and_inputs(dataset, params, splits[0])
    texts, numbers = _inputs(dataset, params, label, inputs)
    if not label or not (texts or numbers):
        return CHECK.not_run("There is no column of labels beside one of text or numbers; name them, if there are.")
    rows = _rows(dataset, params, (label, texts, numbers))
    if len(rows.classes) < 2:
        return CHECK.not_run(f"Fewer than two labels have {params.folds} rows or more; there is nothing to compare.")
    chances = _chances(rows, texts, params, progress, stop)
    suspects, guesses = confident(chances, rows.labels)
    accuracy = float((chances.argmax(axis=1) == rows.labels).mean())
    majority = float(np.bincount(rows.labels).max() / len(rows.labels))
    pairs = zip(suspects[: params.shown].tolist(), guesses.tolist(), strict=False)
    evidence = [_shown(rows, chances, texts, pair) for pair in pairs]
    judged = len(rows.labels)
    weak = accuracy <= majority
    remark = " The model is no better than always naming the commonest label, so do not rely on this." if weak else ""
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not len(suspects) else "note" if weak or len(suspects) / judged < 0.01 else "warning",
        summary=(
            f"{plural(len(suspects), 'label is', 'labels are')} suspected to be wrong ({percent(len(suspects), judged)}"
            f" of {judged:,} judged rows). The model that judges is right for {100 * accuracy:.1f} % of held-out rows."
            + remark
        ),
        figures={
            "suspects": len(suspects),
            "suspects_share": share(len(suspects), judged),
            "accuracy": accuracy,
            "majority_share": majority,
            "classes": len(rows.classes),
            "left_out_rows": rows.left_out,
        },
        basis=rows.basis,
        found=len(suspects),
        evidence=tuple(evidence),
        method=_method(params, (label, texts, numbers), rows),
        remedy="Read the suspects, and correct or drop those that are wrong." if len(suspects) else "",
        step=CHECK.step if len(suspects) else "",
    )


def confident(chances: Floats, labels: Ints) -> tuple[Ints, Ints]:
    """Rows whose label is suspected, the clearest first, and what each of them looks like.

    A class is confident of a row when it gives it at least the mean probability that it gives to the rows labelled so;
    counts of label and confident class, scaled to the rows of each label, say how many labels of each kind are wrong,
    and so many are taken that are farthest ahead of their label ("prune by noise rate"; Northcutt, Jiang and Chuang
    2021, 3.1 and 3.2). Rows for which the model itself prefers their label are never suspected.
    """
    classes = chances.shape[1]
    own = chances[np.arange(len(labels)), labels]
    rows = np.bincount(labels, minlength=classes)
    thresholds = np.bincount(labels, weights=own, minlength=classes) / np.maximum(rows, 1)
    sure = np.where(chances >= thresholds, chances, -1.0)
    known = sure.max(axis=1) > 0
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[known], sure[known].argmax(axis=1)), 1)
    wrong = np.rint(joint * (rows / np.maximum(joint.sum(axis=1), 1))[:, None]).astype(int)
    ahead = np.zeros(len(labels))
    guesses = np.full(len(labels), -1, dtype=np.int64)
    for label, guess in np.argwhere((wrong > 0) & ~np.eye(classes, dtype=bool)):
        places = np.flatnonzero((labels == label) & (chances.argmax(axis=1) != label))
        margin = chances[places, guess] - own[places]
        taken = np.argsort(-margin, kind="stable")[: wrong[label, guess]]
        better = margin[taken] > ahead[places[taken]]
        guesses[places[taken[better]]], ahead[places[taken[better]]] = guess, margin[taken[better]]
    suspects = np.flatnonzero(guesses >= 0)
    suspects = suspects[np.argsort(-ahead[suspects], kind="stable")].astype(np.int64)
    return suspects, guesses[suspects]


def _inputs(
    dataset: Dataset, params: LabelErrorsParams, label: str, inputs: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Columns of text, or where there are none those of numbers."""
    kinds = {column.name: column.kind for column in dataset.info.columns}
    texts = [name for name in inputs if kinds[name] == "text"]
    chosen = [column.name for column in columns_of(dataset, params)]
    numbers = [name for name in chosen if kinds[name] == "number" and name != label]
    return (texts, []) if texts else ([], numbers)


def _rows(dataset: Dataset, params: LabelErrorsParams, what: tuple[str, list[str], list[str]]) -> Rows:
    """The rows that have a label and something to judge it by; classes with fewer rows than folds are left out."""
    _, texts, numbers = what
    splits = splits_of(dataset, params)
    total = sum(dataset.info.splits[split] for split in splits)
    places: list[RowNumber] = []
    inputs: list[Any] = []
    labels: list[str] = []
    basis: dict[str, Basis] = {}
    for split in splits:
        size = dataset.info.splits[split]
        limit = max(1, size * params.rows // total) if total > params.rows else size
        sampled, basis[split] = sampling.chosen(dataset, split, limit, params.seed)
        for row, given, value in _cells(dataset, split, what, sampled):
            places.append(RowNumber(split, row))
            inputs.append(given)
            labels.append(value)
    counts: dict[str, int] = {}
    for value in labels:
        counts[value] = counts.get(value, 0) + 1
    classes = sorted((name for name in counts if counts[name] >= params.folds), key=lambda name: -counts[name])[:MOST]
    number = {name: place for place, name in enumerate(sorted(classes))}
    kept = [place for place, value in enumerate(labels) if value in number]
    left_out = sum(one.rows_seen for one in basis.values()) - len(kept)
    chosen = [inputs[place] for place in kept]
    return Rows(
        places=[places[place] for place in kept],
        inputs=chosen if texts else np.array(chosen, dtype=np.float64).reshape(-1, len(numbers)),
        labels=np.array([number[labels[place]] for place in kept], dtype=np.int64),
        classes=sorted(classes),
        basis=basis,
        left_out=left_out,
    )


def _cells(
    dataset: Dataset, split: str, what: tuple[str, list[str], list[str]], sampled: Ints | None
) -> Iterator[tuple[int, Any, str]]:
    """Row, text or numbers, and label."""
    label, texts, numbers = what
    with data_reading.opened(dataset, split) as opened:
        here = {column.name for column in opened.columns}
    if not {label, *texts, *numbers} <= here:
        return
    for rows, batch in sampling.batches(dataset, split, [*texts, *numbers, label], sampled):
        columns = [batch.column(place) for place in range(batch.num_columns)]
        values = [_plain(column, texts) for column in columns[:-1]]
        labels = columns[-1].to_pylist()
        for row, *cells, value in zip(rows.tolist(), *values, labels, strict=True):
            given = "\n".join(filter(None, cells))[:CUT] if texts else cells
            if value is not None and str(value).strip() and (given if texts else True):
                yield row, given, str(value)


def _plain(column: pa.Array, texts: Sequence[str]) -> list[Any]:
    if texts:
        return list(column.to_pylist())
    return [float("nan") if value is None else float(value) for value in column.to_pylist()]


def _chances(rows: Rows, texts: Sequence[str], params: LabelErrorsParams, progress: Progress, stop: Stop) -> Floats:
    """Each row's probability of each class, from a model trained on the other folds."""
    from sklearn.model_selection import StratifiedKFold

    inputs = _vectors(rows.inputs) if texts else np.where(np.isfinite(rows.inputs), rows.inputs, np.nan)
    chances = np.zeros((len(rows.labels), len(rows.classes)))
    folds = StratifiedKFold(params.folds, shuffle=True, random_state=params.seed)
    for place, (train, held_out) in enumerate(folds.split(np.zeros(len(rows.labels)), rows.labels)):
        stop()
        progress(place, params.folds, f"fold {place + 1} of {params.folds}")
        model = _model(texts, params.seed)
        model.fit(inputs[train], rows.labels[train])
        chances[np.ix_(held_out, model.classes_)] = model.predict_proba(inputs[held_out])
    return chances


def _vectors(texts: Sequence[str]) -> Any:
    """Counts of the commonest words, pairs of words and character n-grams; the weights follow within each fold."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    words = HashingVectorizer(n_features=HASHED, ngram_range=(1, 2), norm=None, alternate_sign=False, dtype=np.float32)
    characters = HashingVectorizer(
        n_features=HASHED, analyzer="char_wb", ngram_range=(3, 4), norm=None, alternate_sign=False, dtype=np.float32
    )
    found = hstack([words.transform(texts), characters.transform(texts)], format="csr", dtype=np.float32)
    rows = np.bincount(found.indices, minlength=found.shape[1])
    commonest = np.argsort(-rows, kind="stable")[:FEATURES]
    return found[:, np.sort(commonest[rows[commonest] > 1])] if (rows > 1).any() else found


def _model(texts: Sequence[str], seed: int) -> Any:
    """TF-IDF or standardised numbers, then logistic regression; everything is fitted on the training folds only."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=10.0 if texts else 1.0, max_iter=300, random_state=seed, tol=1e-3)
    if texts:
        return make_pipeline(TfidfTransformer(sublinear_tf=True), regression)
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), regression)


def _shown(rows: Rows, chances: Floats, texts: Sequence[str], what: tuple[int, int]) -> Evidence:
    at, guess = what
    given, likely = rows.classes[rows.labels[at]], rows.classes[guess]
    own, other = chances[at, rows.labels[at]], chances[at, guess]
    told = f"labelled {given!r} ({own:.2f}), looks like {likely!r} ({other:.2f})"
    if texts:
        told += f": {excerpt(rows.inputs[at], 100)!r}"
    return Evidence((rows.places[at],), told, 1, round(float(other - own), 4))


def _method(params: LabelErrorsParams, what: tuple[str, list[str], list[str]], rows: Rows) -> str:
    label, texts, numbers = what
    read = texts or numbers
    kind = "TF-IDF of words, pairs of words and character 3- and 4-grams" if texts else "standardised numbers"
    columns = ", ".join(map(repr, read[:10])) + (" …" if len(read) > 10 else "")
    return (
        f"Confident learning (Northcutt, Jiang and Chuang 2021): logistic regression over {kind} of {columns} for "
        f"{label!r}, {params.folds}-fold cross-validation with seed {params.seed}. {rows.left_out:,} rows were left "
        f"out: they have no label or no input, or their label has fewer than {params.folds} rows."
    )


CHECK = Check(
    id="label-errors",
    title="Suspected label errors",
    description="Labels that a model trained on the other rows is confident are wrong.",
    needs="a column of labels, and one of text or some of numbers",
    params=LabelErrorsParams,
    run=run,
    source='Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels".',
    step="edit",
    heavy=True,
)
