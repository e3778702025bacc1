"""Macro F1: the mean over classes of the harmonic mean of precision and recall, every class weighing the same."""

from collections.abc import Sequence

from studio.metrics.base import Metric


def compute(predictions: Sequence[int], references: Sequence[int]) -> float:
    """Macro-averaged F1, 0..1, over the classes that occur in either sequence.

    A class that is never predicted, or never right, counts as 0. Raises `ValueError` when the two are empty or
    differ in length.
    """
    from sklearn.metrics import f1_score

    return float(f1_score(references, predictions, average="macro", zero_division=0.0))


METRIC = Metric(
    name="f1",
    title="F1 (macro)",
    greater_is_better=True,
    needs="labels",
    compute=compute,
    source="scikit-learn, sklearn.metrics.f1_score with average='macro'; van Rijsbergen, Information Retrieval, 1979",
)
