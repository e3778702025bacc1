"""Failures in the studio's own words, without secrets."""

import pytest

from studio.core.errors import HubError, HubUnreachable, InvalidInput, NotFound
from studio.hub.failures import clean, explain, waiting_time


def test_tokens_and_signatures_never_get_into_a_message() -> None:
    said = "bad hf_abcdefghijklmnop at https://files.example/x?X-Signature=secret&b=1\nnext"
    assert clean(said) == "bad [token] at https://files.example/x next"
    assert len(clean("x" * 1000)) == 200


def test_what_is_no_affair_of_the_hub_is_left_alone() -> None:
    assert explain(ZeroDivisionError("ours"), "testing") is None
    assert explain(FileNotFoundError("ours"), "testing") is None


def test_wrapped_failures_are_looked_through() -> None:
    def wrapped(cause: Exception) -> Exception:
        try:
            try:
                raise cause
            except type(cause) as inner:
                raise RuntimeError("Error while uploading 'x'") from inner
        except RuntimeError as outer:
            return outer

    assert isinstance(explain(wrapped(ConnectionError("cut")), "sending"), HubUnreachable)
    assert isinstance(explain(wrapped(KeyError("odd")), "sending"), HubError)
    known = NotFound("known")
    assert explain(wrapped(known), "sending") is known


def test_a_refused_card_is_the_users_to_mend() -> None:
    found = explain(ValueError("Invalid metadata in README.md.\n- license is wrong"), "publishing")
    assert isinstance(found, InvalidInput)
    assert "license is wrong" in str(found)


@pytest.mark.parametrize(
    ("value", "words"), [("30", "in 30 s"), ("", "in some minutes"), ("Wed, 21 Oct", "in some minutes")]
)
def test_when_to_try_again(value: str, words: str) -> None:
    assert waiting_time({"Retry-After": value} if value else {}) == words
