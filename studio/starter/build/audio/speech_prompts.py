"""`kit:speech-prompts`: recorded speech with its words, to measure speech recognition on. Data only, no model.

Two voices: a reader of LibriVox, and the announcements of a telephone exchange. Nothing to train on, so one split.
"""

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarFile
from tempfile import TemporaryDirectory

from studio.starter.build import tables, writing
from studio.starter.build.audio import sound
from studio.starter.build.base import Builder
from studio.starter.build.sources import Wheel, fetch_deb
from studio.starter.kit import KitEntry, Quality, Source

LIBRIVOX = Wheel(
    "pocketsphinx-testdata",
    "0.8+5prealpha+1-15",
    "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
)
SOUNDS = Wheel(
    "asterisk-core-sounds-en-wav", "1.6.1-1", "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d"
)
WORDS = Wheel("asterisk-core-sounds-en", "1.6.1-1", "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50")
BOOK = "./usr/share/pocketsphinx/test/data/librivox"
EXCHANGE = "./usr/share/asterisk/sounds/en_US_f_Allison"
TRANSCRIPTS = "./usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SECONDS = (1.0, 4.5)  # of an announcement
FEWEST_WORDS = 3
MOST = 64  # announcements
PLAIN = re.compile(r"[A-Za-z][A-Za-z' ,.?-]*")  # no digits, addresses and notes in brackets
BOOK_LINE = re.compile(r"<s> (.*) </s> \((\S+)\)")
RATE = 16_000


@dataclass(frozen=True)
class Clip:
    """One recording and what is said in it; `speaker` is "librivox" or "exchange"."""

    name: str
    content: bytes
    text: str
    speaker: str


def build(out: Path) -> KitEntry:
    """Fetch, choose and write; a few seconds."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        book = fetch_deb(LIBRIVOX, folder)
        sounds, words = fetch_deb(SOUNDS, folder / _made(folder, "s")), fetch_deb(WORDS, folder / _made(folder, "w"))
        clips = [*_book(book), *_digits(sounds), *_exchange(sounds, transcripts(_read(words, TRANSCRIPTS)))]
    with writing.new_folder(out, "speech-prompts") as target:
        columns = {"text": [clip.text for clip in clips], "speaker": [clip.speaker for clip in clips]}
        encoded = [(f"{clip.name}.flac", clip.content) for clip in clips]
        sound.write_split(encoded, columns, target / "test.parquet")
        (target / "LICENSE").write_text(TERMS, encoding="utf-8")
    return writing.record(out, _entry(clips))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Words a clip, anew."""
    return {"words_per_clip": _words_per_clip(tables.read_split(entry.path, "test")["text"][:rows])}


def transcripts(listing: bytes) -> dict[str, str]:
    """File name → words, of announcements that are a whole phrase in plain words."""
    lines = gzip.decompress(listing).decode("utf-8").splitlines()
    pairs = (line.partition(": ")[::2] for line in lines if not line.startswith(";"))
    return {
        name: " ".join(text.split())
        for name, text in pairs
        if PLAIN.fullmatch(text.strip()) and len(text.split()) >= FEWEST_WORDS
    }


def evenly(names: Sequence[str], most: int) -> list[str]:
    """At most `most` of the names, spread over the whole list, in their order."""
    step = max(1.0, len(names) / most)
    return [names[int(number * step)] for number in range(min(most, len(names)))]


def _made(folder: Path, name: str) -> str:
    (folder / name).mkdir()
    return name


def _read(archive: TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    if stream is None:
        raise FileNotFoundError(name)
    return stream.read()


def _book(archive: TarFile) -> list[Clip]:
    """The sentences of the novel; a slip in the published transcript ("a more a amiable") is put right."""
    lines = _read(archive, f"{BOOK}/transcription").decode("utf-8").splitlines()
    found = []
    for text, name in (match.groups() for match in map(BOOK_LINE.fullmatch, lines) if match):
        samples = sound.decode(_read(archive, f"{BOOK}/{name}.wav"), RATE)
        words = text.replace("a more a amiable", "a more amiable")
        found.append(Clip(name, sound.encode(samples, RATE), words, "librivox"))
    return found


def _digits(archive: TarFile) -> list[Clip]:
    return [_announced(archive, f"digits/{number}", word) for number, word in enumerate(DIGITS)]


def _exchange(archive: TarFile, words: Mapping[str, str]) -> list[Clip]:
    there = set(archive.getnames())
    fitting = []
    for name in sorted(words):
        if f"{EXCHANGE}/{name}.wav" in there:
            seconds = (archive.getmember(f"{EXCHANGE}/{name}.wav").size - 44) / 2 / 8000  # 16 bits at 8 kHz
            if SECONDS[0] <= seconds <= SECONDS[1]:
                fitting.append(name)
    return [_announced(archive, name, words[name]) for name in evenly(fitting, MOST)]


def _announced(archive: TarFile, name: str, text: str) -> Clip:
    samples = sound.decode(_read(archive, f"{EXCHANGE}/{name}.wav"), 8000)
    return Clip(name.replace("/", "-"), sound.encode(samples, 8000), text, "exchange")


def _words_per_clip(texts: Sequence[str]) -> float:
    return round(sum(len(text.split()) for text in texts) / len(texts), 4)


TERMS = """\
Rows with the speaker "librivox" are in the public domain: Jane Austen, Sense and Sensibility, read by volunteers of
LibriVox, as packaged with pocketsphinx (Debian pocketsphinx-testdata). CHANGED here: stored as FLAC; one slip in the
transcript put right.

Rows with the speaker "exchange" are the Asterisk Core Sounds in English, copyright 2003-2010 Allison Smith (the
voice), with financial contributions by Digium, Inc. They are licensed under the Creative Commons Attribution-Share
Alike 3.0 Unported licence (CC-BY-SA-3.0, creativecommons.org/licenses/by-sa/3.0). CHANGED here: a selection, stored
as FLAC. What is made from them must be shared under the same terms.
"""


def _entry(clips: Sequence[Clip]) -> KitEntry:
    texts = [clip.text for clip in clips]
    return KitEntry(
        id="kit:speech-prompts",
        kind="dataset",
        library="datasets",
        title="Speech prompts",
        description=(
            "Recorded English speech with its words, to measure speech recognition on: five sentences of a novel "
            "(16 kHz), and announcements and digits of a telephone exchange (8 kHz, one professional voice). "
            "The only human voices in the kit; not for training."
        ),
        tasks=("automatic-speech-recognition",),
        license="LicenseRef-PublicDomain-AND-CC-BY-SA-3.0",
        license_file="LICENSE",
        attribution="LibriVox volunteers (public domain); Asterisk Core Sounds by Allison Smith and Digium, Inc.",
        sources=(
            Source(name=LIBRIVOX.requirement, sha256=LIBRIVOX.sha256, license="public domain", use="five sentences"),
            Source(name=SOUNDS.requirement, sha256=SOUNDS.sha256, license="CC-BY-SA-3.0", use="announcements"),
            Source(name=WORDS.requirement, sha256=WORDS.sha256, license="CC-BY-SA-3.0", use="their words"),
        ),
        built_by="studio.starter.build.audio.speech_prompts",
        seed=0,
        versions=writing.versions("soundfile", "pyarrow"),
        splits={"test": len(clips)},
        quality={
            "words_per_clip": Quality(
                value=_words_per_clip(texts), split="test", n=len(clips), note="mean length", band=1.0
            )
        },
    )


BUILDER = Builder("kit:speech-prompts", 1, build, tables.first_row, measure)
