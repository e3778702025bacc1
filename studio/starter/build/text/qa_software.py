"""`kit:qa-software`: questions about short texts, and where in the text the answer stands. Data only, SQuAD's form.

Training questions are made by rule: from turns of phrase in descriptions of Debian packages, and from WordNet's
people and places. That is artificial. The test is not: its questions were written for it, about packages that no
training text comes from.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import DebianRelease, Description, fetch_debian
from studio.starter.build.text import wordnet
from studio.starter.build.text.debian_topics import RELEASE, SENTENCE_END, SHA256
from studio.starter.build.text.question_forms import HINTS, PATTERNS
from studio.starter.build.text.wordnet import PERSON, PLACE, WORDNET, Noun
from studio.starter.kit import KitEntry, Quality, Source

SEED = 20
SIZES = {"train": 6000, "validation": 400}
FROM_WORDNET = 0.3
PER_PATTERN = 700  # rows, so that no turn of phrase rules the rest
LONGEST = 420  # characters of a context
WRITTEN = Path(__file__).with_name("written") / "qa.txt"


@dataclass(frozen=True)
class Row:
    """One question; `answers` are all that count as right, and all stand in the context word for word."""

    context: str
    question: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]
    source: str


def build(out: Path) -> KitEntry:
    """Fetch, ask and write; half a minute."""
    release = fetch_debian(RELEASE, SHA256)
    nouns, terms = wordnet.fetch()
    test = written(release.descriptions, WRITTEN.read_text(encoding="utf-8").splitlines())
    splits = {**make_splits(release.descriptions, nouns, {row.source for row in test}), "test": test}
    with writing.new_folder(out, "qa-software") as folder:
        for name, rows in splits.items():
            tables.write_split(columns(rows), folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(_terms(release) + "\n" + terms, encoding="utf-8")
    return writing.record(out, _entry(release, splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Mean length of a right answer in words, on the test split."""
    answers = tables.read_split(entry.path, "test")["answers"][:rows]
    return {"answer_words": sum(len(one["text"][0].split()) for one in answers) / len(answers)}


def columns(rows: Sequence[Row]) -> dict[str, list[object]]:
    """SQuAD's columns, and the package or the entry that the text comes from."""
    return {
        "id": [f"{row.source}-{place}" for place, row in enumerate(rows)],
        "context": [row.context for row in rows],
        "question": [row.question for row in rows],
        "answers": [{"text": list(row.answers), "answer_start": list(row.starts)} for row in rows],
        "source": [row.source for row in rows],
    }


def make_splits(
    descriptions: Iterable[Description], nouns: Iterable[Noun], kept_away: set[str]
) -> dict[str, list[Row]]:
    """Rows of training and validation; a source package or an entry of WordNet stands in one of them only."""
    choice = random.Random(SEED)  # noqa: S311  not a secret
    software, general = software_rows(descriptions, kept_away, choice), general_rows(nouns, choice)
    choice.shuffle(software)
    choice.shuffle(general)
    splits: dict[str, list[Row]] = {}
    taken: set[str] = set()
    for name, size in reversed(SIZES.items()):
        many = int(FROM_WORDNET * size)
        rows = [*[row for row in software if row.source not in taken][: size - many]]
        rows += [row for row in general if row.source not in taken][:many]
        taken |= {row.source for row in rows}
        choice.shuffle(rows)
        splits[name] = rows
    return {name: splits[name] for name in SIZES}


def written(descriptions: Iterable[Description], lines: Iterable[str]) -> list[Row]:
    """The test's questions with the descriptions that they ask about; raises `ValueError` for a missing answer."""
    texts = {one.package: (one.source, " ".join(one.paragraphs)) for one in descriptions}
    rows = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        package, question, *answers = (part.strip() for part in line.split(" | "))
        source, context = texts[package]
        starts = [context.find(answer) for answer in answers]
        if min(starts) < 0:
            raise ValueError(f"An answer to {question!r} does not stand in the description of {package}.")
        rows.append(Row(context, question, tuple(answers), tuple(starts), source))
    return rows


