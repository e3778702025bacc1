"""`kit:hibari`: text to speech in English. The voice lies in the package hibari-tts, which the studio depends on.

What lies in the folder says which voice that is, to the byte; `studio.starter.voice` speaks with it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.settings import Settings
from studio.starter import kit, voice
from studio.starter.build import writing
from studio.starter.build.audio import sound
from studio.starter.build.base import Builder
from studio.starter.kit import KitEntry, Quality, Source

PACKAGE, LISTENER = voice.PACKAGE, "kit:whisper-tiny-en"
WHEEL_SHA256 = "49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3"
SEED = 20
SENTENCES = (
    "The train to the coast leaves at half past nine.",
    "Please put the books back on the shelf.",
    "She painted the old door a bright shade of blue.",
    "We had soup and fresh bread for lunch.",
    "The river runs through the middle of the town.",
    "My brother is learning to play the guitar.",
    "It has been raining since early this morning.",
    "The teacher asked the class a simple question.",
    "Nobody knew the answer to the last problem.",
    "The garden is full of red and yellow flowers.",
    "He forgot his umbrella on the bus again.",
    "They walked along the beach until the sun went down.",
    "A small dog was sleeping under the table.",
    "The museum is closed on the first day of the week.",
    "You can see the mountains from the kitchen window.",
    "The doctor told him to rest for a few days.",
    "Our neighbours have moved to another country.",
    "The bridge was built more than a century ago.",
    "I would like a cup of tea with milk, please.",
    "The students finished their work before the bell rang.",
)


def build(out: Path) -> KitEntry:
    """Note the voice and measure it; the extra `kit:whisper-tiny-en` has to be there, to listen."""
    listener = kit.entry(LISTENER, Settings()).path
    with writing.new_folder(out, "hibari") as folder:
        settings = voice.pinned()
        (folder / voice.SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        for name in ("LICENSE", "NOTICE"):
            (folder / name).write_text(voice.license_text(name), encoding="utf-8")
        entry = _entry({**_read_back(folder, listener, SENTENCES), **_sounding(folder, SENTENCES)})
    return writing.record(out, entry)


def first(entry: KitEntry) -> Any:
    """One sentence as samples."""
    return voice.speak(entry.path, SENTENCES[0], seed=SEED).samples


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The pace: what can be told without a listener."""
    return {name: figure.value for name, figure in _sounding(entry.path, SENTENCES[:rows]).items()}


def _sounding(folder: Path, texts: Sequence[str]) -> dict[str, Quality]:
    """Words a second of what is audible: silence, noise without end and cut speech would all move it far."""
    import numpy as np

    words = sum(len(text.split()) for text in texts)
    seconds = 0.0
    for text in texts:
        speech = voice.speak(folder, text, seed=SEED)
        frames = speech.samples[: len(speech.samples) // 240 * 240].reshape(-1, 240)  # of 10 ms
        seconds += float((np.sqrt((frames**2).mean(1)) > 0.005).sum()) / 100
    return {
        "words_per_second": Quality(
            value=round(words / seconds, 4),
            split="sentences written for this",
            n=len(texts),
            note="pace: words in each second that is audible (pauses do not count)",
            band=0.15,
        )
    }


def _read_back(folder: Path, listener: Path, texts: Sequence[str]) -> dict[str, Quality]:
    from studio.starter.build.audio.whisper_tiny_en import PASSAGE, RATE, transcribe

    spoken = (voice.speak(folder, text, seed=SEED) for text in texts)
    clips = (sound.resample(speech.samples, speech.rate, RATE) for speech in spoken)
    joined = sound.passages(clips, texts, RATE, PASSAGE)
    heard = transcribe(listener, [samples for samples, _ in joined])
    return {
        "wer_read_back": Quality(
            value=round(sound.word_error_rate([text for _, text in joined], heard), 4),
            split="sentences written for this",
            n=len(texts),
            note="word error rate of kit:whisper-tiny-en listening to it; its own slips count too",
            baseline=1.0,
            baseline_note="silence",
            band=0.05,
            greater_is_better=False,
        )
    }


def _entry(quality: Mapping[str, Quality]) -> KitEntry:
    pinned = voice.pinned()
    return KitEntry(
        id="kit:hibari",
        kind="model",
        library="studio",
        title="Hibari, a voice",
        description=(
            "Reads English aloud in one voice (American, female), 24 kHz, many times faster than it is spoken. "
            f"The weights (8 MB) lie in the package {PACKAGE}, which is installed with the studio; this entry pins "
            "them. It speaks through the studio, not through a transformers pipeline."
        ),
        tasks=("text-to-speech", "text-to-audio"),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="hibari by Maureese Williams; distilled from Kokoro-82M by hexgrad. See NOTICE in the folder.",
        sources=(
            Source(
                name=f"{PACKAGE}=={pinned['version']}",
                sha256=WHEEL_SHA256,
                license="Apache-2.0",
                use="weights, pronunciation and code, as they are",
            ),
        ),
        upstream="maureesewilliams/hibari",
        built_by="studio.starter.build.audio.hibari",
        seed=SEED,
        versions=writing.versions("hibari-tts", "onnxruntime", "numpy", "scipy"),
        quality=dict(quality),
    )


BUILDER = Builder("kit:hibari", 1, build, first, measure)
