import random

import pytest

from studio.metrics import METRICS


def by_hand_f1(predicted: list[int], true: list[int]) -> float:
    scores = []
    for label in set(predicted) | set(true):
        hit = sum(p == t == label for p, t in zip(predicted, true, strict=True))
        scores.append(2 * hit / (predicted.count(label) + true.count(label)))
    return sum(scores) / len(scores)


@pytest.mark.parametrize("seed", range(20))
def test_against_the_definitions(seed: int) -> None:
    chance = random.Random(seed)
    size, classes = chance.randint(1, 60), chance.randint(1, 6)
    predicted, true = ([chance.randrange(classes) for _ in range(size)] for _ in range(2))
    hits = sum(p == t for p, t in zip(predicted, true, strict=True))
    assert METRICS["accuracy"].compute(predicted, true) == pytest.approx(hits / size)
    assert METRICS["f1"].compute(predicted, true) == pytest.approx(by_hand_f1(predicted, true))
