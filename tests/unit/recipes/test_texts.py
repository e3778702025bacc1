import random
from collections import Counter

import numpy as np
import pytest

from studio.recipes.training.texts import (
    LikeLengths,
    TokenRows,
    collator,
    majority_share,
    sort_labels,
    stratified_split,
)


@pytest.mark.parametrize("seed", range(40))
def test_split_keeps_proportions_and_every_class(seed: int) -> None:
    chance = random.Random(seed)
    classes = chance.randint(2, 9)
    labels = [f"c{c}" for c in range(classes) for _ in range(chance.choice([2, 3, 10, 200]))]
    chance.shuffle(labels)
    size = chance.randint(classes, len(labels) - classes)
    rest, taken = stratified_split(labels, size, seed)
    assert len(taken) == size
    assert sorted(rest + taken) == list(range(len(labels)))
    counts, total = Counter(labels[i] for i in taken), Counter(labels)
    for name, number in total.items():
        assert 1 <= counts[name] <= number - 1
    exact = {name: size * number / len(labels) for name, number in total.items()}
    if all(int(exact[name]) >= 1 and int(exact[name]) + 1 < number for name, number in total.items()):
        assert all(abs(counts[name] - exact[name]) < 1 for name in total)


def test_split_depends_on_the_seed_alone() -> None:
    labels = ["a", "b"] * 50
    assert stratified_split(labels, 20, 1) == stratified_split(labels, 20, 1)
    assert stratified_split(labels, 20, 1) != stratified_split(labels, 20, 2)


@pytest.mark.parametrize(("labels", "size"), [("aab", 2), ("aabb", 3), ("aabb", 1)])
def test_impossible_splits_are_refused(labels: str, size: int) -> None:
    with pytest.raises(ValueError, match="class"):
        stratified_split(list(labels), size, 0)


def test_batches_are_a_permutation_with_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(3, 120, 2003)
    sampler = LikeLengths(lengths, 16, seed=7)
    order = list(sampler)
    assert sorted(order) == list(range(2003))
    batches = [lengths[order[start : start + 16]] for start in range(0, 2003, 16)]
    padded = sum(int(batch.max()) * len(batch) for batch in batches)
    assert padded < 1.1 * lengths.sum()
    widths = [int(batch.max()) for batch in batches[:50]]
    assert widths != sorted(widths)
    assert widths != sorted(widths, reverse=True)


def test_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = np.arange(100) % 17
    first, second = LikeLengths(lengths, 8, seed=1), LikeLengths(lengths, 8, seed=1)
    epoch_0 = list(first)
    first.set_epoch(1)
    second.set_epoch(1)
    assert list(first) == list(second) != epoch_0
    second.set_epoch(0)
    assert list(second) == epoch_0


def test_batches_are_padded_to_their_longest() -> None:
    rows = TokenRows([[5, 6, 7], [8], []], [1, 0, 1])
    batch = collator(9)([rows[0], rows[1]])
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [1, 0]
    assert len(rows) == 3


def test_labels_are_sorted_as_people_would() -> None:
    assert sort_labels(["10", "9", "-1", "9"]) == ["-1", "9", "10"]
    assert sort_labels(["b", "10", "a"]) == ["10", "a", "b"]
    assert sort_labels(["--1", "2"]) == ["--1", "2"]


def test_majority() -> None:
    assert majority_share([0, 1, 1], [1, 1, 0, 2]) == 0.5
