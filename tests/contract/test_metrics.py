"""What holds for every metric of the table."""

import pytest

from studio.metrics import METRICS


@pytest.mark.parametrize("name", list(METRICS))
def test_metric(name: str) -> None:
    metric = METRICS[name]
    assert metric.name == name
    assert metric.title
    assert metric.source
    assert metric.needs == "labels", "no other kind is known yet"
    perfect, worst = metric.compute([0, 1, 2], [0, 1, 2]), metric.compute([1, 2, 0], [0, 1, 2])
    assert isinstance(perfect, float)
    assert perfect > worst if metric.greater_is_better else perfect < worst


@pytest.mark.parametrize("name", list(METRICS))
def test_unequal_lengths_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        METRICS[name].compute([0, 1], [0])
