"""synonyms: some words replaced by others that mean nearly the same, from a short list of English words."""

import re
from collections.abc import Sequence
from functools import partial
from random import Random

import pyarrow as pa
from pydantic import Field

from studio.data.steps.base import Rows, Step, Tools
from studio.data.steps.noise import NoiseParams, each_text, texts_only

# Written for this studio, in the public domain: words that can stand for each other in most sentences, in one form only
# (no endings are made), so that grammar stays as it was.
LIST = """
big large · small little tiny · quick fast rapid · slow sluggish · good fine · bad poor · nice pleasant · great
excellent superb · awful terrible horrible · happy glad cheerful · sad unhappy · angry cross · funny amusing · boring
dull tedious · smart clever bright · stupid silly foolish · beautiful lovely · ugly unsightly · rich wealthy · cheap
inexpensive · expensive costly · easy simple · hard difficult tough · strong powerful · weak feeble · old aged · new
recent · begin start · end finish · buy purchase · sell vend · help assist aid · show display present · hide conceal ·
make create produce · build construct · fix repair mend · break shatter · get obtain · give provide · keep retain ·
need require · want desire · like enjoy · love adore · hate detest · think believe · know understand · see notice ·
look glance · say state · tell inform · ask inquire · answer reply respond · speak talk · shout yell · laugh giggle ·
cry weep · walk stroll · run dash · jump leap · fall drop · throw toss · use employ · try attempt · choose select pick ·
find discover · search seek · change alter modify · improve enhance · reduce decrease · increase raise · allow permit ·
forbid prohibit · stop halt · continue proceed · send transmit · receive accept · remove delete · add append · test
check · error mistake fault · problem issue trouble · idea notion thought · job task · work labour · house home · car
automobile · road street · child kid · friend companion · story tale · film movie · picture image · sound noise ·
program application · tool instrument · method approach technique · result outcome · part portion piece · whole entire
complete · many numerous · few several · often frequently · rarely seldom · always constantly · very extremely highly ·
nearly almost · about roughly approximately · also too · but however · because since · maybe perhaps · quickly rapidly ·
slowly gradually · suddenly abruptly · clearly plainly · exactly precisely · main chief principal · important
significant · necessary essential · useful handy · strange odd weird · famous renowned · quiet silent · loud noisy ·
clean tidy · dirty filthy · wet damp · empty vacant · full packed · right correct · wrong incorrect · same identical ·
different distinct · enough sufficient · free gratis · safe secure · dangerous hazardous · brave bold · afraid scared ·
tired weary · hungry starving · ill sick · garbage rubbish trash · error-free flawless
"""


class SynonymsParams(NoiseParams):
    """How many words."""

    share: float = Field(
        0.5,
        gt=0,
        le=1,
        title="Share of words",
        description="How likely each word that the list knows is to be replaced. The list has some 300 English words "
        "and was written for this studio; texts in other languages stay as they are.",
    )


def partners() -> dict[str, list[str]]:
    """Word → the others of its group."""
    groups = [group.split() for group in LIST.split("·")]
    return {word: [other for other in group if other != word] for group in groups for word in group}


def as_written(word: str, new: str) -> str:
    """The new word with capitals as the old one has them."""
    if word.isupper() and len(word) > 1:
        return new.upper()
    return new[0].upper() + new[1:] if word[0].isupper() else new


def reworded(text: str, random: Random, known: dict[str, list[str]], share: float) -> str:
    """The text with some of the known words replaced."""

    def other(match: re.Match[str]) -> str:
        others = known.get(match[0].lower())
        return as_written(match[0], random.choice(others)) if others and random.random() < share else match[0]

    return re.sub(r"[^\W\d_]+(?:-[^\W\d_]+)*", other, text)


def with_synonyms(
    table: pa.Table, numbers: Sequence[int], column: str, share: float, seed: int, keep: bool
) -> pa.Table:
    """The rows with some words of their texts replaced."""
    change = partial(reworded, known=partners(), share=share)
    return each_text(table, numbers, column, change, seed, keep)


def function(params: SynonymsParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What replaces them."""
    return partial(with_synonyms, column=params.column, share=params.share, seed=params.seed, keep=params.keep)


STEP = Step(
    name="synonyms",
    title="Synonyms",
    description="Replaces some words by synonyms, from a list of some 300 English words that the studio brings along.",
    params=SynonymsParams,
    work=Rows[SynonymsParams](function, texts_only),
    describe=lambda params: f"replace {params.share:.3g} of the known words of {params.column}",
    group="Text",
    example={"column": "text", "share": 0.9},
)
