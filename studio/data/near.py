"""Near duplicates among texts: MinHash and banding find candidates, and the exact Jaccard index decides.

A text is the set of its character n-grams (shingles) after `normalised`. Sources: Broder 1997, "On the resemblance and
containment of documents"; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3 (banding); Lee et al.
2022, "Deduplicating Training Data Makes Language Models Better". What is reported was compared exactly, so that nothing
below the threshold is; a pair just at the threshold is found with a probability of at least `RECALL`. Texts wait in a
temporary file: in memory are only 8 bytes per band and text.
"""

import hashlib
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from studio.core.errors import InvalidInput

Progress = Callable[[float, float, str], None]
Stop = Callable[[], object]
Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

THRESHOLD = 0.8  # Lee et al. 2022, 4.2: edit similarity above 0.8
SHINGLE = 5  # Mining of Massive Datasets, 3.2.2: k = 5 for short documents
PERMUTATIONS = 128
RECALL = 0.95
PORTION = 60_000  # characters whose signatures are computed at a time: what the processor's cache holds
LONGEST = 20_000  # characters of a text that are compared
COMPARED = 200  # the most candidates of one text in one bucket that are compared exactly
REMEMBERED = 1_000_000  # pairs
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # splitmix64
BASE = np.uint64(0x9E3779B97F4A7C15)