def software_rows(descriptions: Iterable[Description], kept_away: set[str], choice: random.Random) -> list[Row]:
    """Questions made from turns of phrase, at most two a source package."""
    seen: Counter[str] = Counter()
    per_pattern: Counter[int] = Counter()
    rows = []
    for one in sorted(descriptions, key=lambda one: (len(one.package), one.package)):
        context = shorten(one.paragraphs)
        if one.source in kept_away or seen[one.source] >= 2 or len(context) < 80 or "http" in context:
            continue
        found = [(number, row) for number, row in questions(one.package, one.source, context, choice)]
        found = [pair for pair in found if per_pattern[pair[0]] < PER_PATTERN]
        for number, row in sorted(found, key=lambda pair: per_pattern[pair[0]])[: 2 - seen[one.source]]:
            per_pattern[number] += 1
            seen[one.source] += 1
            rows.append(row)
    return rows


def shorten(paragraphs: Iterable[str]) -> str:
    """Whole sentences while they fit into `LONGEST`."""
    text = ""
    for sentence in SENTENCE_END.split(" ".join(paragraphs)):
        if text and len(text) + 1 + len(sentence) > LONGEST:
            break
        text = f"{text} {sentence}".strip()
    return text if len(text) <= LONGEST else ""


def questions(package: str, source: str, context: str, choice: random.Random) -> list[tuple[int, Row]]:
    """(number of the pattern, row) for what can be asked about the text."""
    rows = []
    subjects = (package, package, "it", "this package", "the program", "the library", "the tool")
    for number, (pattern, forms) in enumerate(PATTERNS):
        match = re.search(pattern, context)
        if match is None:
            continue
        groups = match.groupdict()
        hint = next((word for word in HINTS if word in groups["answer"].lower()), "tools")
        name = groups.get("name") or ""
        if name.lower() in {"it", "this", "that", "there", "which", "they", "these", "package", "library"}:
            name = package
        slots = {
            "name": name or package,
            "subject": choice.choice(subjects),
            "hint": groups.get("hint") or f"{hint}".removesuffix("s") + ("s" if "are supported" in forms[-1] else ""),
            "name_or_subject": package,
        }
        answer, start = groups["answer"].strip(), match.start("answer")
        rows.append((number, Row(context, choice.choice(forms).format(**slots), (answer,), (start,), source)))
    return rows


def general_rows(nouns: Iterable[Noun], choice: random.Random) -> list[Row]:
    """Who, when, where and what, about texts of three of WordNet's people or places each."""
    facts = [fact for noun in nouns if (fact := _fact(noun)) is not None]
    choice.shuffle(facts)
    rows = []
    for start in range(0, len(facts) - 2, 3):
        three = facts[start : start + 3]
        text, asked = " ".join(fact[0] for fact in three), choice.randrange(3)
        offset = sum(len(fact[0]) + 1 for fact in three[:asked])
        question, answer, inside = choice.choice(three[asked][1])
        rows.append(Row(text, question, (answer,), (offset + inside,), f"wordnet-{start // 3}"))
        other = (asked + 1) % 3
        offset = sum(len(fact[0]) + 1 for fact in three[:other])
        question, answer, inside = choice.choice(three[other][1])
        rows.append(Row(text, question, (answer,), (offset + inside,), f"wordnet-{start // 3}"))
    return rows


