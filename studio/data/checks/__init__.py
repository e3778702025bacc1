"""Checks of a data set: one file each, one line here."""

from studio.core.registry import Registry
from studio.data.checks.base import AnyCheck

CHECKS: Registry[AnyCheck] = Registry(
    "check",
    {
        "leakage": "studio.data.checks.leakage:CHECK",
        "duplicates": "studio.data.checks.duplicates:CHECK",
        "near-duplicates": "studio.data.checks.near_duplicates:CHECK",
        "label-errors": "studio.data.checks.label_errors:CHECK",
        "conflicting-labels": "studio.data.checks.conflicting_labels:CHECK",
        "imbalance": "studio.data.checks.imbalance:CHECK",
        "pii": "studio.data.checks.personal_data:CHECK",
        "outliers": "studio.data.checks.outliers:CHECK",
        "language": "studio.data.checks.language:CHECK",
        "mojibake": "studio.data.checks.mojibake:CHECK",
        "empty": "studio.data.checks.empty:CHECK",
    },
    group="studio.checks",
)
