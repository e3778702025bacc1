"""What a model that writes has to beat: interpolated Kneser-Ney trigrams over the same pieces."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

DISCOUNT = 0.75


class KneserNey:
    """Trigrams with one absolute discount (Kneser and Ney 1995; interpolated as in Chen and Goodman 1999).

    Attributes:
        size: of the vocabulary; every piece keeps a little probability.
    """

    def __init__(self, texts: Iterable[Sequence[int]], size: int) -> None:
        self.size = size
        self._three: Counter[tuple[int, int, int]] = Counter()
        for text in texts:
            self._three.update(zip((text[0], *text), text, text[1:], strict=False))
        self._seen_three, self._kinds_three = _contexts(self._three)
        self._two = Counter((middle, last) for _, middle, last in self._three)  # by how many pieces come before
        self._seen_two, self._kinds_two = _contexts(self._two)
        self._one = Counter(last for _, last in self._two)
        self._total = self._one.total()

    def bits(self, text: Sequence[int]) -> float:
        """Bits that the pieces after the first cost."""
        steps = zip((text[0], *text), text, text[1:], strict=False)
        return -sum(math.log2(self._chance(*step)) for step in steps)

    def _chance(self, first: int, middle: int, last: int) -> float:
        unigram = max(self._one[last] - DISCOUNT, 0) / self._total
        unigram += DISCOUNT * len(self._one) / self._total / self.size
        bigram = _mixed(self._two[middle, last], self._seen_two[middle,], self._kinds_two[middle,], unigram)
        context = (first, middle)
        return _mixed(self._three[first, middle, last], self._seen_three[context], self._kinds_three[context], bigram)


def _contexts(counts: Counter[tuple[int, int, int]] | Counter[tuple[int, int]]) -> tuple[Counter[tuple[int, ...]], ...]:
    """How often each context was seen, and with how many kinds of next piece."""
    seen: Counter[tuple[int, ...]] = Counter()
    kinds: Counter[tuple[int, ...]] = Counter()
    for gram, count in counts.items():
        seen[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    return seen, kinds


def _mixed(count: int, seen: int, kinds: int, shorter: float) -> float:
    return (max(count - DISCOUNT, 0) + DISCOUNT * kinds * shorter) / seen if seen else shorter
