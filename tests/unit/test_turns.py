"""Turns: one visitor never takes all of them, and what nobody reads any more is given back."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest

from studio.core.errors import JobCancelled, QuotaExceeded
from studio.service import turns
from studio.service.turns import Limits, Streams, Turns

FEW = Limits(at_once=3, each=2, line=5, each_line=3)


def parts() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


def test_an_owner_has_so_many_and_others_still_find_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SECONDS", 0.3)
    kept = Turns(limited=True, limits=FEW)
    kept.take("a")
    kept.take("a")
    with pytest.raises(QuotaExceeded, match="You have asked"):
        kept.take("a")
    kept.take("b")
    with pytest.raises(QuotaExceeded, match="Too many questions"):
        kept.take("c")
    kept.give("a")
    kept.take("c")


def test_a_line_has_an_end() -> None:
    kept = Turns(limited=True, limits=FEW)
    for owner in "aab":
        kept.take(owner)
    gone = threading.Event()

    def waits(owner: str) -> None:
        with pytest.raises(JobCancelled):
            kept.take(owner, gone.is_set)

    waiting = [threading.Thread(target=waits, args=(owner,)) for owner in "ab"]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    with pytest.raises(QuotaExceeded):  # three of its own are in the line
        kept.take("a")
    with pytest.raises(QuotaExceeded):  # and five of all
        kept.take("c")
    assert time.monotonic() - began < 0.2
    gone.set()
    for thread in waiting:
        thread.join(5)
    kept.give("a")
    kept.take("c")


def test_a_turn_within_a_turn_is_the_same_and_one_alone_never_waits() -> None:
    kept = Turns(limited=True, limits=Limits(1, 1, 1, 1))
    with kept.one("a"), kept.one("a"):
        pass
    with kept.one("b"):
        pass
    free = Turns(limited=False, limits=Limits(0, 0, 0, 0))
    with free.one("a"):
        pass


def test_a_file_counts_until_it_is_read_or_left() -> None:
    kept = Streams(limited=True, limits=Limits(at_once=2, each=1))
    first = kept.of("a", parts())
    with pytest.raises(QuotaExceeded):
        kept.of("a", parts())
    assert list(first) == [b"a", b"b"]
    kept.of("a", parts()).close()
    left = kept.of("a", parts())
    del left  # nobody has read the first part
    gc.collect()
    again = kept.of("a", parts())
    assert next(again) == b"a"
    again.close()
    again.close()
    assert not kept._running
