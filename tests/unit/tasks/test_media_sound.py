"""Sound files of every kind, good and bad, as a model gets them."""

import io
import time
import tracemalloc
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from studio.core.errors import InvalidInput
from studio.tasks import media

RATE = 16_000


def tone(seconds: float, rate: int = RATE, channels: int = 1, hertz: float = 440.0) -> Any:
    """A tone; of several channels the first is as much louder as the last is softer."""
    wave = 0.4 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return np.stack([wave * level for level in np.linspace(1.5, 0.5, channels)], axis=1) if channels > 1 else wave


def packed(samples: Any, rate: int = RATE, kind: str = "WAV", subtype: str | None = None) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, samples, rate, format=kind, subtype=subtype)
    return target.getvalue()


def muxed(samples: Any, container: str, codec: str, rate: int = 48_000, picture: bool = False, **options: str) -> bytes:
    """A file of FFmpeg's, with moving pictures or without."""
    target = io.BytesIO()
    with av.open(target, "w", format=container, options=options) as output:
        film = output.add_stream("mpeg4", rate=10) if picture else None
        stream: Any = output.add_stream(codec, rate=rate, layout="mono") if len(samples) else None
        if film is not None:
            film.width, film.height, film.pix_fmt = 32, 32, "yuv420p"
            for number in range(10):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), number * 20, np.uint8), format="rgb24")
                frame.pts = number
                output.mux(film.encode(frame))
            output.mux(film.encode(None))
        if stream is not None:
            for start in range(0, len(samples), 65_536):
                block = np.asarray(samples[start : start + 65_536], np.float32)[None]
                sound = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
                sound.sample_rate, sound.pts, sound.time_base = rate, start, Fraction(1, rate)
                output.mux(stream.encode(sound))
            output.mux(stream.encode(None))
    return target.getvalue()


def heard(content: object, rate: int = RATE) -> Any:
    return media.audio({"inputs": content}, rate)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_any_rate_and_number_of_channels_sounds_the_same(rate: int, channels: int) -> None:
    found, plain = heard(packed(tone(1, rate, channels), rate)), heard(packed(tone(1)))
    assert found.dtype == np.float32
    assert abs(len(found) - RATE) <= 1
    assert np.abs(found - plain[: len(found)])[200:-200].max() < 0.01


@pytest.mark.parametrize(
    ("container", "codec", "picture"),
    [("mp4", "aac", True), ("ipod", "aac", False), ("webm", "libopus", False), ("matroska", "flac", True)],
)
def test_what_browsers_and_cameras_record_is_read_too(container: str, codec: str, picture: bool) -> None:
    found = heard(muxed(tone(1, 48_000), container, codec, picture=picture))
    assert len(found) == pytest.approx(RATE, rel=0.1)
    spectrum = np.abs(np.fft.rfft(found))
    assert np.argmax(spectrum) * RATE / len(found) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG", "AIFF"])
def test_what_libraries_write_is_read(kind: str) -> None:
    assert len(heard(packed(tone(1), kind=kind))) == pytest.approx(RATE, rel=0.1)


WHOLE = packed(tone(1), kind="FLAC")
BAD: dict[str, tuple[object, str]] = {
    "nothing": (None, "Give a sound file"),
    "a text": ("sound.wav", "Give a sound file"),
    "an empty file": (b"", "Give a sound file"),
    "a web page": (b"<!doctype html><html><body>Not found</body></html>", "no sound that can be read"),
    "a document": (b"%PDF-1.7\n" + bytes(200), "a PDF file"),
    "half a file": (WHOLE[:300], "damaged|no sound"),
    "noise with a header": (WHOLE[:60] + bytes(range(256)) * 20, "damaged|no sound|can be read"),
    "a silent film": (muxed([], "mp4", "aac", picture=True), "There is no sound in it"),
    "a click": (packed(tone(0.05)), "There is no sound in it"),
    "no samples": (packed(np.zeros(0)), "There is no sound in it"),
    "samples that are no numbers": (packed(np.full(9000, np.nan), subtype="FLOAT"), "not numbers"),
    "samples without end": (packed(np.full(9000, np.inf), subtype="FLOAT"), "not numbers"),
    "one sample a second": (packed(np.zeros(60), 1), "From 1,000 to 384,000"),
    "too many samples a second": (packed(np.zeros(60), 2**31 - 1), "From 1,000 to 384,000"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_heard_is_refused_by_name(name: str) -> None:
    content, reason = BAD[name]
    with pytest.raises(InvalidInput, match=reason) as caught:
        heard(content)
    assert caught.value.field == "inputs"


HOURS = np.zeros(2 * 60 * 60 * 8_000, np.int16)


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_two_hours_are_refused_at_once(kind: str) -> None:
    content = packed(HOURS, 8_000, kind)
    started = time.process_time()
    with pytest.raises(InvalidInput, match=r"120 minutes.*At most 15 minutes"):
        heard(content)
    assert time.process_time() - started < 0.5  # decoding them takes longer


def test_a_stream_that_does_not_say_its_length_is_cut_off_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MAX_SECONDS", 60)
    content = muxed(np.zeros(120 * 48_000, np.float32), "matroska", "flac", live="1")
    with av.open(io.BytesIO(content), "r") as container:
        assert not container.duration
    with pytest.raises(InvalidInput, match="At most 1 minutes"):
        heard(content)


def test_many_channels_never_lie_in_memory_side_by_side() -> None:
    content = packed(np.zeros((20 * 48_000, 64), np.int16), 48_000)
    tracemalloc.start()
    try:
        assert len(heard(content)) == 20 * RATE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(content)  # as float32 they would take twice as much
