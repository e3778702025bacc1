"""Which of Debian's texts the generating models never see: whole source packages, and no near double of what they saw.

One rule for summaries, translations and the writer, so that any of them may be measured on another's test split.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from studio.starter.build.text.debian_topics import NEAR, trigrams

SEED = 20
SHARES = {"test": 0.05, "validation": 0.02}


def split_of(source: str) -> str:
    """The split that a source package belongs to, with all that is built from it: "train" or a key of `SHARES`."""
    place = int.from_bytes(hashlib.sha256(f"{SEED}{source}".encode()).digest()[:8], "big") / 2**64
    for name, share in SHARES.items():
        if place < share:
            return name
        place -= share
    return "train"


def without_doubles(texts: Sequence[str], others: Sequence[str]) -> list[int]:
    """Places of the texts that resemble none of the others, nor a text before them.

    Two texts resemble each other when their word trigrams have a Jaccard similarity of `NEAR` or more.
    """
    grams = [trigrams(text) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(grams):
        for gram in own:
            holders[gram].append(place)

    def doubles(own: set[str]) -> list[int]:
        shared = Counter(place for gram in own for place in holders.get(gram, ()))
        return [place for place, count in shared.items() if count / (len(own) + len(grams[place]) - count) >= NEAR]

    known = {place for text in set(others) for place in doubles(trigrams(text))}
    kept: list[int] = []
    for place, own in enumerate(grams):
        if place not in known and not any(before in kept for before in doubles(own) if before < place):
            kept.append(place)
    return kept
