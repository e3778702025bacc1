"""augment-audio: sounds with noise, at another pitch and another speed by chance."""

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath
from random import Random

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from studio.data.draws import generators
from studio.data.steps.base import Columns, Rows, Step, Tools, media_column
from studio.data.steps.noise import NoiseParams, beside

Samples = npt.NDArray[np.float64]
MOST_SAMPLES = 60_000_000  # ten minutes of stereo at 48 kHz; longer ones are left alone
WINDOW, HOP = 1024, 256  # samples; short sounds are padded


class AugmentAudioParams(NoiseParams):
    """What is done to each sound."""

    noise: float = Field(
        20.0,
        ge=0,
        le=60,
        title="Noise",
        description="White noise so many dB below the sound; 0 for none. 10 is loud, 30 hardly heard.",
    )
    pitch: float = Field(
        2.0, ge=0, le=12, title="Pitch", description="Semitones by which it is raised or lowered at most; 0 for none."
    )
    speed: float = Field(
        0.1, ge=0, le=0.5, title="Speed", description="How much faster or slower it is played at most: 0.1 for a tenth."
    )


def resampled(samples: Samples, factor: float) -> Samples:
    """`factor` times as many samples, or nearly so."""
    from scipy.signal import resample_poly

    ratio = Fraction(factor).limit_denominator(100)
    return np.asarray(resample_poly(samples, ratio.numerator, ratio.denominator, axis=0))


def stretched(samples: Samples, factor: float) -> Samples:
    """The sound `factor` times as long at the same pitch, by a phase vocoder.

    Flanagan and Golden 1966; neighbouring bins are held together as in Puckette 1995, "Phase-locked vocoder".
    """
    window = np.hanning(WINDOW)
    padded = np.pad(samples, (WINDOW, WINDOW))
    starts = np.arange(0, len(padded) - WINDOW - HOP, HOP / factor)
    turn = 2 * np.pi * HOP * np.arange(WINDOW // 2 + 1) / WINDOW
    out = np.zeros(len(starts) * HOP + WINDOW)
    weight = np.zeros_like(out)
    phase: npt.NDArray[np.float64] = np.zeros(WINDOW // 2 + 1)
    for number, start in enumerate(starts.astype(int)):
        here, next_ = (np.fft.rfft(window * padded[at : at + WINDOW]) for at in (start, start + HOP))
        phase = np.angle(here) if number == 0 else phase
        turned = np.abs(here) * np.exp(1j * phase)
        around = np.pad(turned, 1)
        phase = np.angle(turned - around[:-2] - around[2:])
        piece = np.fft.irfft(np.abs(here) * np.exp(1j * phase), WINDOW) * window
        out[number * HOP : number * HOP + WINDOW] += piece
        weight[number * HOP : number * HOP + WINDOW] += window**2
        moved = np.angle(next_) - np.angle(here) - turn
        phase = phase + turn + moved - 2 * np.pi * np.round(moved / (2 * np.pi))
    out = out / np.maximum(weight, 1e-3)
    begin = round(WINDOW * factor)
    length = round(len(samples) * factor)
    return np.pad(out, (0, max(0, begin + length - len(out))))[begin : begin + length]


def pitched(samples: Samples, semitones: float) -> Samples:
    """The sound at another pitch and as long as before."""
    factor = 2 ** (semitones / 12)
    found = np.stack([resampled(stretched(channel, factor), 1 / factor) for channel in samples.T], axis=1)
    return np.pad(found, ((0, max(0, len(samples) - len(found))), (0, 0)))[: len(samples)]


def new_sound(content: bytes, random: Random, noise: float, pitch: float, speed: float) -> bytes | None:
    """Another sound as WAV; None where it cannot be read."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames * file.channels > MOST_SAMPLES:
                return None
            rate, samples = file.samplerate, file.read(dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError):
        return None
    # drawn in this order whatever is asked for, so that one setting does not change what another does
    semitones, faster = random.uniform(-pitch, pitch), random.uniform(1 - speed, 1 + speed)
    hiss = np.random.default_rng(random.getrandbits(64))
    if pitch and len(samples):
        samples = pitched(samples, semitones)
    if speed and len(samples):
        samples = resampled(samples, 1 / faster)
    if noise and len(samples):
        level = np.sqrt(np.mean(samples**2)) * 10 ** (-noise / 20)
        samples = samples + hiss.normal(0, 1, samples.shape) * level
    out = io.BytesIO()
    soundfile.write(out, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def with_sounds(
    table: pa.Table, numbers: Sequence[int], column: str, seed: int, keep: bool, settings: dict[str, float]
) -> pa.Table:
    """The rows with other sounds; empty cells, and what is no sound, stay as they are."""
    cells = table.column(column)
    found = []
    for cell, random in zip(cells.to_pylist(), generators(numbers, seed), strict=True):
        content = new_sound(cell["bytes"], random, **settings) if cell and cell["bytes"] else None
        if content is not None:
            path = str(PurePosixPath(cell["path"]).with_suffix(".wav")) if cell["path"] else None
            cell = {"bytes": content, "path": path}
        found.append(cell)
    return beside(table, column, pa.array(found, cells.type), keep)


def columns(params: AugmentAudioParams, before: Columns) -> Columns:
    """The same, once the column is one of sounds."""
    media_column(before, params.column, "sounds")
    return before


def function(params: AugmentAudioParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What changes them."""
    settings = params.model_dump(include={"noise", "pitch", "speed"})
    return partial(with_sounds, column=params.column, seed=params.seed, keep=params.keep, settings=settings)


STEP = Step(
    name="augment-audio",
    title="Augment audio",
    description="Adds noise to sounds, and changes their pitch and speed by chance; they become WAV.",
    params=AugmentAudioParams,
    work=Rows[AugmentAudioParams](function, columns, costly=True),
    describe=lambda params: f"noise, pitch and speed of {params.column}",
    group="Media",
    example={"column": "audio"},
)
