"""The kit's voice, which speaks for real."""

import json
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import InvalidInput
from studio.starter import voice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / voice.SETTINGS).write_text(json.dumps(voice.pinned()))
    return tmp_path


def test_text_becomes_audible_speech_and_the_seed_repeats_it(folder: Path) -> None:
    speech = voice.speak(folder, "Hello there, this is a test.", seed=3)
    assert speech.rate == 24_000
    assert speech.samples.dtype == np.float32
    assert 1 < len(speech.samples) / speech.rate < 5
    assert 0.05 < np.abs(speech.samples).max() <= 1
    assert np.array_equal(speech.samples, voice.speak(folder, "Hello there, this is a test.", seed=3).samples)


def test_slow_speech_lasts_longer(folder: Path) -> None:
    slow, fast = (voice.speak(folder, "Hello there.", speed=speed).samples for speed in (0.6, 1.6))
    assert len(slow) > 1.5 * len(fast)


@pytest.mark.parametrize(
    ("text", "speed", "field"),
    [("", 1.0, "text"), (" … !?", 1.0, "text"), ("a " * 3000, 1.0, "text"), ("Hello.", 3.0, "speed")],
)
def test_what_cannot_be_spoken_is_refused_by_field(folder: Path, text: str, speed: float, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        voice.speak(folder, text, speed)
    assert field in str(error.value)


def test_another_voice_than_the_measured_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / voice.SETTINGS).write_text(json.dumps(voice.pinned() | {"version": "9.9"}))
    with pytest.raises(voice.VoiceMissing, match=r"hibari-tts==9\.9"):
        voice.speak(tmp_path, "Hello.")