def normalised(text: str) -> str:
    """The text without what does not count as a difference: compatibility forms, case, runs of white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class Match:
    """Two texts that are alike: their numbers, and their exact Jaccard index."""

    left: int
    right: int
    similarity: float


@dataclass(frozen=True)
class Plan:
    """How texts are compared.

    Attributes:
        threshold: the Jaccard index from which on two texts are near duplicates.
        shingle: characters of an n-gram; a shorter text is one shingle.
        permutations: hash functions of a signature.
        seed: of the hash functions.
    """

    threshold: float = THRESHOLD
    shingle: int = SHINGLE
    permutations: int = PERMUTATIONS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise InvalidInput("threshold", self.threshold, "Use a number above 0, at most 1.")
        if not 1 <= self.shingle <= 64:
            raise InvalidInput("shingle", self.shingle, "Use between 1 and 64 characters.")
        if not 16 <= self.permutations <= 1024:
            raise InvalidInput("permutations", self.permutations, "Use between 16 and 1,024.")

    @property
    def banding(self) -> tuple[int, int]:
        """Bands, and rows of each: the most selective that finds a pair at the threshold with at least `RECALL`."""
        for rows in range(self.permutations, 1, -1):
            bands = self.permutations // rows
            if 1 - (1 - self.threshold**rows) ** bands >= RECALL:
                return bands, rows
        return self.permutations, 1


def jaccard(left: str, right: str, shingle: int = SHINGLE) -> float:
    """Shared shingles by all shingles of two normalised texts, exactly; two empty texts are alike."""
    a, b = shingles(left, shingle), shingles(right, shingle)
    together = len(a | b)
    return len(a & b) / together if together else 1.0


def shingles(text: str, length: int = SHINGLE) -> frozenset[str]:
    """The set of n-grams of a normalised text."""
    text = text[:LONGEST]
    if len(text) <= length:
        return frozenset([text]) if text else frozenset()
    return frozenset(text[place : place + length] for place in range(len(text) - length + 1))


def groups(
    texts: Iterable[tuple[int, str]],
    threshold: float = THRESHOLD,
    shingle: int = SHINGLE,
    progress: Progress = lambda *_: None,
    stop: Stop = lambda: None,
) -> list[list[int]]:
    """The numbers of texts that are near duplicates of one another, in ascending order, groups by their first.

    A group is what pairs at or above the threshold connect: its ends may be less alike than its neighbours. Empty texts
    are left out.
    """
    with Index(Plan(threshold, shingle)) as index:
        index.fill(texts, progress, stop)
        return index.groups(progress, stop)[0]


class Index:
    """Texts and their signatures while they are compared; a context that leaves nothing behind.

    Texts that are the same once normalised count as one inside, so that a text that comes a million times costs one
    comparison.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.bands, self.rows = plan.banding
        random = np.random.default_rng(plan.seed)
        size = self.bands * self.rows
        self._factors = random.integers(1, 2**32, size, dtype=np.uint32) | np.uint32(1)
        self._offsets = random.integers(0, 2**32, size, dtype=np.uint32)
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="studio-near-")  # noqa: SIM115  closed by __exit__
        self._places: list[int] = [0]
        self._numbers: list[list[int]] = []
        self._same: dict[bytes, int] = {}
        self._keys: list[Hashes] = []
        self.capped = 0

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._numbers)

    def fill(self, texts: Iterable[tuple[int, str]], progress: Progress, stop: Stop, total: int = 0) -> int:
        """Take in all texts; returns how many there were, empty ones included."""
        seen = 0
        for batch in _batched(texts):
            stop()
            self.add(batch)
            seen += len(batch)
            progress(seen, total or seen, f"{seen:,} texts read")
        return seen

    def add(self, batch: Sequence[tuple[int, str]]) -> None:
        """Take in some texts."""
        new: list[str] = []
        for number, text in batch:
            plain = normalised(text)[:LONGEST]
            if not plain:
                continue
            digest = _digest(plain)
            place = self._same.setdefault(digest, len(self._numbers))
            if place < len(self._numbers):
                self._numbers[place].append(number)
                continue
            self._numbers.append([number])
            encoded = plain.encode("utf-8", "surrogatepass")
            self._file.write(encoded)
            self._places.append(self._places[-1] + len(encoded))
            new.append(plain)
        if new:
            self._keys.append(self._band_keys(new))

    def groups(self, progress: Progress, stop: Stop) -> tuple[list[list[int]], dict[int, Match]]:
        """Connected texts as in `groups`, and for each but the first of a group the match that connected it."""
        keys = self._all_keys()
        parents = list(range(len(self)))
        matches: dict[int, Match] = {}
        compared: set[tuple[int, int]] = set()
        for band in range(self.bands):
            progress(band, self.bands, f"band {band + 1} of {self.bands} compared")
            for bucket in _buckets(keys[:, band]):
                stop()
                self._join(bucket, parents, matches, compared)
        found: dict[int, list[int]] = {}
        for place, numbers in enumerate(self._numbers):
            found.setdefault(_root(parents, place), []).extend(numbers)
            for number in numbers[1:]:
                matches[number] = Match(numbers[0], number, 1.0)
        lists = sorted(sorted(numbers) for numbers in found.values() if len(numbers) > 1)
        return lists, matches

    def matches(self, texts: Iterable[tuple[int, str]], stop: Stop) -> Iterator[Match]:
        """For each of other texts its partners in here at or above the threshold; `left` is the one in here.

        Of texts in here that are the same once normalised, each is named.
        """
        keys = self._all_keys()
        orders = [np.argsort(keys[:, band], kind="stable") for band in range(self.bands)]
        columns = [keys[order, band] for band, order in enumerate(orders)]
        for batch in _batched(texts):
            stop()
            plain = [(number, normalised(text)[:LONGEST]) for number, text in batch]
            plain = [(number, text) for number, text in plain if text]
            if plain and len(self):
                yield from self._lookup(plain, orders, columns)

    def _lookup(
        self, batch: Sequence[tuple[int, str]], orders: Sequence[Numbers], columns: Sequence[Hashes]
    ) -> Iterator[Match]:
        asked = self._band_keys([text for _, text in batch])
        candidates: list[set[int]] = [set() for _ in batch]
        for band in range(self.bands):
            low = np.searchsorted(columns[band], asked[:, band], "left")
            high = np.searchsorted(columns[band], asked[:, band], "right")
            self.capped += int((high - low > COMPARED).sum())
            for place in np.flatnonzero(high > low):
                candidates[place].update(orders[band][low[place] : min(high[place], low[place] + COMPARED)].tolist())
        for (number, text), places in zip(batch, candidates, strict=True):
            mine = shingles(text, self.plan.shingle) if places else frozenset()
            for other in sorted(places):
                similarity = _similarity(mine, shingles(self._text(other), self.plan.shingle))
                if similarity >= self.plan.threshold:
                    yield from (Match(left, number, similarity) for left in self._numbers[other])

    def _join(
        self, bucket: Numbers, parents: list[int], matches: dict[int, Match], compared: set[tuple[int, int]]
    ) -> None:
        """Connect what is alike in one bucket; who is connected already is not compared again."""
        members = [int(place) for place in bucket]
        sets: dict[int, frozenset[str]] = {}
        for at, place in enumerate(members):
            if at > COMPARED:
                self.capped += 1
            for other in members[max(0, at - COMPARED) : at]:
                if (other, place) in compared or _root(parents, other) == _root(parents, place):
                    continue
                if len(compared) >= REMEMBERED:
                    compared.clear()  # what is forgotten is compared again, nothing worse
                compared.add((other, place))
                for one in (other, place):
                    if one not in sets:
                        sets[one] = shingles(self._text(one), self.plan.shingle)
                similarity = _similarity(sets[other], sets[place])
                if similarity >= self.plan.threshold:
                    parents[_root(parents, place)] = _root(parents, other)
                    first, second = self._numbers[other][0], self._numbers[place][0]
                    matches.setdefault(second, Match(first, second, similarity))

    def _text(self, place: int) -> str:
        start, end = self._places[place], self._places[place + 1]
        self._file.seek(start)
        return self._file.read(end - start).decode("utf-8", "surrogatepass")

    def _all_keys(self) -> Hashes:
        empty = np.empty((0, self.bands), dtype=np.uint64)
        self._keys = [np.concatenate([empty, *self._keys])]
        return self._keys[0]

    def _band_keys(self, texts: Sequence[str]) -> Hashes:
        """One hash per band of each text's MinHash signature."""
        hashed, starts = _shingle_hashes(texts, self.plan.shingle)
        keys = np.empty((len(texts), self.bands), dtype=np.uint64)
        for band in range(self.bands):
            key = np.full(len(texts), band + 1, dtype=np.uint64)
            for place in range(band * self.rows, (band + 1) * self.rows):
                values = hashed * self._factors[place] + self._offsets[place]
                key = _mixed(key * BASE + np.minimum.reduceat(values, starts))
            keys[:, band] = key
        return keys