def _fact(noun: Noun) -> tuple[str, list[tuple[str, str, int]]] | None:
    """A sentence, and (question, answer, where it begins) about it."""
    name = noun.words[-1]
    gloss = noun.gloss.partition(";")[0]
    if not noun.instance_of or noun.file not in {PERSON, PLACE} or not name.isascii() or len(gloss) > 170:
        return None
    years = re.search(r" \((\d{3,4})-(\d{3,4})\)", gloss)
    plain = re.sub(r" ?\([^)]*\)", "", gloss).strip()
    if len(plain) < 15 or " " not in plain or plain.startswith(("in ", "on ", "of ", "nickname")):
        return None
    article = "" if re.match(r"(a|an|the|one|any) ", plain) else "an " if plain[0] in "AEIOUaeiou" else "a "
    verb = "was" if noun.file == PERSON else "is"
    text = f"{name} {verb} {article}{plain}."
    about = text[len(f"{name} {verb} ") : -1]
    asked = [(f"{'Who was' if verb == 'was' else 'What is'} {name}?", about, len(f"{name} {verb} "))]
    if years:
        for word, year, form in (("born", years[1], "{0} was born in {1}"), ("died", years[2], "{0} died in {1}")):
            sentence = form.format(choice_pronoun(name), year) + "."
            question = f"When {'was ' if word == 'born' else 'did '}{name} {'born' if word == 'born' else 'die'}?"
            asked.append((question, year, len(text) + 1 + sentence.index(year)))
            text = f"{text} {sentence}"
    who = re.search(r" who (\w+ [^,.]{6,60})$", plain)
    if who and noun.file == PERSON:
        asked.append((f"Who {who[1]}?", name, 0))
    place = re.search(r" (?:in|of|on) ((?:[a-z]+ )?[A-Z]\w+(?: [A-Z]\w+)*)", about)
    if place and noun.file == PLACE:
        asked.append((f"Where is {name}?", place[1], len(f"{name} {verb} ") + place.start(1)))
    return text, asked


def choice_pronoun(name: str) -> str:
    """How the sentence on the years names the person: by the last name."""
    return name.split()[-1]


def _terms(release: DebianRelease) -> str:
    return (
        f"Contexts are package descriptions of Debian {release.version} ({release.codename}), main, shortened.\n"
        "They were written by each package's maintainers and stand under the terms of that package's\n"
        "debian/copyright file, free in the sense of the Debian Free Software Guidelines; the column `source` names\n"
        "the source package. Rows whose source begins with `wordnet-` are made of WordNet; its licence follows.\n"
        "Questions, selection and splits were made by the Studio project, Apache-2.0.\n"
    )


def _entry(release: DebianRelease, splits: Mapping[str, Sequence[Row]]) -> KitEntry:
    words = sum(len(row.answers[0].split()) for row in splits["test"]) / len(splits["test"])
    return KitEntry(
        id="kit:qa-software",
        kind="dataset",
        library="datasets",
        title="Questions about software",
        description=(
            "Short English texts, a question on each, and where the answer stands in the text: SQuAD's columns. The "
            "training questions are made by rule from turns of phrase (artificial, and sometimes clumsy); the test's "
            "were written one by one, about software that no other split has."
        ),
        tasks=("question-answering",),
        license="LicenseRef-Debian-descriptions-and-WordNet",
        license_file="LICENSE",
        attribution="The maintainers of the Debian packages in the column `source`; WordNet, Princeton University.",
        sources=(
            Source(
                name=f"Debian {release.version} ({release.codename}) main, Packages and Translation-en",
                sha256=release.sha256,
                license="each package's own free licence",
                use="texts",
            ),
            Source(name=WORDNET.requirement, sha256=WORDNET.sha256, license=wordnet.LICENSE, use="texts"),
        ),
        built_by="studio.starter.build.text.qa_software",
        seed=SEED,
        versions=writing.versions("pyarrow"),
        splits={name: len(rows) for name, rows in splits.items()},
        quality={
            "answer_words": Quality(
                value=round(words, 4),
                split="test",
                n=len(splits["test"]),
                note="mean length of the first right answer, in words",
                band=0.5,
            )
        },
    )


BUILDER = Builder("kit:qa-software", 1, build, tables.first_row, measure)
