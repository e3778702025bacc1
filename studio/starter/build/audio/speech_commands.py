"""`kit:speech-commands`: twelve spoken words in many synthetic voices, split by voice. Data only, no model."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from studio.core.settings import ROOT
from studio.starter.build import tables, writing
from studio.starter.build.audio import sound, synthesis
from studio.starter.build.audio.speech_prompts import DIGITS
from studio.starter.build.audio.synthesis import Voice
from studio.starter.build.base import Builder
from studio.starter.kit import KitEntry, Quality, Source

WORDS = (*DIGITS, "yes", "no")
RATE = 16_000
SEED = 20
LONGEST = 1.0  # seconds
ACCENTS = {
    "train": ("en-us", "en-gb", "en-gb-x-gbclan", "en-us-nyc"),
    "validation": ("en-us", "en-gb-x-rp"),
    "test": ("en-us", "en-gb-x-gbcwmd", "en-gb", "en-gb-scotland"),
}
VARIANTS = {
    "train": "m1 m2 m4 m5 m6 f1 f2 f5 croak klatt klatt3 klatt5 Alex Andy Annie Lee Michael Mike adam linda steph "
    "david edward boris grandma grandpa anika announcer benjamin aunty caleb iven norbert miguel pablo marcelo",
    "validation": "m8 klatt4 Alicia Mario paul travis",
    "test": "m3 m7 f3 f4 klatt2 Gene max belinda quincy rob shelby victor",
}
OTHERS = {
    "train": tuple(Voice("flite", name, pace) for name in ("kal16", "awb", "rms") for pace in (0.8, 1.0, 1.25)),
    "validation": (),
    "test": (
        *(Voice("flite", "slt", pace) for pace in (0.85, 1.1)),
        *(Voice("hibari", "heart", pace) for pace in (0.8, 1.0, 1.2)),
    ),
}


@dataclass(frozen=True)
class Row:
    """One word in one voice."""

    label: str
    voice: Voice
    content: bytes


def build(out: Path) -> KitEntry:
    """Speak, cut and write; two minutes."""
    with synthesis.programs() as root:
        splits = {name: _spoken(root, voices) for name, voices in voices_of().items()}
    with writing.new_folder(out, "speech-commands") as folder:
        for name, rows in splits.items():
            sounds = [(f"{row.label}-{number:03}.mp3", row.content) for number, row in enumerate(rows)]
            columns: dict[str, list[str]] = {
                "label": [row.label for row in rows],
                "engine": [row.voice.engine for row in rows],
                "voice": [row.voice.label for row in rows],
            }
            sound.write_split(sounds, columns, folder / f"{name}.parquet")
        writing.copy_license(ROOT / "LICENSE", folder)
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The share of the largest class anew."""
    labels = tables.read_split(entry.path, "test")["label"][:rows]
    return {"majority_accuracy": max(Counter(labels).values()) / len(labels)}


def voices_of() -> dict[str, list[Voice]]:
    """Split → its voices. A variant of espeak-ng, and a speaker of flite or hibari, stands in one split only."""
    found = {}
    for name, variants in VARIANTS.items():
        choice = random.Random(f"{SEED}{name}")  # noqa: S311  not a secret
        pairs = zip(cycle(ACCENTS[name]), variants.split(), strict=False)
        espeak = [
            Voice("espeak-ng", f"{accent}+{variant}", round(choice.uniform(0.7, 1.2), 2), choice.randint(25, 75))
            for accent, variant in pairs
        ]
        found[name] = [*espeak, *OTHERS[name]]
    return found


def _spoken(root: Path, voices: Sequence[Voice]) -> list[Row]:
    rows = []
    for voice in voices:
        for word in WORDS:
            samples = synthesis.say(root, voice, word, RATE)[: int(LONGEST * RATE)]
            rows.append(Row(word, voice, sound.encode_small(samples, RATE)))
    return random.Random(SEED).sample(rows, len(rows))  # noqa: S311  not a secret


def _entry(splits: Mapping[str, Sequence[Row]]) -> KitEntry:
    labels = Counter(row.label for row in splits["test"])
    voices = {name: len({row.voice.name for row in rows}) for name, rows in splits.items()}
    license_of = {"flite": "BSD-like (CMU)", "espeak-ng": "GPL-3.0-or-later (the program, not what it says)"}
    debian = [
        Source(name=one.requirement, sha256=one.sha256, license=license_of[one.package], use="voices")
        for one in synthesis.PACKAGES
        if one.package in license_of
    ]
    return KitEntry(
        id="kit:speech-commands",
        kind="dataset",
        library="datasets",
        title="Speech commands, synthetic",
        description=(
            f"The digits, yes and no, spoken by {sum(voices.values())} synthetic voices (flite, espeak-ng, hibari), "
            f"16 kHz (MP3), at most a second each. No voice stands in two splits; of the {voices['test']} of the test "
            "split two resemble none in training. A toy: no microphone, no room."
        ),
        tasks=("audio-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Spoken for the Studio project by flite (CMU), espeak-ng and hibari (Maureese Williams).",
        sources=(*debian, Source(name="kit:hibari", license="Apache-2.0", use="a voice of the test split")),
        toy=True,
        built_by="studio.starter.build.audio.speech_commands",
        seed=SEED,
        versions=writing.versions("soundfile", "scipy", "numpy", "pyarrow"),
        labels=WORDS,
        splits={name: len(rows) for name, rows in splits.items()},
        quality={
            "majority_accuracy": Quality(
                value=round(max(labels.values()) / labels.total(), 4),
                split="test",
                n=labels.total(),
                note="answering one word always: what a classifier has to beat",
            )
        },
    )


BUILDER = Builder("kit:speech-commands", 2, build, tables.first_row, measure)
