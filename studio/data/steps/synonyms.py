"""synonyms: some words replaced by others that mean nearly the same, from a table of English words.

The table is made by `studio.starter.build.text.synonyms`, mostly from WordNet.
"""

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from random import Random

import pyarrow as pa
from pydantic import Field

from studio.core.settings import ASSETS
from studio.data.steps.base import Code, Rows, Step, Tools
from studio.data.steps.noise import NoiseParams, each_text, texts_only

TABLE = ASSETS / "words" / "synonyms.txt"
# Words, not parts of names, addresses, numbers or contractions; with "a" or "an", where that stands before one.
WORD = re.compile(r"(?<![\w.@/\\'’&-])(?:(?P<article>an?)\s+)?(?P<word>[^\W\d_]+)(?![\w@/\\&-]|['’.]\w)", re.IGNORECASE)
# what stands before a sentence's first word
ENDED = re.compile(r"""(?:^|\n|[.!?:]['")\]”’]*\s)\s*['"(\[“‘]*$""")
VOWELS = "aeiou"


class SynonymsParams(NoiseParams):
    """How many words."""

    share: float = Field(
        0.5,
        gt=0,
        le=1,
        title="Share of words",
        description="How likely each word that the table knows is to be replaced. It has some 6,000 English words, and "
        "the regular endings of many; names, numbers and other languages stay as they are.",
    )


@cache
def partners() -> Mapping[str, tuple[str, ...]]:
    """Word → what may stand for it."""
    return unpacked(packed())


def packed() -> str:
    """The table without its head, as an exported script holds it."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    plain = "\n".join(line.partition(" ")[2] for line in lines if not line.startswith("#"))
    return base64.b64encode(zlib.compress(plain.encode(), 9)).decode()


def unpacked(table: str) -> dict[str, tuple[str, ...]]:
    """The same as word → what may stand for it."""
    lines = zlib.decompress(base64.b64decode(table)).decode().splitlines()
    return {word: tuple(others) for word, *others in map(str.split, lines)}


def as_written(word: str, new: str) -> str:
    """The new word with capitals as the old one has them."""
    if word.isupper() and len(word) > 1:
        return new.upper()
    return new[0].upper() + new[1:] if word[0].isupper() else new


def reworded(text: str, random: Random, known: Mapping[str, tuple[str, ...]], share: float) -> str:
    """The text with some of the known words replaced; what has a capital inside a sentence is taken for a name."""
    shouted = text.isupper()

    def other(match: re.Match[str]) -> str:
        word, article = match["word"], match["article"] or ""
        others: Sequence[str] = known.get(word.lower(), ())
        if article:  # "a" and "an" stay right
            others = [one for one in others if (one[0] in VOWELS) == (word[0].lower() in VOWELS)]
        if not others or random.random() >= share:
            return match[0]
        begins = not article and ENDED.search(text, max(0, match.start("word") - 8), match.start("word"))
        if not shouted and not word.islower() and not (begins and word[1:].islower()):
            return match[0]
        return match[0][: len(match[0]) - len(word)] + as_written(word, random.choice(others))

    return WORD.sub(other, text)


def with_synonyms(
    table: pa.Table,
    numbers: Sequence[int],
    words: tuple[Mapping[str, tuple[str, ...]], float],
    column: str,
    seed: int,
    keep: bool,
) -> pa.Table:
    """The rows with some words of their texts replaced: those of a table, each with this chance."""
    known, share = words
    return each_text(table, numbers, column, partial(reworded, known=known, share=share), seed, keep)


def function(params: SynonymsParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What replaces them."""
    words = (partners(), params.share)
    return partial(with_synonyms, words=words, column=params.column, seed=params.seed, keep=params.keep)


def code(params: SynonymsParams, tools: Tools) -> Code:  # noqa: ARG001
    """With `datasets`; the table is in the script."""
    wishes = f"column={params.column!r}, seed={params.seed!r}, keep={params.keep!r}"
    return Code(
        f"by_rows(rows, partial(with_synonyms, words=(synonyms, {params.share!r}), {wishes}))",
        (with_synonyms, unpacked),
        setup=(
            "# Words and what may stand for them, from WordNet 3.1, Copyright Princeton University, under its licence;",
            "# chosen, and with endings added, by the Studio project.",
            f"synonyms = unpacked({packed()!r})",
        ),
    )


STEP = Step(
    name="synonyms",
    title="Synonyms",
    description="Replaces some words by synonyms, from a table of some 6,000 English words, mostly of WordNet.",
    params=SynonymsParams,
    work=Rows[SynonymsParams](function, texts_only),
    describe=lambda params: f"replace {params.share:.3g} of the known words of {params.column}",
    code=code,
    group="Text",
    example={"column": "text", "share": 0.9},
)
