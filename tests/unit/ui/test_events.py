"""The border of a page: what goes wrong becomes what the visitor sees, in whatever shape the event shows things."""

from collections.abc import Iterator

import gradio as gr
import pytest

from studio.core.errors import NotFound
from studio.ui.events import bordered, guarded


def failing(error: Exception) -> Iterator[str]:
    yield "one"
    raise error


def test_what_fails_while_it_streams_is_told_as_the_last_part() -> None:
    found = bordered(failing(ZeroDivisionError("x")), lambda error: f"told {type(error).__name__}")
    assert list(found) == ["one", "told ZeroDivisionError"]
    assert list(bordered(iter("ab"), lambda error: "told")) == ["a", "b"]


def test_whoever_stops_reading_stops_the_parts_and_nothing_is_told() -> None:
    ended = []

    def parts() -> Iterator[str]:
        try:
            yield "one"
            yield "two"
        finally:
            ended.append(True)

    def told(error: Exception) -> str:
        raise AssertionError(error)

    found = bordered(parts(), told)
    assert next(found) == "one"
    assert ended == []
    found.close()  # type: ignore[attr-defined]
    assert ended == [True]


@pytest.mark.parametrize(
    ("error", "words"), [(NotFound("no <b>such</b>"), "no &lt;b&gt;such"), (ZeroDivisionError("secret"), "went wrong")]
)
def test_a_handler_of_either_kind_raises_one_readable_sentence(error: Exception, words: str) -> None:
    @guarded
    def call() -> str:
        raise error

    for ask in (call, lambda: list(guarded(failing)(error))):
        with pytest.raises(gr.Error) as caught:
            ask()
        assert words in caught.value.message
        assert "secret" not in caught.value.message
        assert caught.value.__suppress_context__
