"""`kit:summarizer`: the one line that sums up a piece of software, a small BART trained from scratch.

It learns from all of Debian's descriptions except the held-out packages; `kit:debian-summaries` holds a part of them
and the test split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.core.settings import ROOT
from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Description, fetch_debian
from studio.starter.build.text import pieces, scores, seq2seq
from studio.starter.build.text.debian_summaries import lead, prose
from studio.starter.build.text.debian_topics import RELEASE, SHA256
from studio.starter.build.text.held_out import split_of
from studio.starter.build.text.seq2seq import Schedule
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:debian-summaries"
SEED = 20
PIECES, WIDTH, HIDDEN, HEADS, LAYERS = 4000, 160, 448, 4, 2
POSITIONS = 128
LONGEST_READ, LONGEST = 112, 32  # pieces of a description and of its line
SHORTEST = 40  # characters of a description
BEAMS = 4
SCHEDULE = Schedule(epochs=4, pieces=4096, learning_rate=2e-3, warmup=400, smoothing=0.1, seed=SEED)


def build(out: Path) -> KitEntry:
    """Fetch, train, measure and write the model; about 25 minutes on one core."""
    data = kit.entry(DATA, out)
    test = tables.read_split(data.path, "test")
    train = examples(fetch_debian(RELEASE, SHA256).descriptions)
    with writing.new_folder(out, "summarizer") as folder:
        _train(train, folder)
        writing.copy_license(ROOT / "LICENSE", folder)
        quality = _quality(folder, test)
    return writing.record(out, _entry(data, quality, len(train)))


def first(entry: KitEntry) -> str:
    """The line for one description."""
    text = (
        "This program draws charts from tables of numbers. It reads comma-separated files and writes pictures in "
        "several formats, and can be used from the command line or from scripts."
    )
    return summarize(entry.path, [text])[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """ROUGE on the first rows of the test split."""
    test = tables.read_split(kit.entry(DATA, entry.root).path, "test")
    return scores.rouge(summarize(entry.path, test["text"][:rows]), test["summary"][:rows])


def summarize(folder: Path, texts: Sequence[str]) -> list[str]:
    """One line for each text, by the model as it lies on disk."""
    return seq2seq.answer(folder, texts, LONGEST, BEAMS, LONGEST_READ)


def examples(descriptions: Sequence[Description]) -> list[tuple[str, str]]:
    """Text and line of every package that is not held out, each text once; also those of a form, like libraries."""
    found: dict[str, tuple[str, str]] = {}
    for one in descriptions:
        text, line = prose(one), one.title.rstrip(" .")
        if split_of(one.source) == "train" and len(text) >= SHORTEST and line:
            found.setdefault(text.casefold(), (text, line[:1].upper() + line[1:]))
    return list(found.values())


def _train(rows: Sequence[tuple[str, str]], folder: Path) -> None:
    import torch

    torch.manual_seed(SEED)
    tokenizer = pieces.train_tokenizer([text for row in rows for text in row], PIECES, POSITIONS)
    read = tokenizer([text for text, _ in rows], truncation=True, max_length=LONGEST_READ)["input_ids"]
    written = tokenizer([line for _, line in rows], truncation=True, max_length=LONGEST)["input_ids"]
    model = untrained(PIECES)
    seq2seq.learn(model, list(zip(read, written, strict=True)), SCHEDULE)
    pieces.save(model, tokenizer, folder)


def untrained(vocabulary: int) -> Any:
    """The model with random weights, as small as stated above."""
    from transformers import BartConfig, BartForConditionalGeneration

    common = seq2seq.settings(vocabulary, WIDTH, HIDDEN, HEADS, POSITIONS)
    config = BartConfig(encoder_layers=LAYERS, decoder_layers=LAYERS, bos_token_id=0, **common)
    return BartForConditionalGeneration(config)


def _quality(folder: Path, test: Mapping[str, list[str]]) -> dict[str, Quality]:
    made = scores.rouge(summarize(folder, test["text"]), test["summary"])
    cut = [lead(text, summary) for text, summary in zip(test["text"], test["summary"], strict=True)]
    trivial = scores.rouge(cut, test["summary"])
    return {
        name: Quality(
            value=round(made[name], 4),
            split="test",
            n=len(test["text"]),
            note=f"F1, with {BEAMS} beams",
            baseline=round(trivial[name], 4),
            baseline_note="the description's first words, as many as the true line has",
            band=0.05,
        )
        for name in made
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality], rows: int) -> KitEntry:
    settings = {name: value for name, value in asdict(SCHEDULE).items() if name != "seed"}
    return KitEntry(
        id="kit:summarizer",
        kind="model",
        title="Summarizer, software descriptions to one line",
        description=(
            "Writes the one line that sums up a piece of software from a paragraph about it. Trained from scratch on "
            "package descriptions and nothing else: the line is of the right kind, and names and details in it can be "
            "wrong. For real work take a large model from the Hub."
        ),
        tasks=("summarization",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on Debian's package descriptions.",
        sources=(*data.sources, Source(name=DATA, license=data.license, use="held-out descriptions")),
        built_by="studio.starter.build.text.summarizer",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "scikit-learn"),
        training={**settings, "rows": rows, "pieces_known": PIECES, "longest": LONGEST_READ},
        quality=dict(quality),
    )


BUILDER = Builder("kit:summarizer", 25, build, first, measure)
