"""What a metric is: a number that says how good predictions are, with its source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: id as in the Hub's `evaluate` library.
        greater_is_better: direction of better.
        needs: what `compute` takes: "labels" means class ids.
        compute: `(predictions, references)`, equally long → value.
        source: where it is defined.
    """

    name: str
    title: str
    greater_is_better: bool
    needs: str
    compute: Callable[[Sequence[int], Sequence[int]], float]
    source: str
