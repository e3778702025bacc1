"""Tasks that speak and make other sounds: with the kit's voice, else with tiny models."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from studio.core.errors import InvalidInput
from studio.core.settings import ROOT
from studio.starter import kit, voice
from studio.tasks import TASKS
from tests.contract import fresh
from tests.tiny import audio
from tests.unit.tasks.sounding import Model, ask, loaded

SAY, MAKE = "text-to-speech", "text-to-audio"


@pytest.fixture(scope="module")
def vits(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded(SAY, audio.save_vits, tmp_path_factory.mktemp("vits"))


@pytest.fixture(scope="module")
def musicgen(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded(MAKE, audio.save_musicgen, tmp_path_factory.mktemp("musicgen"))


def sound_of(content: bytes) -> tuple[Any, int]:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    return samples, rate


@pytest.fixture(scope="module")
def hibari() -> Model:
    folder = kit.entry("kit:hibari").path
    return TASKS[SAY].load(folder, None, "cpu"), folder


def test_the_kits_voice_is_heard(hibari: Model) -> None:
    spoken = ask(SAY, hibari, "The train to Edinburgh leaves from platform nine.")
    samples, rate = sound_of(spoken)
    assert rate == 24_000
    assert 2 < len(samples) / rate < 6
    frames = samples[: len(samples) // 240 * 240].reshape(-1, 240)
    audible = np.sqrt((frames**2).mean(axis=1)) > 0.01
    assert 0.4 < audible.mean() < 1  # words, with pauses
    assert ask(SAY, hibari, "The train to Edinburgh leaves from platform nine.") == spoken
    assert 5_000_000 < hibari[0].bytes < 20_000_000


def test_the_kits_voice_has_a_speed_and_a_seed(hibari: Model) -> None:
    slow, fast = (sound_of(ask(SAY, hibari, "Good morning.", speed=speed))[0] for speed in (0.6, 1.6))
    assert len(slow) > 1.5 * len(fast)
    other = ask(SAY, hibari, "Good morning.", generation_parameters={"seed": 5})
    assert other != ask(SAY, hibari, "Good morning.")


@pytest.mark.parametrize(
    ("given", "params", "field"),
    [
        ("…!?", {}, "inputs"),
        ("so on " * 1000, {}, "inputs"),
        ("Hello.", {"generation_parameters": {"do_sample": True}}, "generation_parameters.do_sample"),
    ],
)
def test_what_the_kits_voice_cannot_say_is_refused(
    hibari: Model, given: str, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(SAY, hibari, given, **params)
    assert caught.value.field == field


def test_a_voice_that_is_not_the_measured_one_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / voice.SETTINGS).write_text(json.dumps(voice.pinned() | {"version": "9.9"}))
    with pytest.raises(voice.VoiceMissing):
        TASKS[SAY].load(tmp_path, None, "cpu")


def samples(content: bytes) -> Any:
    """Whole numbers, wide enough for their difference."""
    return soundfile.read(io.BytesIO(content), dtype="int16")[0].astype("int32")


@pytest.mark.parametrize("kind", ["hibari", "vits", "musicgen"])
def test_snippets_write_the_same_sound(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    model = request.getfixturevalue(kind)
    task = MAKE if kind == "musicgen" else SAY
    inside = model[1].relative_to(ROOT) if kind == "hibari" else model[1]  # as "show code" writes the kit's
    chosen: dict[str, Any] = {"musicgen": {"generation_parameters": {"do_sample": True, "seed": 3}}}.get(
        kind, {"speed": 1.5}
    )
    code = TASKS[task].snippet(str(inside), {"inputs": "hello there"}, TASKS[task].params(**chosen), "")
    assert fresh.printed(code, tmp_path) == ""
    (written,) = tmp_path.iterdir()
    here, there = (samples(one) for one in (ask(task, model, "hello there", **chosen), written.read_bytes()))
    assert len(here) == len(there)
    assert np.abs(here - there).max() <= 1, "but for the last bit, which threads may round otherwise"


def test_a_vits_voice_has_a_speed_and_a_seed(vits: Model) -> None:
    def seconds(**params: Any) -> int:
        return len(sound_of(ask(SAY, vits, "hello there, how are you?", **params))[0])

    assert seconds(speed=0.5) > 1.5 * seconds() > 1.5 * seconds(speed=2)
    assert ask(SAY, vits, "hello") == ask(SAY, vits, "hello")
    assert ask(SAY, vits, "hello") != ask(SAY, vits, "hello", generation_parameters={"seed": 1})


@pytest.mark.parametrize(
    ("kind", "given", "params", "field"),
    [
        ("vits", "1234", {}, "inputs"),
        ("vits", "日本語", {}, "inputs"),
        ("vits", "a" * 1001, {}, "inputs"),
        ("vits", "hello", {"generation_parameters": {"top_k": 3}}, "generation_parameters.top_k"),
        ("musicgen", "a" * 1001, {}, "inputs"),
        ("musicgen", "a tune", {"speed": 1.5}, "speed"),
        ("musicgen", "a tune", {"generation_parameters": {"num_beams": 4}}, "generation_parameters"),
    ],
)
def test_what_models_cannot_say_is_refused(
    kind: str, given: str, params: dict[str, Any], field: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(MAKE if kind == "musicgen" else SAY, request.getfixturevalue(kind), given, **params)
    assert caught.value.field == field


def test_music_is_as_long_as_wanted(musicgen: Model) -> None:
    short, long = (
        len(sound_of(ask(MAKE, musicgen, "a tune", generation_parameters={"max_new_tokens": count}))[0])
        for count in (20, 60)
    )
    assert long > 2 * short > 0


def test_bark_speaks_too(tmp_path: Path) -> None:
    model = loaded(SAY, audio.save_bark, tmp_path)
    samples, rate = sound_of(ask(SAY, model, "the cat"))
    assert rate == 24_000
    assert len(samples) > 1000
