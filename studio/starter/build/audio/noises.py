"""Artificial sounds that words tell apart: beeps, sirens, bells and the like, low or high, slow or fast, rising or not.

Any number of them can be made. Some pairs of words never stand together in training, and are what is measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter.build.audio import sound

RATE = 48_000  # hertz; what CLAP wants
SECONDS = 2.0
LENGTH = int(RATE * SECONDS)
PITCHES = {"low": (120.0, 330.0), "high": (1200.0, 3300.0)}  # hertz
PACES = {"slow": (1.2, 2.2), "fast": (5.0, 9.0)}  # times a second
BENDS = {"falling": -1.3, "steady": 0.0, "rising": 1.3}  # octaves
TRAITS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "beeps": (PACES, PITCHES),
    "bells": (PACES, PITCHES),
    "buzz": (BENDS, PITCHES),
    "chirps": (PACES, PITCHES),
    "clicks": (PACES,),
    "drums": (PACES, PITCHES),
    "noise": (PITCHES,),
    "siren": (PACES, PITCHES),
    "tone": (BENDS, PITCHES),
}
NEW = {
    ("siren", "fast", "low"),
    ("beeps", "slow", "high"),
    ("buzz", "rising", "high"),
    ("tone", "falling", "low"),
    ("bells", "fast", "high"),
    ("chirps", "slow", "low"),
}
SINGLE = ("buzz", "noise", "siren", "sound", "tone")  # take an article
Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """One sound: float32 at `RATE`, what it is, and the words that tell it from others of its kind."""

    samples: Any
    kind: str
    traits: tuple[str, ...]

    @property
    def caption(self) -> str:
        """All of it in words: "fast high beeps"."""
        return caption(self.kind, self.traits)


def combinations(*, new: bool) -> list[tuple[str, ...]]:
    """Kinds with their traits: those of training, or those that training never sees together."""
    every = [(kind, *traits) for kind, choices in TRAITS.items() for traits in product(*choices)]
    return [one for one in every if (one in NEW) == new]


def caption(kind: str, traits: Sequence[str]) -> str:
    """Some or all traits of a sound in words."""
    words = " ".join([*traits, kind])
    return f"a {words}" if kind in SINGLE else words


def generate(seed: int, each: int, *, new: bool) -> Iterator[Noise]:
    """`each` sounds of every combination, in turn; the same for the same seed."""
    random = np.random.default_rng([seed, int(new)])
    for _ in range(each):
        for kind, *traits in combinations(new=new):
            yield Noise(in_room(_made(kind, traits, random), random), kind, tuple(traits))


def in_room(samples: Any, random: np.random.Generator) -> Any:
    """As loud as chance has it, with a little hiss, float32."""
    peak = max(float(np.abs(samples).max()), 1e-6)
    hiss = random.standard_normal(len(samples)) * 10 ** random.uniform(-4, -2)
    return ((samples / peak + hiss) * 10 ** random.uniform(-1.2, -0.1)).astype(np.float32)


def at_rate(samples: Any, rate: int) -> Any:
    """A recording of another rate as these sounds are."""
    return sound.resample(samples, rate, RATE)


def _made(kind: str, traits: Sequence[str], random: np.random.Generator) -> Samples:
    pitch = next((float(np.exp(random.uniform(*np.log(PITCHES[one])))) for one in traits if one in PITCHES), 900.0)
    pace = next((random.uniform(*PACES[one]) for one in traits if one in PACES), 1.0)
    bend = next((BENDS[one] * random.uniform(0.7, 1.3) for one in traits if one in BENDS), 0.0)
    time = np.arange(LENGTH) / RATE
    if kind == "noise":
        return _noise(pitch, random)
    if kind == "siren":
        swing = np.sin(2 * np.pi * (pace * time + random.random()))
        return _wave(pitch * 2 ** (0.5 * swing), random, sharp=0.3)
    if kind in ("tone", "buzz"):
        height = pitch * 2.0 ** (bend * (time / SECONDS - 0.5))
        return _wave(height, random, sharp=1.0 if kind == "buzz" else 0.0) * _edges(time)
    return _repeated(kind, pitch, pace, random)


def _repeated(kind: str, pitch: float, pace: float, random: np.random.Generator) -> Samples:
    """The same short sound again and again."""
    whole = np.zeros(LENGTH + RATE)
    longest = {"beeps": 0.45, "chirps": 0.5, "bells": 1.6, "clicks": 0.2, "drums": 0.8}[kind] / pace
    count = max(1, int(RATE * min(longest, 0.9)))
    time = np.arange(count) / RATE
    ring = np.exp(-time * 4.0 / min(longest, 0.9))
    if kind == "beeps":
        one = _wave(np.full(count, pitch), random) * _edges(time, 0.01)
    elif kind == "chirps":
        one = _wave(pitch * 2.0 ** (time / time[-1] * 1.2 - 0.6), random) * np.hanning(count)
    elif kind == "bells":
        one = sum(_wave(np.full(count, pitch * part), random) / part for part in (1.0, 2.76, 5.4)) * ring
    elif kind == "clicks":
        one = random.standard_normal(count) * np.exp(-time * 900)
    else:
        one = _wave(pitch * 0.6 * (1 + 2 * np.exp(-time * 30)), random) * ring
        one = one + 0.4 * random.standard_normal(count) * np.exp(-time * 90)
    start = random.uniform(0, 0.3 / pace)
    while start < SECONDS:
        place = int(start * RATE)
        whole[place : place + count] += one
        start += random.uniform(0.95, 1.05) / pace
    return whole[:LENGTH]


def _wave(height: Samples, random: np.random.Generator, sharp: float = 0.0) -> Samples:
    """A wave of this pitch at each moment, in hertz; `sharp` adds overtones."""
    turns = 2 * np.pi * (np.cumsum(height) / RATE + random.random())
    wave: Samples = np.sin(turns)
    if sharp:
        wave = wave + sharp * sum(np.sin(part * turns) / part for part in range(2, 8) if height.max() * part < RATE / 2)
    return wave


def _noise(pitch: float, random: np.random.Generator) -> Samples:
    """Noise about a pitch, three octaves wide."""
    spectrum = np.fft.rfft(random.standard_normal(LENGTH))
    places = np.maximum(np.fft.rfftfreq(LENGTH, 1 / RATE), 1.0)
    within = np.exp(-((np.log2(places / (pitch * 1.5)) / 1.5) ** 2))
    noise: Samples = np.fft.irfft(spectrum * within, LENGTH)
    return noise


def _edges(time: Samples, seconds: float = 0.03) -> Samples:
    """Fades in and out, so that nothing clicks."""
    edges: Samples = np.minimum(1, np.minimum(time, time[-1] - time) / seconds)
    return edges
