"""Frames and errors survive the way through the pipe."""

import io
from typing import Any

import pytest

from studio.core.errors import InvalidInput, InvalidInputs, NotFound, StudioError, UnknownName
from studio.inference import wire


@pytest.mark.parametrize(
    "message",
    [
        {"a": 1},
        {"text": "é🙂\n\x00\ud800"},
        {"long": "x" * 2_000_000},
        {"deep": [[{}]]},
        {"file": b"\0png", "two": [{"a": b""}, b"x"]},
    ],
)
def test_frames_come_back_equal(message: dict[str, Any]) -> None:
    stream = io.BytesIO(wire.pack(message) * 2)
    assert [wire.read(stream), wire.read(stream), wire.read(stream)] == [message, message, None]


@pytest.mark.parametrize("length", [0, 3, 8, 20])
def test_a_cut_frame_is_the_end(length: int) -> None:
    assert wire.read(io.BytesIO(wire.pack({"text": "some words"})[:length])) is None


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, {"$bytes": 3}, object()])
def test_what_is_no_json_is_named(value: object) -> None:
    with pytest.raises(InvalidInput, match="texts, numbers, lists, objects and files"):
        wire.pack({"inputs": value})


def test_too_long_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput, match=r"268,\d{3},\d{3} bytes.*At most 268,435,456 bytes"):
        wire.pack({"inputs": "x" * wire.MAX_FRAME})


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput("top_k", 9, "At most 3."),
        InvalidInput("inputs", "it's\n", "Write more."),
        InvalidInput("inputs", None, "Write something."),
        InvalidInputs([InvalidInput("a", 1, "x."), InvalidInput("b", "", "y.")]),
        UnknownName("task", "bogus", ["a", "b"]),
        NotFound("There is no artifact 'x'."),
        StudioError(),
    ],
)
def test_errors_come_back_as_they_were(error: StudioError) -> None:
    again = wire.error_from_json(wire.error_to_json(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_an_unknown_class_becomes_a_plain_error() -> None:
    for name in ("KitDamaged", "Path", "shorten", "Exception", None):
        error = wire.error_from_json({"type": name, "message": "words"})
        assert (type(error), str(error)) == (StudioError, "words")


def test_a_class_of_another_module_comes_back_as_the_nearest_that_is_known() -> None:
    class WrongModel(NotFound):
        """Defined beside a task."""

    again = wire.error_from_json(wire.error_to_json(WrongModel("It is of texts.")))
    assert (type(again), str(again), again.status) == (NotFound, "It is of texts.", 404)
