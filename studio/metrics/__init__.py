"""Metrics: one file each, one line here."""

from studio.core.registry import Registry
from studio.metrics.base import Metric

METRICS: Registry[Metric] = Registry(
    "metric",
    {
        "accuracy": "studio.metrics.accuracy:METRIC",
        "f1": "studio.metrics.f1:METRIC",
    },
    group="studio.metrics",
)
