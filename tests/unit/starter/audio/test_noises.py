"""Artificial sounds: what they are called, and that they sound like it."""

import numpy as np
import pytest

from studio.starter.build.audio import noises
from studio.starter.build.audio.noises import Noise


def one_of(kind: str, *traits: str) -> Noise:
    found = [one for new in (False, True) for one in noises.generate(4, 1, new=new)]
    return next(one for one in found if (one.kind, *one.traits) == (kind, *traits))


def main_pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / noises.RATE)[spectrum.argmax()])


def test_new_pairs_of_words_stand_in_no_training_sound() -> None:
    known, new = (set(noises.combinations(new=new)) for new in (False, True))
    assert new == noises.NEW
    assert not known & new
    words = {word for one in known for word in one}
    assert all(word in words for one in new for word in one)  # each word for itself was heard


@pytest.mark.parametrize(
    ("kind", "traits", "expected"),
    [("beeps", ("fast", "low"), "fast low beeps"), ("siren", ("slow",), "a slow siren"), ("drums", (), "drums")],
)
def test_captions_read_like_english(kind: str, traits: tuple[str, ...], expected: str) -> None:
    assert noises.caption(kind, traits) == expected


def test_sounds_are_two_seconds_within_bounds_and_the_same_for_the_same_seed() -> None:
    once, again = list(noises.generate(1, 1, new=True)), list(noises.generate(1, 1, new=True))
    for one, other in zip(once, again, strict=True):
        assert one.samples.dtype == np.float32
        assert one.samples.shape == (noises.LENGTH,)
        assert np.abs(one.samples).max() < 1
        assert np.abs(one.samples).max() > 0.01
        assert (one.samples == other.samples).all()


def test_high_is_higher_than_low() -> None:
    assert main_pitch(one_of("tone", "steady", "low").samples) < 400
    assert main_pitch(one_of("tone", "steady", "high").samples) > 1000
    assert main_pitch(one_of("noise", "low").samples) < main_pitch(one_of("noise", "high").samples)


def test_rising_ends_higher_than_it_began() -> None:
    samples = one_of("tone", "rising", "high").samples
    half = len(samples) // 2
    assert main_pitch(samples[:half]) < main_pitch(samples[half:])


def test_fast_comes_more_often_than_slow() -> None:
    def count(samples: np.ndarray) -> int:
        loud = np.abs(samples).reshape(-1, noises.RATE // 100).max(1) > 0.5 * np.abs(samples).max()
        return int((loud[1:] & ~loud[:-1]).sum())

    assert count(one_of("beeps", "fast", "low").samples) > 2 * count(one_of("beeps", "slow", "low").samples)
