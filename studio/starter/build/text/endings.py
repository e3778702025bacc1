"""Endings of regular English words: the plural of nouns, and the forms of verbs. Irregular words have none here."""

import re

KINDS = "n noun, ns plural, v verb, vs third person, ved past, ving -ing, a adjective, r adverb"
IRREGULAR = frozenset(
    """arise awake bear beat become begin bend bet bind bite bleed blow break breed bring broadcast build burn burst
    buy cast catch choose cling come cost creep cut deal dig dive do draw dream drink drive dwell eat fall feed
    feel fight find fit flee fling fly forbid forecast foresee forget forgive forsake freeze get give go grind
    grow hang have hear hide hit hold hurt keep kneel knit know lay lead lean leap learn leave lend let lie
    light lose make mean meet mow overcome overtake pay plead prove put quit read rend rid ride ring rise run
    saw say see seek sell send set sew shake shear shed shine shoot show shrink shut sing sink sit slay sleep
    slide sling slit smell sow speak speed spell spend spill spin spit split spoil spread spring stand steal
    stick sting stink strew stride strike string strive swear sweep swell swim swing take teach tear tell think
    throw thrust tread undergo understand undertake uphold upset wake wear weave wed weep wet win wind withdraw
    withhold withstand wring write""".split()  # noqa: SIM905
)
NO_PLURAL = re.compile(
    r".*(man|foot|tooth|goose|mouse|child|ox|sheep|deer|fish|series|species|aircraft|offspring|ware|ness|ism|ics|ship"
    r"|hood|dom|craft|cattle|people|police|stuff|news|[^aeiou]o|f|fe|us|is|um|on|a|x|s)"
)
VOWELS = "aeiou"


def forms(kind: str, word: str) -> dict[str, str]:
    """Ending → the word with it."""
    if kind == "n":
        return {} if NO_PLURAL.fullmatch(word) else {"s": with_s(word)}
    if kind != "v":
        return {}
    found = {"s": with_s(word)}
    if doubtful(word):
        return found
    found["ing"] = joined(word, "ing")
    if word not in IRREGULAR:
        found["ed"] = joined(word, "ed")
    return found


def with_s(word: str) -> str:
    """A plural, or a verb's third person."""
    if word.endswith("y") and word[-2] not in VOWELS:
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")


def joined(word: str, ending: str) -> str:
    """A verb with -ed or -ing: love loved, try tried trying, stop stopped, lie lying."""
    if ending == "ing":
        if word.endswith("ie"):
            return f"{word[:-2]}ying"
        if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
            return f"{word[:-1]}ing"
    elif word.endswith("e"):
        return f"{word}d"
    elif word.endswith("y") and word[-2] not in VOWELS:
        return f"{word[:-1]}ied"
    return f"{word}{word[-1]}{ending}" if _closed(word) else f"{word}{ending}"


def doubtful(word: str) -> bool:
    """Whether its last letter is doubled depends on its stress, as in refer and offer; or -ed would hide its sound."""
    short = re.fullmatch(r".*[^aeiou][aeiou][^aeiouwxy]", word) is not None
    return (short and not _closed(word)) or word.endswith(("c", "singe", "tinge"))


def _closed(word: str) -> bool:
    """One syllable, one vowel, one last consonant."""
    return re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", word) is not None or (
        re.fullmatch(r"[^aeiou]*qu[aeiou][^aeiouwxy]", word) is not None
    )
