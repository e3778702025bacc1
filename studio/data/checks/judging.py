"""How labels are tried: several models, each trained on the other folds, and what speaks against a row's label.

Which models these are, and from when on a label is suspected, was chosen by `benchmarks/label_errors.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.checks.base import Progress, Stop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
HASHED = 2**16  # features of each kind before the commonest are kept
FEATURES = 20_000
WORDS, VECTORS, NUMBERS = 3.0, 1.0, 1.0  # inverse of the regularisation of a regression over them
NEAREST = 15
SHARPNESS = 10.0  # a neighbour's vote is exp(SHARPNESS · cosine)
BLOCK = 512  # rows that are compared with all others at once
LEAST = 1e-9  # a probability that counts as none


@dataclass(frozen=True)
class Judge:
    """One of the models: what it reads of each row, and what makes it anew for each fold."""

    inputs: Any
    model: Callable[[], Any]


class Nearest:
    """Labels of the nearest training rows by cosine, weighted by it; as classifiers of scikit-learn are called."""

    classes_: Ints

    def fit(self, inputs: npt.NDArray[np.float32], labels: Ints) -> "Nearest":
        """Keep them."""
        self._inputs, self._labels, self.classes_ = inputs, labels, np.unique(labels)
        return self

    def predict_proba(self, inputs: npt.NDArray[np.float32]) -> Floats:
        """Shares of the votes; every class has a little of them."""
        count = min(NEAREST, len(self._labels))
        found = np.zeros((len(inputs), len(self.classes_)))
        for start in range(0, len(inputs), BLOCK):
            cosines = inputs[start : start + BLOCK] @ self._inputs.T
            nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            votes = np.exp(SHARPNESS * np.take_along_axis(cosines, nearest, 1).astype(np.float64))
            labels = self._labels[nearest]
            for place, one in enumerate(self.classes_):
                found[start : start + BLOCK, place] = (votes * (labels == one)).sum(axis=1)
            found[start : start + BLOCK] += 0.01 * votes.mean(axis=1, keepdims=True)
        return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float64)


def chances(judges: Sequence[Judge], labels: Ints, how: tuple[int, int], progress: Progress, stop: Stop) -> Floats:
    """Each row's probability of each class: the mean of the judges, trained on the other folds.

    `how` is the number of folds and the seed.
    """
    from sklearn.model_selection import StratifiedKFold

    count, seed = how
    found = np.zeros((len(labels), int(labels.max()) + 1))
    folds = StratifiedKFold(count, shuffle=True, random_state=seed)
    for place, (train, held_out) in enumerate(folds.split(np.zeros(len(labels)), labels)):
        for judge in judges:
            stop()
            progress(place, count, f"fold {place + 1} of {count}")
            model = judge.model()
            model.fit(judge.inputs[train], labels[train])
            found[np.ix_(held_out, model.classes_)] += model.predict_proba(judge.inputs[held_out])
    return np.asarray(found / len(judges), dtype=np.float64)


def suspected(chances: Floats, labels: Ints, ratio: float) -> tuple[Ints, Ints, Floats]:
    """Rows for which another class is at least `ratio` times as likely as their label, the clearest first.

    With them what each looks like, and how clearly: the logarithm of the two classes' quotient.
    """
    logs = np.log(np.maximum(chances, LEAST))
    rows = np.arange(len(labels))
    others = logs.copy()
    others[rows, labels] = -np.inf
    guesses = others.argmax(axis=1)
    ahead = others[rows, guesses] - logs[rows, labels]
    order = np.argsort(-ahead, kind="stable")
    order = order[ahead[order] >= np.log(ratio)]
    return order.astype(np.int64), guesses[order].astype(np.int64), ahead[order]


def of_words(texts: Sequence[str], seed: int) -> list[Judge]:
    """A regression over TF-IDF of words, pairs of words and character 3- and 4-grams."""
    from sklearn.feature_extraction.text import TfidfTransformer

    return [Judge(_counts(texts), lambda: _chain(TfidfTransformer(sublinear_tf=True), _regression(WORDS, seed)))]


def of_vectors(vectors: npt.NDArray[np.float32], seed: int) -> list[Judge]:
    """A regression over the vectors, centred and of length 1, and their nearest neighbours."""
    centred = vectors - vectors.mean(axis=0)
    unit = (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), LEAST)).astype(np.float32)
    return [Judge(unit, lambda: _regression(VECTORS, seed)), Judge(unit, Nearest)]


def of_numbers(numbers: Floats, seed: int) -> list[Judge]:
    """A regression over standardised numbers; what is missing or not finite counts as the median."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    def model() -> Any:
        filled = SimpleImputer(strategy="median", keep_empty_features=True)
        return _chain(filled, StandardScaler(), _regression(NUMBERS, seed))

    return [Judge(np.where(np.isfinite(numbers), numbers, np.nan), model)]


def _counts(texts: Sequence[str]) -> Any:
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


def _regression(strength: float, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=300, random_state=seed, tol=1e-3)


def _chain(*parts: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*parts)
