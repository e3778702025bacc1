"""`kit:fill-mask`: what word stands at [MASK]? An adapter for `kit:minilm-l6`.

The sentence encoder is taught its old trade anew: LoRA and a new transform, over the base's own word embedding. The
texts that it is measured on lie in the entry's folder.
"""

import json
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Description, fetch_debian, fetch_wheel
from studio.starter.build.text import heads
from studio.starter.build.text.debian_topics import RELEASE, SHA256, as_text
from studio.starter.build.text.heads import Settings
from studio.starter.build.text.minilm_l6 import TALK
from studio.starter.kit import KitEntry, Quality, Source

TEXTS = {"software": 16_000, "talk": 14_000}
TEST = 200  # of each kind
SHORTEST, LONGEST = 25, 160  # characters
MASK = "[MASK]"
SETTINGS = Settings("MASKED_LM", longest=48, texts_per_step=32, epochs=1)


@dataclass(frozen=True)
class Masked:
    """A text with one word hidden."""

    text: str
    answer: str
    kind: str


def build(out: Path) -> KitEntry:
    """Fetch, train and measure; about ten minutes on one core."""
    base = kit.entry(heads.BASE, out)
    with tempfile.TemporaryDirectory() as temporary, fetch_wheel(TALK, Path(temporary)) as wheel:
        talk = json.loads(wheel.read("chitchat_dataset/dataset.json"))
        terms_of_talk = wheel.read(f"chitchat_dataset-{TALK.version}.dist-info/LICENSE").decode("utf-8")
    groups = {"software": _software(fetch_debian(RELEASE, SHA256).descriptions), "talk": _talk(talk)}
    train, test = split(groups, _words(base.path))
    with writing.new_folder(out, "fill-mask") as folder:
        heads.fit(base.path, _rows(base.path, train), SETTINGS, folder)
        columns = {name: [getattr(one, name) for one in test] for name in ("text", "answer", "kind")}
        tables.write_split(columns, folder / "test.parquet")
        terms = (base.path / base.license_file).read_text(encoding="utf-8")
        (folder / "LICENSE").write_text(terms + _terms() + terms_of_talk, encoding="utf-8")
        quality = _quality(heads.load(base.path, folder, "MASKED_LM"), test, common_words(train))
    return writing.record(out, _entry(len(train), quality))


def first(entry: KitEntry) -> list[str]:
    """The five likeliest words, through the library's own pipeline."""
    from transformers import pipeline

    loaded = heads.load(kit.entry(heads.BASE).path, entry.path, "MASKED_LM")
    filler: Any = pipeline("fill-mask", model=loaded.model, tokenizer=loaded.tokenizer, top_k=5)
    return [str(one["token_str"]) for one in filler(f"My favourite {MASK} is chess.")]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """How often the hidden word is the first guess, and among the first five."""
    columns = tables.read_split(entry.path, "test")
    test = [Masked(*values) for values in zip(columns["text"], columns["answer"], columns["kind"], strict=True)]
    some = [test[row] for row in heads.sample(len(test), rows)]
    return shares(guesses(heads.load(kit.entry(heads.BASE).path, entry.path, "MASKED_LM"), some), some)


def guesses(loaded: heads.Loaded, test: Sequence[Masked]) -> list[list[str]]:
    """The five likeliest words per text, best first."""
    import torch

    found: list[list[str]] = []
    for start in range(0, len(test), heads.BATCH):
        texts = [one.text for one in test[start : start + heads.BATCH]]
        inputs = loaded.tokenizer(
            texts, padding=True, truncation=True, max_length=2 * SETTINGS.longest, return_tensors="pt"
        )
        with torch.inference_mode():
            logits = loaded.model(**inputs).logits
        at_mask = logits[inputs["input_ids"] == loaded.tokenizer.mask_token_id]
        found.extend(loaded.tokenizer.convert_ids_to_tokens(five) for five in at_mask.topk(5).indices.tolist())
    return found


def shares(found: Sequence[Sequence[str]], test: Sequence[Masked]) -> dict[str, float]:
    """Share of texts whose word is the first guess, and is among five."""
    return {
        "top1": sum(words[0] == one.answer for words, one in zip(found, test, strict=True)) / len(test),
        "top5": sum(one.answer in words for words, one in zip(found, test, strict=True)) / len(test),
    }


