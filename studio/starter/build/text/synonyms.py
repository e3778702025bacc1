"""The table of synonyms that the step of that name reads: `python -m studio.starter.build.text.synonyms`.

From WordNet's most frequent senses, and before them from a list of our own. A word is in it where one sense has most of
its uses in WordNet's tagged texts, and so is what may stand for it; with the endings of regular words.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from studio.core.settings import ASSETS
from studio.starter.build.text import wordnet
from studio.starter.build.text.endings import KINDS, forms
from studio.starter.build.text.wordnet import WORDNET

FOLDER = ASSETS / "words"
POS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
PLACE = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}  # of a key of index.sense
WORD = re.compile(r"[a-z]{3,}")
MOST_USES = 0.6  # of a word's uses, by its first sense
PARTNERS = 3  # of a word
HEAD = f"""\
# English words and what may stand for them: kind, word, synonyms. Kinds: {KINDS}.
# Made by studio.starter.build.text.synonyms from WordNet 3.1 (package {WORDNET.requirement}), Copyright Princeton
# University, whose licence lies beside, and from a list by the Studio project, Apache License 2.0. CHANGED: words were
# chosen by how often each sense is used, and endings were added.
"""
# Groups of words that can stand for each other in most sentences, written for this studio.
OWN = """
a: big large · small little · quick fast rapid · bad poor · nice pleasant · great excellent · awful terrible
horrible · happy glad · sad unhappy · funny amusing · dull tedious · smart clever · stupid foolish · beautiful
lovely · rich wealthy · cheap inexpensive · expensive costly · easy simple · hard difficult · weak feeble ·
important significant · necessary essential · useful handy · odd strange weird · famous renowned · noisy loud ·
dirty filthy · wet damp · wrong incorrect · same identical · different distinct · enough sufficient · dangerous
hazardous · afraid scared · hungry starving · main chief principal · whole entire complete · many numerous
v: begin start · buy purchase · assist help · conceal hide · build construct · repair fix · obtain get · keep retain
· need require · adore love · detest hate · answer reply respond · shout yell · laugh giggle · choose select pick ·
seek search · alter change modify · enhance improve · reduce decrease · allow permit · forbid prohibit · continue
proceed · delete remove · append add
n: car automobile · road street · child kid · film movie · picture image · error mistake · issue problem · outcome
result · part portion · garbage rubbish trash · method approach technique
r: often frequently · rarely seldom · always constantly · very extremely highly · nearly almost · maybe perhaps ·
quickly rapidly · slowly gradually · suddenly abruptly · clearly plainly · exactly precisely
"""
# What WordNet does not know as the preposition, conjunction, pronoun or auxiliary that it mostly is; and numbers.
CLOSED = frozenset(
    """about above across after against along among around before behind below beneath beside between beyond but can
    could did does done down during each either else even ever every few for from had has have having here how
    however into its just let like made make many may might more most much must near need neither nor not now
    off once one only other others our out over own past per round same several shall should since some such
    than that the then there therefore these they this those though through thus till too toward towards under
    until unto upon via was were what when where whether which while who whole whose why will with within
    without would yet you your all any are both get got give given goes going zero two three four five six seven
    eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty
    forty fifty sixty seventy eighty ninety hundred thousand million billion dozen first second third fourth
    fifth last next north south east west monday tuesday wednesday thursday friday saturday sunday january
    february march april june july august september october november december god lord christ pope goddam
    goddamned darned""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Sense:
    """A word's place in one meaning: its kind (n, v, a, r), the meaning's number, how often it is used so, its rank."""

    word: str
    kind: str
    offset: str
    uses: int
    rank: int


def senses(index: Iterable[str]) -> Iterator[Sense]:
    """Those of index.sense."""
    for line in index:
        key, offset, rank, uses = line.split()
        word, _, rest = key.partition("%")
        yield Sense(word, PLACE[rest[0]], offset, int(uses), int(rank))


def meanings(kind: str, lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Number and words of each meaning of a data file; those of a certain use (slang, archaic, an insult) left out."""
    for line in lines:
        if line.startswith(" ") or " | " not in line:
            continue
        fields = line.partition(" | ")[0].split(" ")
        count = int(fields[3], 16)
        if ";u" not in fields[4 + 2 * count :]:
            words = [re.sub(r"\(.*\)", "", word) for word in fields[4 : 4 + 2 * count : 2]]
            yield f"{kind}{fields[0]}", [word for word in words if WORD.fullmatch(word) and word not in CLOSED]


def partners(found: Iterable[Sense], groups: Mapping[str, list[str]]) -> dict[str, tuple[str, list[str]]]:
    """Word → kind, and what may stand for it, the most used first.

    Both words are meant so in at least 60 % of their uses, of whatever kind; what stands for a word has been seen in
    that sense, and the word has too, unless it has no other.
    """
    listed = list(found)
    uses: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for one in listed:
        uses[one.word] += one.uses
        alone[one.word] += 1
    usual = {
        (one.word, f"{one.kind}{one.offset}"): one.uses
        for one in listed
        if one.rank == 1 and one.uses >= MOST_USES * uses[one.word] and (one.uses or alone[one.word] == 1)
    }
    result: dict[str, tuple[str, list[str]]] = {}
    for meaning, words in groups.items():
        known = [(word, usual[word, meaning]) for word in words if (word, meaning) in usual]
        for word, _ in known:
            others = sorted((one for one in known if one[0] != word and one[1]), key=lambda one: -one[1])
            if others:
                result[word] = (meaning[0], [other for other, _ in others[:PARTNERS]])
    return result


def own() -> dict[str, tuple[str, list[str]]]:
    """The same of our own list."""
    found: dict[str, tuple[str, list[str]]] = {}
    for kind, listed in re.findall(r"^(\w): (.*?)(?=^\w: |\Z)", OWN, re.MULTILINE | re.DOTALL):
        for group in listed.split("·"):
            words = group.split()
            found |= {word: (kind, [other for other in words if other != word]) for word in words}
    return found


def with_endings(words: Mapping[str, tuple[str, list[str]]], lemmas: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """Kind, word, synonyms: as they are, and with each ending that is the same for all and makes no other word."""
    made: defaultdict[str, set[str]] = defaultdict(set)
    lines = []
    for word, (kind, others) in words.items():
        lines.append((kind, word, others))
        inflected = {one: forms(kind, one) for one in (word, *others)}
        for ending, form in inflected[word].items():
            fitting = list(dict.fromkeys(inflected[other][ending] for other in others if ending in inflected[other]))
            if fitting and form not in lemmas and form not in fitting:
                lines.append((f"{kind}{ending}", form, fitting))
                made[form].add(word)
    for kind, word, others in sorted(lines):
        if len(made[word]) < 2:
            yield kind, word, " ".join(others)


def table() -> tuple[str, str]:
    """The table and the licence, as they are kept."""
    names = [f"dict/data.{name}" for name in POS.values()]
    *data, index, terms = wordnet.files(*names, "dict/index.sense", "LICENSE")
    groups: dict[str, list[str]] = {}
    for kind, text in zip(POS, data, strict=True):
        groups |= dict(meanings(kind, text.splitlines()))
    listed = list(senses(index.splitlines()))
    known = partners(listed, groups) | own()
    lines = with_endings(known, frozenset(one.word for one in listed))
    return HEAD + "".join(f"{kind} {word} {others}\n" for kind, word, others in lines), terms


def main() -> None:
    """Write them."""
    made, terms = table()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "synonyms.txt").write_text(made, encoding="utf-8")
    (FOLDER / "LICENSE").write_text(terms, encoding="utf-8")


if __name__ == "__main__":
    main()
