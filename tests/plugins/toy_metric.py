"""A metric added from outside: the share of predictions that are class 0."""

from collections.abc import Sequence

from studio.metrics.base import Metric


def compute(predictions: Sequence[int], references: Sequence[int]) -> float:
    return sum(prediction == 0 for prediction in predictions) / len(predictions)


METRIC = Metric("toy-metric", "Share of zeros", True, "labels", compute, "tests/plugins/toy_metric.py")
