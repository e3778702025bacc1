"""`kit:ner-news`: sentences in the style of news with persons, places and organizations marked. Data only.

Most are built: names are put into sentences of ours, so that the labels are right by construction; some are glosses
of WordNet, whose place names are known. The test sentences were written and labelled for it, one by one.
"""

import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import wordnet
from studio.starter.build.text.wordnet import PERSON, PLACE, WORDNET, Noun
from studio.starter.kit import KitEntry, Quality, Source

SEED = 20
KINDS = ("PER", "LOC", "ORG")
LABELS = ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI"))
BUILT, GLOSSES = {"train": 3500, "validation": 400}, {"train": 1000, "validation": 100}
HERE = Path(__file__).with_name("written")
WRITTEN, TEMPLATES, WORDS = HERE / "ner.txt", HERE / "news_templates.txt", HERE / "news_names.txt"
MARK = {"P": "PER", "L": "LOC", "O": "ORG"}
TOKEN = re.compile(r"'s\b|\w+(?:[-.]\w+)*|[^\w\s]")
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Names:
    """What fills the slots; `real` are organizations that exist."""

    people: Sequence[str]
    first: Sequence[str]
    last: Sequence[str]
    places: Sequence[str]
    countries: Sequence[str]
    real: Sequence[str]


@dataclass(frozen=True)
class Tagged:
    """One sentence: its tokens, and a label of `LABELS` for each."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


def build(out: Path) -> KitEntry:
    """Fetch the names, build the sentences and write them; seconds."""
    nouns, terms = wordnet.fetch()
    splits = make_splits(nouns)
    with writing.new_folder(out, "ner-news") as folder:
        for name, rows in splits.items():
            columns = {"tokens": [list(row.tokens) for row in rows], "ner_tags": [list(row.tags) for row in rows]}
            tables.write_split(columns, folder / f"{name}.parquet")
        note = "Sentences, labels and splits: the Studio project, Apache-2.0. Names and glosses: WordNet.\n\n"
        (folder / "LICENSE").write_text(note + terms, encoding="utf-8")
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The share of sentences with a name, on the test split."""
    tags = tables.read_split(entry.path, "test")["ner_tags"]
    return {"named": sum(any(tag != "O" for tag in one) for one in tags[:rows]) / len(tags[:rows])}