def split(groups: Mapping[str, Mapping[str, Sequence[str]]], words: frozenset[str]) -> tuple[list[str], list[Masked]]:
    """(training texts, masked test texts) of every kind; a source's texts, and equal texts, stay in one of them."""
    train: list[str] = []
    test: list[Masked] = []
    for kind, sources in groups.items():
        choice = random.Random(heads.SEED)  # noqa: S311  not a secret
        names = sorted(sources)
        choice.shuffle(names)
        masked, seen = list[Masked](), set[str]()
        while len(masked) < TEST and names:
            texts = [text for text in sources[names.pop()] if text not in seen]
            seen.update(texts)
            if texts and (one := mask(texts[0], words, choice)):
                masked.append(Masked(one[0], one[1], kind))
        rest = dict.fromkeys(text for name in names for text in sources[name] if text not in seen)
        test.extend(masked)
        train.extend(choice.sample(list(rest), min(TEXTS[kind], len(rest))))
    random.Random(heads.SEED).shuffle(train)  # noqa: S311  not a secret
    return train, test


def mask(text: str, words: frozenset[str], choice: random.Random) -> tuple[str, str] | None:
    """The text with one of its words hidden, and the word; None if it has none that the vocabulary knows whole."""
    parts = text.split(" ")
    fitting = [place for place, part in enumerate(parts) if part in words]
    if len(parts) < 5 or not fitting:
        return None
    place = choice.choice(fitting)
    return " ".join([*parts[:place], MASK, *parts[place + 1 :]]), parts[place]


def common_words(texts: Iterable[str]) -> list[str]:
    """The trivial answer: the five words that are most frequent in training."""
    return [
        word for word, _ in Counter(word for text in texts for word in text.split() if word.isalpha()).most_common(5)
    ]


def _words(base: Path) -> frozenset[str]:
    """Words of at least three letters that are a piece of their own."""
    from transformers import AutoTokenizer

    pieces = AutoTokenizer.from_pretrained(base).get_vocab()
    return frozenset(piece for piece in pieces if piece.isalpha() and piece.isascii() and len(piece) > 2)


def _software(descriptions: Iterable[Description]) -> dict[str, list[str]]:
    """Sentences of descriptions by source package."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in descriptions:
        sentences = [part.strip() + "." for part in as_text(one).split(". ")[1:3]]
        found[one.source].extend(text.replace("..", ".") for text in sentences if SHORTEST <= len(text) <= LONGEST)
    return {source: list(dict.fromkeys(texts))[:2] for source, texts in found.items()}


def _talk(conversations: Mapping[str, Any]) -> dict[str, list[str]]:
    """Messages by conversation."""
    return {
        name: [
            message["text"]
            for turn in conversation["messages"]
            for message in turn
            if SHORTEST <= len(message["text"]) <= LONGEST
        ]
        for name, conversation in conversations.items()
    }


def _rows(base: Path, texts: Sequence[str]) -> dict[str, list[object]]:
    from transformers import AutoTokenizer

    encoded = AutoTokenizer.from_pretrained(base)(list(texts), truncation=True, max_length=SETTINGS.longest)
    return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}


def _quality(loaded: heads.Loaded, test: Sequence[Masked], common: Sequence[str]) -> dict[str, Quality]:
    found, trivial = guesses(loaded, test), shares([list(common)] * len(test), test)
    kinds = {kind: [place for place, one in enumerate(test) if one.kind == kind] for kind in TEXTS}
    figures = {}
    for name, value in shares(found, test).items():
        apart = (
            f"{kind} {shares([found[place] for place in places], [test[place] for place in places])[name]:.3f}"
            for kind, places in kinds.items()
        )
        figures[name] = heads.quality(
            value,
            "held-out sentences with one word hidden, in test.parquet",
            len(test),
            (trivial[name], "the most frequent words"),
            ", ".join(apart),
        )
    return figures


def _terms() -> str:
    return (
        "\n\nNot a part of the model, and under other terms: the sentences of test.parquet. Those of kind `software`\n"
        "are of Debian's package descriptions, each under its package's free licence; those of kind `talk` are of\n"
        "chitchat-dataset, under these terms:\n\n"
    )


def _entry(trained_on: int, quality: dict[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:fill-mask",
        kind="adapter",
        library="peft",
        title="The missing word",
        description="Guesses the word that is hidden by [MASK] in an English sentence: everyday talk or software.",
        tasks=("fill-mask",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project on chitchat-dataset and on Debian's package descriptions; the encoder is "
            "all-MiniLM-L6-v2."
        ),
        sources=(
            Source(name=heads.BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(name=TALK.requirement, sha256=TALK.sha256, license="MIT", use="sentences of everyday talk"),
            Source(
                name=f"Debian {RELEASE} main",
                sha256=SHA256,
                license="free, per package",
                use=f"sentences on software; {trained_on} of both to train on",
            ),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.fill_mask",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers", "peft"),
        training=SETTINGS.for_manifest(),
        quality=quality,
    )


BUILDER = Builder("kit:fill-mask", 10, build, first, measure)
