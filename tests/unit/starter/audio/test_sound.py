"""Sound in and out of the kit, and how speech is scored."""

import numpy as np
import pytest

from studio.starter.build.audio import sound


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_flac_brings_back_what_went_in_and_clips_what_is_too_loud() -> None:
    samples = tone(0.2, 16_000)
    assert np.abs(sound.decode(sound.encode(samples, 16_000), 16_000) - samples).max() < 1e-4
    assert np.abs(sound.decode(sound.encode(samples * 9, 16_000), 16_000)).max() <= 1


def test_the_small_format_keeps_the_tone() -> None:
    samples = tone(0.5, 16_000)
    small = sound.encode_small(samples, 16_000)
    back = sound.decode(small, 16_000)
    spectrum = np.abs(np.fft.rfft(back))
    assert abs(np.argmax(spectrum) * 16_000 / len(back) - 440) < 5
    assert len(small) < len(sound.encode(samples, 16_000))


def test_another_rate_keeps_length_in_seconds_and_pitch() -> None:
    changed = sound.resample(tone(1.0, 8_000), 8_000, 16_000)
    assert changed.dtype == np.float32
    assert len(changed) == 16_000
    assert np.argmax(np.abs(np.fft.rfft(changed))) == 440


def test_clips_are_joined_to_passages_that_fit() -> None:
    clips = [tone(seconds, 1000) for seconds in (4.0, 4.0, 4.0)]
    joined = sound.passages(clips, ["one", "two", "three"], 1000, 10.0)
    assert [text for _, text in joined] == ["one two", "three"]
    assert [len(samples) for samples, _ in joined] == [9000, 4500]


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("The cat sat.", "the cat, sat", 0.0),
        ("room twenty one", "Room 21.", 0.0),
        ("the dog sat down", "the dog sat", 0.25),
        ("hello", "", 1.0),
    ],
)
def test_word_error_rate_counts_words_and_not_signs(said: str, heard: str, expected: float) -> None:
    assert sound.word_error_rate([said], [heard]) == pytest.approx(expected)