def make_splits(nouns: Sequence[Noun]) -> dict[str, list[Tagged]]:
    """Built sentences and glosses; no template, name and gloss stands in both of the built splits."""
    choice = random.Random(SEED)  # noqa: S311  not a secret
    templates = [line for line in TEMPLATES.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    names, glosses = names_of(nouns), gloss_sentences(nouns)
    choice.shuffle(glosses)
    used = {" ".join(row.tokens) for row in read_written(WRITTEN)}
    splits: dict[str, list[Tagged]] = {}
    for name in BUILT:
        forms = part(templates, name)
        mine = Names(**{field: part(values, name) for field, values in vars(names).items()})
        rows = [glosses.pop() for _ in range(GLOSSES[name])]
        while len(rows) < BUILT[name] + GLOSSES[name]:
            row = fill(choice.choice(forms), mine, choice)
            if " ".join(row.tokens) not in used:
                used.add(" ".join(row.tokens))
                rows.append(row)
        choice.shuffle(rows)
        splits[name] = rows
    return {**splits, "test": read_written(WRITTEN)}


def part(values: Iterable[str], split: str) -> list[str]:
    """What of a list belongs to a split: about a tenth to "validation", chosen by the value itself."""
    wanted = split == "validation"
    return [value for value in values if (hashlib.sha256(value.encode()).digest()[0] % 10 == 0) == wanted]


@cache
def words() -> dict[str, list[str]]:
    """Lists of words by what they are for."""
    lines = [line for line in WORDS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {name: values.split(" | ") for name, _, values in (line.partition(": ") for line in lines)}


def names_of(nouns: Iterable[Noun]) -> Names:
    """WordNet's persons and places, and names of ours from more parts of the world."""
    people, places, countries = set[str](), set[str](), set[str]()
    nouns = list(nouns)
    country = {noun.offset for noun in nouns if {"country", "African country", "European country"} & set(noun.words)}
    country |= {noun.offset for noun in nouns if any(word.endswith(" nation") for word in noun.words)}
    for noun in nouns:
        names = [word for word in noun.words if word[:1].isupper() and word.isascii()]
        if noun.instance_of and noun.file == PERSON:
            people.update(name for name in names if re.fullmatch(r"[A-Z][a-z]+( [A-Z][a-z]+){1,2}", name))
        if noun.instance_of and noun.file == PLACE and names:
            fitting = [name for name in names[:2] if re.fullmatch(r"[A-Z][a-z][\w' -]+", name)]
            (countries if country & set(noun.instance_of) else places).update(fitting[:1])
    first, last = (sorted({name.split()[side] for name in people}) for side in (0, -1))
    mine = words()
    return Names(
        people=sorted(people),
        first=[*mine["first"] * 3, *first],  # WordNet's are many, and mostly of the past
        last=[*mine["last"] * 5, *last],
        places=sorted(places),
        countries=sorted(countries),
        real=mine["real"],
    )


def gloss_sentences(nouns: Iterable[Noun]) -> list[Tagged]:
    """Sentences "NAME is GLOSS" for WordNet's places and people, the place names in the gloss marked too."""
    nouns = [noun for noun in nouns if noun.instance_of and noun.file in {PERSON, PLACE}]
    places = {word for noun in nouns if noun.file == PLACE for word in noun.words if word[:1].isupper()}
    rows = []
    for noun in nouns:
        gloss = re.sub(r"\([^)]*\)", " ", noun.gloss).partition(";")[0]
        name = noun.words[-1] if noun.file == PERSON else noun.words[0]
        if not name.isascii() or not name[:1].isupper() or not 25 < len(gloss) < 160:
            continue
        article = "" if re.match(r"(a|an|the|one|any) ", gloss) else "an " if gloss[0] in "AEIOUaeiou" else "a "
        verb, kind = ("was", "P") if noun.file == PERSON else ("is", "L")
        marked = f"[{kind} {name}] {verb} {article}{_mark_places(gloss, places)}"
        row = read_marked(marked + ".")
        known = all(
            tag != "O" or not token[0].isupper() or token.endswith(("an", "ese", "ish", "ch"))
            for token, tag in zip(row.tokens, row.tags, strict=True)
        )
        if known:  # a capital that is neither a known place nor a people would be labelled wrongly
            rows.append(row)
    return rows


def _mark_places(gloss: str, places: set[str]) -> str:
    """Longest known names first."""

    def mark(match: re.Match[str]) -> str:
        words = match[0].split(" ")
        for length in range(len(words), 0, -1):
            for start in range(len(words) - length + 1):
                name = " ".join(words[start : start + length])
                if name in places:
                    before, after = " ".join(words[:start]), " ".join(words[start + length :])
                    return " ".join(part for part in (before, f"[L {name}]", after) if part)
        return match[0]

    return re.sub(r"[A-Z][a-z]+(?: [A-Z][a-z]+)*", mark, gloss)


def organization(names: Names, choice: random.Random) -> str:
    """A real organization, or a name built as theirs are."""
    surname, place = choice.choice(names.last), choice.choice(names.places)
    club, office, ending = (choice.choice(words()[name]) for name in ("clubs", "offices", "endings"))
    kinds = (
        lambda: choice.choice(names.real),
        lambda: f"{surname} {ending}",
        lambda: f"{surname} and {choice.choice(names.last)}",
        lambda: choice.choice((f"the University of {place}", f"{place} University", f"{surname} College")),
        lambda: choice.choice((f"{place} {club}", f"Bank of {place}", f"{place} City Council")),
        lambda: f"the {choice.choice(('Ministry', 'Department'))} of {office}",
        lambda: "".join(choice.choice("ABCDEFGIKLMNOPRSTU") for _ in range(choice.choice((3, 3, 4)))),
        lambda: _brand(choice),
    )
    return choice.choices(kinds, weights=(6, 3, 1, 2, 2, 1, 1, 2))[0]()


def _brand(choice: random.Random) -> str:
    return "".join(choice.sample(words()["syllables"], choice.choice((2, 3)))).capitalize()


def fill(template: str, names: Names, choice: random.Random) -> Tagged:
    """One sentence from a template."""

    def put(match: re.Match[str]) -> str:
        slot = match[1]
        if slot in "PFS":
            person = choice.choice(names.people)
            if choice.random() < 0.7:  # WordNet's are famous and mostly of the past
                person = f"{choice.choice(names.first)} {choice.choice(names.last)}"
            return f"[P {person if slot == 'P' else choice.choice(names.first if slot == 'F' else names.last)}]"
        if slot in "LC":
            countries = slot == "C" or choice.random() < 0.2
            return f"[L {choice.choice(names.countries if countries else names.places)}]"
        if slot == "O":
            name = organization(names, choice)
            return f"the [O {name[4:]}]" if name.startswith("the ") else f"[O {name}]"
        if slot in {"n", "year"}:
            return str(choice.randint(2, 90) if slot == "n" else choice.randint(1900, 2025))
        return choice.choice(words()[slot])

    text = SLOT.sub(put, template)
    return read_marked(text[:1].upper() + text[1:])


def read_written(file: Path) -> list[Tagged]:
    """The test sentences; lines that begin with "#" are remarks."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [read_marked(line) for line in lines if line and not line.startswith("#")]


def read_marked(text: str) -> Tagged:
    """Tokens and labels of a text such as "[P Ada Lovelace] wrote it."."""
    tokens: list[str] = []
    tags: list[str] = []
    for part in re.split(r"(\[[PLO] [^\]]+\])", text):
        kind = MARK[part[1]] if part.startswith("[") else ""
        found = TOKEN.findall(part[3:-1] if kind else part)
        tokens.extend(found)
        tags.extend(f"{'I' if number else 'B'}-{kind}" if kind else "O" for number in range(len(found)))
    return Tagged(tuple(tokens), tuple(tags))


def _entry(splits: dict[str, list[Tagged]]) -> KitEntry:
    named = sum(any(tag != "O" for tag in row.tags) for row in splits["test"])
    return KitEntry(
        id="kit:ner-news",
        kind="dataset",
        library="datasets",
        title="Persons, places, organizations",
        description=(
            "English sentences in the style of news, as tokens with labels in the BIO scheme: persons (PER), places "
            "(LOC), organizations (ORG). The training sentences are built: names in templates, and WordNet's glosses. "
            "The test sentences were written and labelled one by one; nothing in them is built."
        ),
        tasks=("token-classification",),
        license="LicenseRef-WordNet",
        license_file="LICENSE",
        attribution="The Studio project; names and glosses from WordNet 3.1, Princeton University.",
        sources=(
            Source(name=WORDNET.requirement, sha256=WORDNET.sha256, license=wordnet.LICENSE, use="names, glosses"),
        ),
        built_by="studio.starter.build.text.ner_news",
        seed=SEED,
        versions=writing.versions("pyarrow"),
        labels=LABELS,
        splits={name: len(rows) for name, rows in splits.items()},
        quality={
            "named": Quality(
                value=round(named / len(splits["test"]), 4),
                split="test",
                n=len(splits["test"]),
                note="share of the sentences that hold a name",
            )
        },
    )


BUILDER = Builder("kit:ner-news", 1, build, tables.first_row, measure)
