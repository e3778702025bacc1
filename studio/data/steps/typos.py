"""typos: letters that are left out, doubled, swapped, or hit beside, as fingers do."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import inf, log1p
from random import Random

import pyarrow as pa
from pydantic import Field

from studio.data.steps.base import Rows, Step, Tools
from studio.data.steps.noise import NoiseParams, each_text, texts_only

KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # a QWERTY keyboard


class TyposParams(NoiseParams):
    """How many letters."""

    share: float = Field(
        0.05, gt=0, le=1, title="Share of letters", description="How likely each letter is to be mistyped."
    )


def neighbour(letter: str, random: Random) -> str:
    """A key beside this one; the letter itself where the keyboard has none."""
    for keys in KEYS:
        place = keys.find(letter.lower())
        if place >= 0:
            hit = random.choice([keys[at] for at in (place - 1, place + 1) if 0 <= at < len(keys)])
            return hit.upper() if letter.isupper() else hit
    return letter


def hits(count: int, random: Random, share: float) -> Iterator[int]:
    """Places below `count`, each with this chance: by the gaps between them, so that few places take little time."""
    rate = -log1p(-share) if share < 1 else inf
    place = int(random.expovariate(1) / rate)
    while place < count:
        yield place
        place += 1 + int(random.expovariate(1) / rate)


def mistyped(text: str, random: Random, share: float) -> str:
    """The text with each letter left out, doubled, swapped with the next or hit beside, by chance."""
    found: list[str] = []
    start = 0
    for place in hits(len(text), random, share):
        if place < start or not text[place].isalpha():
            continue
        letter, following = text[place], text[place + 1 : place + 2]
        found.append(text[start:place])
        start = place + 1
        kind = random.randrange(4)
        if kind == 1:
            found += [letter, letter]
        elif kind == 2 and following.isalpha():
            found += [following, letter]
            start = place + 2
        elif kind:
            found.append(neighbour(letter, random))
    return "".join([*found, text[start:]])


def with_typos(table: pa.Table, numbers: Sequence[int], column: str, share: float, seed: int, keep: bool) -> pa.Table:
    """The rows with their texts mistyped."""
    return each_text(table, numbers, column, partial(mistyped, share=share), seed, keep)


def function(params: TyposParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What mistypes them."""
    return partial(with_typos, column=params.column, share=params.share, seed=params.seed, keep=params.keep)


STEP = Step(
    name="typos",
    title="Typing errors",
    description="Mistypes some letters of a text: left out, doubled, swapped, or the key beside (QWERTY).",
    params=TyposParams,
    work=Rows[TyposParams](function, texts_only),
    describe=lambda params: f"mistype {params.share:.3g} of the letters of {params.column}",
    group="Text",
    example={"column": "text", "share": 0.2},
)
