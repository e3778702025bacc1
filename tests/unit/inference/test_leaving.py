"""A picture that nobody waits for any more is not drawn to its end."""

import time

import pytest

from studio.core.errors import TimedOut
from studio.core.settings import Settings
from studio.inference.client import Inference
from studio.inference.models import resolve_model

TASK, PROMPT = "text-to-image", {"inputs": "a red shoe"}


def test_the_next_one_is_served_when_a_long_one_was_given_up(inference: Inference, settings: Settings) -> None:
    model = resolve_model("kit:tiny-sd", settings, "local")
    short, long = {"num_inference_steps": 2}, {"num_inference_steps": 999}
    step = inference.predict(TASK, model, PROMPT, short, timeout=120).seconds / 2  # at least: decoding is in it
    step = min(step, inference.predict(TASK, model, PROMPT, short).seconds / 2)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        inference.predict(TASK, model, PROMPT, long, timeout=1)
    assert inference.predict(TASK, model, PROMPT, short).output.startswith(b"\x89PNG")
    assert time.monotonic() - started < 1 + 200 * step  # and not 999
