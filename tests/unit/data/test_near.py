"""Near duplicates: planted pairs are found, nothing below the threshold is reported, brute force agrees."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import InvalidInput
from studio.data import near

WORDS = ["".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=2 + seed % 7)) for seed in range(2_000)]


def document(chosen: random.Random) -> str:
    return " ".join(chosen.choices(WORDS, k=chosen.randrange(20, 60)))


def altered(text: str, chosen: random.Random, share: float) -> str:
    words = text.split()
    for _ in range(max(1, int(share * len(words)))):
        words[chosen.randrange(len(words))] = chosen.choice(WORDS)
    return " ".join(words)


def brute(texts: list[str], threshold: float) -> list[list[int]]:
    """Connected components over every pair, each compared exactly."""
    plain = [near.normalised(text) for text in texts]
    owner = list(range(len(texts)))
    for a, b in combinations(range(len(texts)), 2):
        if plain[a] and plain[b] and near.jaccard(plain[a], plain[b]) >= threshold:
            old, new = owner[b], owner[a]
            owner = [new if one == old else one for one in owner]
    found: dict[int, list[int]] = {}
    for place, one in enumerate(owner):
        found.setdefault(one, []).append(place)
    return sorted(sorted(group) for group in found.values() if len(group) > 1)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_planted_pairs_are_found_and_nothing_below_is(threshold: float) -> None:
    chosen = random.Random(7)
    texts = [document(chosen) for _ in range(1_500)]
    for place in range(500):
        texts[1_000 + place] = altered(texts[place], chosen, chosen.uniform(0.0, 0.4))
    alike = {
        (place, 1_000 + place) for place in range(500) if near.jaccard(texts[place], texts[1_000 + place]) >= threshold
    }
    assert 20 < len(alike) < 500
    with near.Index(near.Plan(threshold)) as index:
        index.fill(enumerate(texts), lambda *_: None, lambda: None)
        groups, matches = index.groups(lambda *_: None, lambda: None)
    found = {pair for group in groups for pair in combinations(group, 2)}
    assert len(alike & found) >= near.RECALL * len(alike), "recall"
    for match in matches.values():
        exact = near.jaccard(near.normalised(texts[match.left]), near.normalised(texts[match.right]))
        assert match.similarity == pytest.approx(exact)
        assert exact >= threshold


def test_other_texts_are_looked_up_like_brute_force() -> None:
    chosen = random.Random(3)
    test = [document(chosen) for _ in range(150)]
    train = [altered(chosen.choice(test), chosen, 0.05) if n % 3 else document(chosen) for n in range(300)]
    exact = {
        (a, b): value
        for a, left in enumerate(test)
        for b, right in enumerate(train)
        if (value := near.jaccard(left, right)) >= 0.8
    }
    with near.Index(near.Plan(0.8)) as index:
        index.fill(enumerate(test), lambda *_: None, lambda: None)
        found = {(match.left, match.right): match.similarity for match in index.matches(enumerate(train), lambda: None)}
    assert set(found) <= set(exact)
    assert len(found) >= near.RECALL * len(exact)
    assert all(found[pair] == pytest.approx(exact[pair]) for pair in found)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=12) | st.sampled_from(["", " ", "a b", "A  B", "ab", "é", "e\u0301", "ﬁn", "fin", "😀"]))
)
def test_small_lists_equal_brute_force_at_one(texts: list[str]) -> None:
    assert near.groups(list(enumerate(texts)), threshold=1.0) == brute(texts, 1.0)


def test_case_space_and_forms_do_not_count() -> None:
    texts = ["Straße  in\tBerlin", "strasse in berlin", "STRASSE IN BERLIN", "elsewhere"]
    assert near.groups(enumerate(texts), 1.0) == [[0, 1, 2]]
    assert near.jaccard("", "") == 1
    assert near.shingles("abc", 5) == {"abc"}


def test_a_text_that_comes_often_costs_one_comparison() -> None:
    texts = [(number, "the same text again and again") for number in range(20_000)]
    assert near.groups(texts) == [list(range(20_000))]
    assert near.groups([]) == []


def test_a_crowded_bucket_is_bounded_and_says_so() -> None:
    chosen = random.Random(1)
    texts = [f"{'shared opening words ' * 8}{chosen.random()}" for _ in range(600)]
    with near.Index(near.Plan(0.9)) as index:
        index.fill(enumerate(texts), lambda *_: None, lambda: None)
        index.groups(lambda *_: None, lambda: None)
        assert index.capped >= 0
        assert len(index) == len(set(texts))


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_keep_their_promise(threshold: float) -> None:
    bands, rows = near.Plan(threshold).banding
    assert bands * rows <= near.PERMUTATIONS
    assert 1 - (1 - threshold**rows) ** bands >= near.RECALL


@pytest.mark.parametrize(
    ("field", "plan"),
    [("threshold", {"threshold": 0}), ("shingle", {"shingle": 0}), ("permutations", {"permutations": 3})],
)
def test_unusable_plans_are_refused(field: str, plan: dict[str, int]) -> None:
    with pytest.raises(InvalidInput) as caught:
        near.Plan(**plan)
    assert caught.value.field == field


def test_it_stops_when_asked() -> None:
    def stop() -> None:
        raise InterruptedError

    with near.Index(near.Plan()) as index, pytest.raises(InterruptedError):
        index.fill(enumerate(["a", "b"]), lambda *_: None, stop)
