"""`kit:translator`: English to Italian in the language of software, a small Marian model trained from scratch.

It learns from all of Debian's translated descriptions except the held-out packages; `kit:debian-translations` holds a
part of them and the test split. Its pieces start from vectors in which a word and its translation lie close.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.core.settings import ROOT
from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import fetch_translations
from studio.starter.build.text import pieces, scores, seq2seq, word_by_word
from studio.starter.build.text.debian_topics import RELEASE
from studio.starter.build.text.debian_translations import LANGUAGE, SHA256, Pair, pairs, split
from studio.starter.build.text.seq2seq import Schedule
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:debian-translations"
SEED = 20
PIECES, WIDTH, HIDDEN, HEADS = 5000, 160, 480, 4
ENCODER, DECODER = 3, 2  # layers
POSITIONS = 128
LONGEST = 80  # pieces of a training sentence
BEAMS = 4
SCHEDULE = Schedule(epochs=3, pieces=4096, learning_rate=2e-3, warmup=400, seed=SEED)


def build(out: Path) -> KitEntry:
    """Fetch, train, measure and write the model; about 25 minutes on one core."""
    test = tables.read_split(kit.entry(DATA, out).path, "test")
    train = split(pairs(fetch_translations(RELEASE, LANGUAGE, SHA256).descriptions))["train"]
    with writing.new_folder(out, "translator") as folder:
        _train(train, folder)
        writing.copy_license(ROOT / "LICENSE", folder)
        quality = _quality(folder, train, test)
    return writing.record(out, _entry(kit.entry(DATA, out), quality, len(train)))


def first(entry: KitEntry) -> str:
    """The Italian of one sentence."""
    return translate(entry.path, ["This package contains a graphical editor for simple drawings."])[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """ChrF and BLEU on the first rows of the test split."""
    test = tables.read_split(kit.entry(DATA, entry.root).path, "test")
    made = translate(entry.path, test["en"][:rows])
    return {"chrf": scores.chrf(made, test["it"][:rows]), "bleu": scores.bleu(made, test["it"][:rows])}


def translate(folder: Path, texts: Sequence[str]) -> list[str]:
    """Italian of each English sentence, by the model as it lies on disk."""
    return seq2seq.answer(folder, texts, LONGEST, BEAMS)


def _train(rows: Sequence[Pair], folder: Path) -> None:
    import torch

    torch.manual_seed(SEED)
    tokenizer = pieces.train_tokenizer([text for row in rows for text in (row.en, row.it)], PIECES, POSITIONS)
    read = tokenizer([row.en for row in rows])["input_ids"]
    written = tokenizer([row.it for row in rows])["input_ids"]
    model = untrained(PIECES)
    short = [pair for pair in zip(read, written, strict=True) if max(map(len, pair)) <= LONGEST]
    seq2seq.learn(model, short, SCHEDULE)
    pieces.save(model, tokenizer, folder)


def untrained(vocabulary: int) -> Any:
    """The model with random weights, as small as stated above."""
    from transformers import MarianConfig, MarianMTModel

    common = seq2seq.settings(vocabulary, WIDTH, HIDDEN, HEADS, POSITIONS)
    config = MarianConfig(encoder_layers=ENCODER, decoder_layers=DECODER, **common)
    return MarianMTModel(config)


def _quality(folder: Path, train: Sequence[Pair], test: Mapping[str, list[str]]) -> dict[str, Quality]:
    dictionary = word_by_word.learn([row.en for row in train], [row.it for row in train])
    trivial = [word_by_word.translate(text, dictionary) for text in test["en"]]
    made = translate(folder, test["en"])
    figures = {}
    for name, score, band, unit in (
        ("chrf", scores.chrf, 4.0, "chrF2, 0 to 100"),
        ("bleu", scores.bleu, 5.0, "BLEU, 0 to 100"),
    ):
        figures[name] = Quality(
            value=round(score(made, test["it"]), 2),
            split="test",
            n=len(made),
            note=f"{unit}, with {BEAMS} beams; the English left as it is gives {score(test['en'], test['it']):.1f}",
            baseline=round(score(trivial, test["it"]), 2),
            baseline_note="word by word, with a dictionary learned from the same training pairs (IBM model 1)",
            band=band,
        )
    return figures


def _entry(data: KitEntry, quality: Mapping[str, Quality], rows: int) -> KitEntry:
    settings = {name: value for name, value in asdict(SCHEDULE).items() if name != "seed"}
    return KitEntry(
        id="kit:translator",
        kind="model",
        title="Translator, English to Italian, software",
        description=(
            "Turns an English sentence about software into Italian. Trained from scratch on package descriptions and "
            "nothing else: outside that domain, and in long sentences, it goes wrong. For real work take a large model "
            "from the Hub."
        ),
        tasks=("translation",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on Debian's package descriptions and their Italian translations.",
        sources=(
            *data.sources,
            Source(name=DATA, license=data.license, use="held-out sentences"),
        ),
        built_by="studio.starter.build.text.translator",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "scikit-learn", "sacrebleu"),
        training={**settings, "rows": rows, "pieces_known": PIECES, "longest": LONGEST},
        quality=dict(quality),
    )


BUILDER = Builder("kit:translator", 25, build, first, measure)
