"""The byte budget: who goes, who stays, who waits."""

import random
import threading
from collections import OrderedDict

import pytest

from studio.core.errors import Conflict, StudioError
from studio.inference.pool import Pool


def pool_of(budget: int) -> "Pool[str, int]":
    """A pool in which a pipe is its own size."""
    return Pool(budget, size=lambda pipe: pipe)


def use(pool: "Pool[str, int]", key: str, size: int) -> bool:
    """Hold a model shortly; whether it had to be loaded."""
    loaded = []

    def load() -> int:
        loaded.append(key)
        return size

    with pool.hold(key, load, lambda: size):
        pass
    return bool(loaded)


def test_the_least_recently_used_goes_first() -> None:
    pool = pool_of(100)
    assert [use(pool, key, 40) for key in ("a", "b", "a", "c", "a", "b")] == [True, True, False, True, False, True]
    assert pool.warm() == {"a": 40, "b": 40}


def test_random_use_agrees_with_a_plain_list() -> None:
    draw = random.Random(7)
    sizes = {key: draw.randrange(1, 60) for key in "abcdefgh"}
    pool, expected = pool_of(100), OrderedDict[str, int]()
    for _ in range(500):
        key = draw.choice("abcdefgh")
        assert use(pool, key, sizes[key]) == (key not in expected)
        expected.pop(key, None)
        while sum(expected.values()) + sizes[key] > 100:
            expected.popitem(last=False)
        expected[key] = sizes[key]
        assert list(pool.warm().items()) == list(expected.items())


def test_one_in_use_is_never_let_go() -> None:
    pool = pool_of(100)
    waiting, done = threading.Event(), threading.Event()

    def ask() -> None:
        waiting.set()
        use(pool, "b", 80)
        done.set()

    with pool.hold("a", lambda: 60, lambda: 60):
        thread = threading.Thread(target=ask)
        thread.start()
        assert waiting.wait(5)
        assert not done.wait(0.1)
        assert pool.warm() == {"a": 60}
    thread.join(5)
    assert pool.warm() == {"b": 80}


def test_larger_than_everything_is_refused_and_nothing_else_goes() -> None:
    pool = pool_of(100)
    use(pool, "a", 60)
    with pytest.raises(Conflict, match="raise STUDIO_INFERENCE_MEMORY_MB"):
        use(pool, "b", 101)
    assert pool.warm() == {"a": 60}


def test_a_wrong_estimate_is_corrected() -> None:
    pool = pool_of(100)
    use(pool, "a", 60)
    with pool.hold("b", lambda: 70, lambda: 1):
        assert pool.warm() == {"b": 70}


def test_failed_loading_leaves_no_trace() -> None:
    pool = pool_of(100)

    def fail() -> int:
        raise StudioError("no")

    with pytest.raises(StudioError, match="no"), pool.hold("a", fail, lambda: 10):
        pass
    assert pool.warm() == {}
    assert use(pool, "a", 10)


def test_many_threads_load_a_model_once() -> None:
    pool = pool_of(100)
    loaded: list[str] = []
    together = threading.Barrier(8)

    def load() -> int:
        loaded.append("a")
        return 10

    def ask() -> None:
        together.wait(5)
        with pool.hold("a", load, lambda: 10):
            pass

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert loaded == ["a"]


def test_freed_memory_is_handed_back() -> None:
    calls: list[bool] = []
    pool: Pool[str, int] = Pool(100, size=lambda pipe: pipe, freed=lambda: calls.append(True))
    use(pool, "a", 60)
    assert calls == []
    use(pool, "b", 60)
    assert calls == [True]