def _shingle_hashes(texts: Sequence[str], length: int) -> tuple[npt.NDArray[np.uint32], Numbers]:
    """A 32-bit hash of every shingle of non-empty texts, and where each text's begin: polynomial, then mixed."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    starts = np.cumsum(sizes) - sizes
    hashed = np.zeros(len(codes), dtype=np.uint64)
    for step in range(length):
        shifted = codes[step:]
        hashed[: len(shifted)] = hashed[: len(shifted)] * BASE + shifted + np.uint64(1)
    counts = np.maximum(sizes - length + 1, 1)
    whole = np.arange(len(codes)) - np.repeat(starts, sizes) < np.repeat(counts, sizes)
    for place in np.flatnonzero(sizes < length):  # a short text's only shingle must not reach into the next text
        start, value = starts[place], 0
        for code in codes[start : start + sizes[place]]:
            value = (value * int(BASE) + int(code) + 1) % 2**64
        hashed[start] = value
    kept = (_mixed(hashed[whole]) >> np.uint64(32)).astype(np.uint32)
    return kept, np.cumsum(counts) - counts


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * MIX[0]
    values = (values ^ (values >> np.uint64(27))) * MIX[1]
    return values ^ (values >> np.uint64(31))


def _buckets(keys: Hashes) -> Iterator[Numbers]:
    """Places that share a key, two and more at a time."""
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order])) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(keys)]])
    for at in np.flatnonzero(ends - starts > 1):
        yield order[starts[at] : ends[at]]


def _similarity(left: frozenset[str], right: frozenset[str]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _batched(texts: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Texts in portions of bounded number and length."""
    portion: list[tuple[int, str]] = []
    size = 0
    for number, text in texts:
        portion.append((number, text))
        size += min(len(text), LONGEST)
        if size > PORTION or len(portion) >= PORTION // 50:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
