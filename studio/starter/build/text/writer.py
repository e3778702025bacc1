"""`kit:writer`: a small Llama that goes on writing about software, trained from scratch on Debian's descriptions."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.core.settings import ROOT
from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import fetch_debian
from studio.starter.build.text import pieces, seq2seq
from studio.starter.build.text.debian_topics import RELEASE, SHA256
from studio.starter.build.text.ngrams import KneserNey
from studio.starter.build.text.seq2seq import Schedule
from studio.starter.build.text.summarizer import examples
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:debian-summaries"
SEED = 20
PIECES, WIDTH, HIDDEN, HEADS, LAYERS = 4000, 160, 416, 4, 4
LONGEST = 128  # pieces
START = 1  # the piece that stands before each text and after it
SCHEDULE = Schedule(epochs=3, pieces=4096, learning_rate=3e-3, warmup=200, seed=SEED)


def build(out: Path) -> KitEntry:
    """Fetch, train, measure and write the model; about 15 minutes on one core."""
    data = kit.entry(DATA, out)
    test = tables.read_split(data.path, "test")
    train = [as_text(line, text) for text, line in examples(fetch_debian(RELEASE, SHA256).descriptions)]
    with writing.new_folder(out, "writer") as folder:
        rows = _train(train, folder)
        writing.copy_license(ROOT / "LICENSE", folder)
        quality = _quality(folder, rows, _texts(test))
    return writing.record(out, _entry(data, quality, len(train)))


def first(entry: KitEntry) -> str:
    """How the model goes on."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(entry.path)
    model = AutoModelForCausalLM.from_pretrained(entry.path).eval()
    given = tokenizer("A simple game", return_tensors="pt")
    made = model.generate(**given, max_new_tokens=30, do_sample=False, repetition_penalty=1.2)
    return str(tokenizer.decode(made[0], skip_special_tokens=True))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Bits per byte on the first rows of the test split."""
    test = tables.read_split(kit.entry(DATA, entry.root).path, "test")
    return {"bits_per_byte": bits_per_byte(entry.path, _texts(test)[:rows])}


def as_text(line: str, text: str) -> str:
    """Title and description as one text."""
    return f"{line}. {text}"


def bits_per_byte(folder: Path, texts: Sequence[str]) -> float:
    """Mean cost of a byte of the texts by the model as it lies on disk: the logarithm of the perplexity per byte.

    Texts longer than the model reads are cut, and their cut bytes not counted.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    rows = sorted((read(tokenizer, text) for text in texts), key=len)
    nats, counted = 0.0, sum(length(tokenizer, row) for row in rows)
    for batch in seq2seq.chunks(rows, 25):
        known = seq2seq.padded(batch, 0)
        mask = torch.tensor([[1] * len(row) + [0] * (known.shape[1] - len(row)) for row in batch]).bool()
        with torch.inference_mode():
            odds = model(input_ids=known, attention_mask=mask).logits[:, :-1].float().log_softmax(-1)
        chance = odds.gather(2, known[:, 1:, None])[..., 0]
        nats -= float(chance[mask[:, 1:]].sum())
    return nats / 0.6931471805599453 / counted


def read(tokenizer: Any, text: str) -> list[int]:
    """The text's pieces behind the starting piece, as many as fit."""
    found: list[int] = tokenizer(text, truncation=True, max_length=LONGEST)["input_ids"]
    return found


def length(tokenizer: Any, row: Sequence[int]) -> int:
    """Bytes of the text that these pieces stand for."""
    return len(tokenizer.decode(row[1:], clean_up_tokenization_spaces=False).encode())


def _texts(test: Mapping[str, list[str]]) -> list[str]:
    return [as_text(line, text) for line, text in zip(test["summary"], test["text"], strict=True)]


def _train(texts: Sequence[str], folder: Path) -> list[list[int]]:
    import torch

    torch.manual_seed(SEED)
    tokenizer = pieces.train_tokenizer(texts, PIECES, LONGEST, f"{pieces.END} $A")
    tokenizer.bos_token = pieces.END
    cut = tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]
    rows = [[*row, START][:LONGEST] for row in cut]
    model = untrained(PIECES)
    model.model.embed_tokens.weight.data.copy_(pieces.vectors(rows, PIECES, WIDTH, SEED))
    labels = [{"labels": row} for row in rows]
    seq2seq.fit(model, labels, SCHEDULE, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    model.set_attn_implementation("sdpa")
    pieces.save(model, tokenizer, folder)
    return rows


def untrained(vocabulary: int) -> Any:
    """The model with random weights, as small as stated above."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=START,
        eos_token_id=START,
        initializer_range=0.04,
        attn_implementation="eager",  # for rows this short, twice as fast to train as the fused one
    )
    return LlamaForCausalLM(config)


def _quality(folder: Path, rows: Sequence[Sequence[int]], texts: Sequence[str]) -> dict[str, Quality]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    held_out = [read(tokenizer, text) for text in texts]
    counted = sum(length(tokenizer, row) for row in held_out)
    trigrams = KneserNey(rows, PIECES)
    return {
        "bits_per_byte": Quality(
            value=round(bits_per_byte(folder, texts), 4),
            split="test of kit:debian-summaries",
            n=len(texts),
            note="cost of a byte of title and description; 2 to this power is the perplexity per byte",
            baseline=round(sum(trigrams.bits(row) for row in held_out) / counted, 4),
            baseline_note="trigrams with Kneser-Ney smoothing over the same pieces and training texts",
            band=0.12,
            greater_is_better=False,
        )
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality], rows: int) -> KitEntry:
    settings = {name: value for name, value in asdict(SCHEDULE).items() if name != "seed"}
    return KitEntry(
        id="kit:writer",
        kind="model",
        title="Writer, software descriptions",
        description=(
            "A toy: goes on writing an English text as if it described a piece of software. Trained from scratch on "
            "package descriptions; the sentences are mostly well formed, and what they claim is invented. It shows how "
            "generation, sampling and fine-tuning work."
        ),
        tasks=("text-generation",),
        toy=True,
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on Debian's package descriptions.",
        sources=(*data.sources, Source(name=DATA, license=data.license, use="held-out descriptions")),
        built_by="studio.starter.build.text.writer",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "scikit-learn"),
        training={**settings, "rows": rows, "pieces_known": PIECES, "longest": LONGEST},
        quality=dict(quality),
    )


BUILDER = Builder("kit:writer", 15, build, first, measure)
