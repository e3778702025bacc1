"""Accuracy: the share of predictions that are right."""

from collections.abc import Sequence

from studio.metrics.base import Metric


def compute(predictions: Sequence[int], references: Sequence[int]) -> float:
    """Share of equal pairs, 0..1. Raises `ValueError` when the two are empty or differ in length."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(references, predictions))


METRIC = Metric(
    name="accuracy",
    title="Accuracy",
    greater_is_better=True,
    needs="labels",
    compute=compute,
    source="scikit-learn, sklearn.metrics.accuracy_score",
)
