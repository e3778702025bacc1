"""The trivial translation: each word by its likeliest partner in the training pairs, in the order of the source."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

ROUNDS = 5  # of expectation and maximisation
RARE = 2  # words seen less often than this stay as they are
WORD = re.compile(r"\w+|[^\w\s]+")


def learn(sources: Sequence[str], targets: Sequence[str]) -> dict[str, str]:
    """A dictionary from sentence pairs: IBM model 1 (Brown et al. 1993), the likeliest partner of each word.

    A target word's alignment is spread over the words of its source sentence; which are frequent partners is learned
    by expectation maximisation from even odds.
    """
    import numpy as np

    here, there = _numbers(sources), _numbers(targets)
    links, places = [], []
    slot = 0
    for source, target in zip(here[0], there[0], strict=True):
        links.append((source[None, :] * len(there[1]) + target[:, None]).ravel())
        places.append(slot + np.repeat(np.arange(len(target)), len(source)))
        slot += len(target)
    pairs, link = np.unique(np.concatenate(links), return_inverse=True)
    place = np.concatenate(places)
    source_of = pairs // len(there[1])
    odds: Any = np.ones(len(pairs))
    for _ in range(ROUNDS):
        share = odds[link] / np.bincount(place, weights=odds[link], minlength=slot)[place]
        odds = np.bincount(link, weights=share, minlength=len(pairs))
        odds /= np.bincount(source_of, weights=odds)[source_of]
    best: dict[int, tuple[float, int]] = {}
    for pair, odd in zip(pairs.tolist(), odds.tolist(), strict=True):
        word, partner = divmod(pair, len(there[1]))
        best[word] = max(best.get(word, (0.0, -1)), (odd, -partner))
    seen = np.bincount(np.concatenate(here[0]))
    return {here[1][word]: there[1][-partner] for word, (_, partner) in best.items() if seen[word] >= RARE}


def translate(text: str, dictionary: Mapping[str, str]) -> str:
    """Each word by its partner; unknown words stay; spaces and the first letter's case are the source's."""
    made = WORD.sub(lambda match: dictionary.get(match[0].lower(), match[0]), text)
    return made[:1].upper() + made[1:] if text[:1].isupper() else made


def _numbers(texts: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Each text as an array of its words' numbers, and the words."""
    import numpy as np

    known: dict[str, int] = {}
    rows = [
        np.array([known.setdefault(word, len(known)) for word in WORD.findall(text.lower())], dtype=np.int64)
        for text in texts
    ]
    return rows, list(known)
