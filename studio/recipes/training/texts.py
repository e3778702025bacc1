"""Token data for training: packed rows, batches of like length, deterministic stratified splits. No torch at import."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

CHUNK = 1000
SORTED_BATCHES = 50


class TokenRows:
    """Token ids and labels of all rows in two flat arrays: 4 bytes a token, where lists of ints take 36.

    `collator` pads views of them, so no row is ever copied as a Python list.
    """

    def __init__(self, ids: Sequence[Sequence[int]], labels: Sequence[int]) -> None:
        self.labels = np.asarray(labels, dtype=np.int64)
        self.lengths = np.fromiter((len(row) for row in ids), dtype=np.int64, count=len(ids))
        self._starts = np.concatenate(([0], np.cumsum(self.lengths)))
        self._flat = np.fromiter((token for row in ids for token in row), dtype=np.int32, count=int(self._starts[-1]))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {
            "input_ids": self._flat[self._starts[index] : self._starts[index + 1]],
            "labels": int(self.labels[index]),
        }


def collator(pad_token_id: int) -> "Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]":
    """Rows of `TokenRows` → `input_ids`, `attention_mask`, `labels`, padded to the longest of the batch."""
    import torch

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        width = max(len(row["input_ids"]) for row in rows)
        ids = np.full((len(rows), width), pad_token_id, dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.int64)
        for line, row in enumerate(rows):
            ids[line, : len(row["input_ids"])] = row["input_ids"]
            mask[line, : len(row["input_ids"])] = 1
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "labels": torch.tensor([row["labels"] for row in rows]),
        }

    return collate


class LikeLengths:
    """A sampler: rows of like length share a batch, batches come in random order, every epoch anew.

    Padding is computed for nothing; sorting inside blocks of 50 shuffled batches removes nearly all of it. Unlike
    transformers' LengthGroupedSampler the order depends on seed and epoch alone, not on the global random state
    (a resumed run sees the very same batches), and batches do not run from long to short.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before an epoch starts, also when an interrupted one is taken up again."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng((self.seed, self.epoch))
        order = generator.permutation(len(self.lengths))
        block = self.batch_size * SORTED_BATCHES
        pieces = [order[start : start + block] for start in range(0, len(order), block)]
        ordered = np.concatenate([piece[np.argsort(self.lengths[piece], kind="stable")] for piece in pieces])
        whole = len(ordered) // self.batch_size * self.batch_size
        batches = ordered[:whole].reshape(-1, self.batch_size)
        generator.shuffle(batches, axis=0)
        yield from batches.reshape(-1).tolist()
        yield from ordered[whole:].tolist()  # the short batch stays last, or all later ones would be cut wrongly


def stratified_split(labels: Sequence[str], size: int, seed: int) -> tuple[list[int], list[int]]:
    """Row numbers (rest, taken), both ascending; `taken` has `size` rows with the classes in proportion.

    Shares are rounded by largest remainder; every class keeps at least one row on both sides. Depends on the seed
    and the labels alone. Raises `ValueError` when a class has one row only, or `size` leaves no room for a class.
    """
    by_class: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        by_class[label].append(index)
    if any(len(rows) < 2 for rows in by_class.values()):
        raise ValueError("a class has one row only")
    if not len(by_class) <= size <= len(labels) - len(by_class):
        raise ValueError(f"{size} of {len(labels)} rows leave no room for {len(by_class)} classes")
    exact = {label: size * len(rows) / len(labels) for label, rows in by_class.items()}
    counts = {label: min(max(1, int(share)), len(by_class[label]) - 1) for label, share in exact.items()}
    while (missing := size - sum(counts.values())) != 0:
        step = 1 if missing > 0 else -1
        open_to_change = [label for label in counts if 1 <= counts[label] + step <= len(by_class[label]) - 1]
        nearest = max(open_to_change, key=lambda label: (step * (exact[label] - counts[label]), label))
        counts[nearest] += step
    generator = random.Random(seed)  # noqa: S311  a split, not a secret
    taken = sorted(index for label in sorted(by_class) for index in generator.sample(by_class[label], counts[label]))
    chosen = set(taken)
    return [index for index in range(len(labels)) if index not in chosen], taken


def sort_labels(labels: Mapping[str, int] | Sequence[str]) -> list[str]:
    """Class names in the order of their ids: numbers by value, anything else by name."""
    names = sorted(set(labels))
    if all(re.fullmatch(r"-?[0-9]+", name) for name in names):
        names.sort(key=int)
    return names


def majority_share(train: Sequence[int], references: Sequence[int]) -> float:
    """Accuracy of always answering the commonest training class."""
    commonest = Counter(train).most_common(1)[0][0]
    return sum(label == commonest for label in references) / len(references)


def load_tokenizer(folder: Path) -> "Tokenizer":
    """The fast tokenizer of a model folder, cutting and padding off. Raises `OSError` or `ValueError`."""
    from tokenizers import Tokenizer

    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_counts(tokenizer: "Tokenizer", texts: Sequence[str]) -> list[int]:
    """Length of every text in tokens, special ones included."""
    return [len(row) for row in encode(tokenizer, texts)]


def encode(tokenizer: "Tokenizer", texts: Sequence[str], max_length: int = 0) -> list[list[int]]:
    """Token ids of every text, cut at `max_length` where that is not 0 (the closing special token stays)."""
    if max_length:
        tokenizer.enable_truncation(max_length)
    rows: list[list[int]] = []
    for start in range(0, len(texts), CHUNK):
        encodings: list[Any] = tokenizer.encode_batch_fast(list(texts[start : start + CHUNK]))
        rows.extend(encoding.ids for encoding in encodings)
    tokenizer.no_truncation()
    return rows
