"""`kit:debian-topics`: what a Debian package is about, told from its description. Data only, no model.

A label is a group of archive sections. Sections that name a language or a form (libs, python, doc, utils …) are
left out: they do not say what a package is about.
"""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import DebianRelease, Description, fetch_debian
from studio.starter.kit import KitEntry, Quality, Source

RELEASE = "bookworm"
SHA256 = "009c7e52a80d41c9057a14b672677761d8309de61bf1e8c05a8d4e8985d35ed3"
SEED = 20
TOPICS = {
    "audio and video": ("sound", "video"),
    "development tools": ("devel", "vcs", "debug"),
    "games": ("games",),
    "graphics": ("graphics",),
    "mail": ("mail", "news"),
    "networking": ("net",),
    "science": ("science", "math"),
    "system administration": ("admin", "kernel", "shells"),
    "text and documents": ("text", "editors", "tex"),
    "web": ("web", "httpd"),
}
SIZES = {"train": 4000, "validation": 500, "test": 1000}
LONGEST = 300  # characters; about 50 word pieces, so that a CPU trains in minutes
SHORTEST = 60
PER_SOURCE = 2  # descriptions of one source package resemble each other
NEAR = 0.5  # Jaccard similarity of word trigrams from which two descriptions count as one family
FORM = re.compile(r"-(dev|dbg|doc|docs|data|common|headers|source|locale|l10n|i18n|examples|all|artwork|themes?|logo)$")
FORM_IN_TITLE = re.compile(
    r"\b(transitional|dummy|dependency package|metapackage|meta-package|development (files|headers)|documentation"
    r"|debug(ging)? symbols|data files|header files|shared librar(y|ies)|runtime librar(y|ies)|translations?)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")


@dataclass(frozen=True)
class Row:
    """One example, and the source package that decides its split."""

    text: str
    label: str
    package: str
    source: str


def build(out: Path) -> KitEntry:
    """Fetch, select, split and write the data set; a few seconds."""
    release = fetch_debian(RELEASE, SHA256)
    splits = split(select(release.descriptions))
    with writing.new_folder(out, "debian-topics") as folder:
        for name, rows in splits.items():
            columns = {column: [getattr(row, column) for row in rows] for column in ("text", "label", "package")}
            tables.write_split(columns, folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(_terms(release), encoding="utf-8")
    return writing.record(out, _entry(release, splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The baseline anew."""
    labels = tables.read_split(entry.path, "test")["label"][:rows]
    return {"majority_accuracy": max(Counter(labels).values()) / len(labels)}


def select(descriptions: Iterable[Description]) -> list[Row]:
    """The rows that say what their package is about, without doubles."""
    topic = {section: label for label, sections in TOPICS.items() for section in sections}
    rows: dict[str, Row] = {}
    per_source: Counter[str] = Counter()
    for one in sorted(descriptions, key=lambda one: (len(one.package), one.package)):
        text = as_text(one)
        fits = one.section in topic and len(text) >= SHORTEST and per_source[one.source] < PER_SOURCE
        if not fits or FORM.search(one.package) or FORM_IN_TITLE.search(one.title):
            continue
        if text.casefold() not in rows:
            rows[text.casefold()] = Row(text, topic[one.section], one.package, one.source)
            per_source[one.source] += 1
    return sorted(rows.values(), key=lambda row: row.package)


def as_text(description: Description) -> str:
    """The title as a sentence, then whole sentences of the long description while they fit into `LONGEST`."""
    title = description.title.rstrip(" .")
    text = title[:1].upper() + title[1:] + "."
    for sentence in (part for paragraph in description.paragraphs for part in SENTENCE_END.split(paragraph)):
        if len(text) + 1 + len(sentence) > LONGEST:
            break
        if sentence and not sentence.endswith(":"):  # opens a list, which is left out
            text = f"{text} {sentence}"
    return " ".join(text.split())


def split(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Splits of `SIZES`, even over the labels as far as they have rows; a family stays in one split.

    A family is every row of a source package, together with every near double of one of them.
    """
    families: dict[int, list[Row]] = defaultdict(list)
    for row, family in zip(rows, families_of(rows), strict=True):
        families[family].append(row)
    shuffled = sorted(
        families.values(), key=lambda family: hashlib.sha256(f"{SEED}{family[0].package}".encode()).digest()
    )
    available = Counter(row.label for row in rows)
    splits: dict[str, list[Row]] = {}
    for name in ("test", "validation", "train"):
        wanted = even_shares(available, SIZES[name] / sum(SIZES.values()), SIZES[name])
        splits[name], shuffled = _take(shuffled, wanted)
    return {name: _shuffle(splits[name]) for name in SIZES}


def even_shares(available: Mapping[str, int], fraction: float, total: int) -> dict[str, int]:
    """Rows per label that add up to about `total`: equal shares, but never more than its fraction of a label."""
    low, high = 0, total
    caps = {label: int(count * fraction) for label, count in available.items()}
    while low < high:
        middle = (low + high + 1) // 2
        enough = sum(min(cap, middle) for cap in caps.values()) <= total
        low, high = (middle, high) if enough else (low, middle - 1)
    return {label: min(cap, low) for label, cap in caps.items()}


def families_of(rows: Sequence[Row]) -> list[int]:
    """A family number per row: rows of one source package, and near doubles by word trigrams, are joined."""
    parent = list(range(len(rows)))

    def find(item: int) -> int:
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    first_of_source: dict[str, int] = {}
    grams = [trigrams(row.text) for row in rows]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        parent[find(index)] = find(first_of_source.setdefault(row.source, index))
        shared = Counter(other for gram in grams[index] for other in holders[gram])
        for other, count in shared.items():
            if count / (len(grams[index]) + len(grams[other]) - count) >= NEAR:
                parent[find(index)] = find(other)
        for gram in grams[index]:
            holders[gram].append(index)
    return [find(index) for index in range(len(rows))]


def trigrams(text: str) -> set[str]:
    """What near doubles are told by: runs of three words, or all of a shorter text."""
    words = re.findall(r"\w+", text.casefold())
    return {" ".join(words[start : start + 3]) for start in range(max(1, len(words) - 2))}


def _take(families: Sequence[list[Row]], wanted: Mapping[str, int]) -> tuple[list[Row], list[list[Row]]]:
    """Rows of whole families until every label has what is wanted, and the families that are left."""
    missing, taken, left = dict(wanted), [], []
    for family in families:
        need = Counter(row.label for row in family)
        if all(count <= missing[label] for label, count in need.items()):
            taken.extend(family)
            missing = {label: count - need[label] for label, count in missing.items()}
        else:
            left.append(family)
    return taken, left


def _shuffle(rows: list[Row]) -> list[Row]:
    return random.Random(SEED).sample(rows, len(rows))  # noqa: S311  not a secret


def _terms(release: DebianRelease) -> str:
    return (
        f"The texts are package descriptions of Debian {release.version} ({release.codename}), component main,\n"
        "shortened. They were written by each package's maintainers and, as a part of debian/control, stand under\n"
        "the terms of that package's debian/copyright file, free in the sense of the Debian Free Software Guidelines;\n"
        "the column `package` names the package that each text belongs to. On a Debian system the terms lie in\n"
        "/usr/share/doc/PACKAGE/copyright. No single licence covers all rows, and none is claimed here.\n"
        "The selection, the labels and the splits were made by the Studio project, Apache-2.0.\n"
    )


def _entry(release: DebianRelease, splits: Mapping[str, Sequence[Row]]) -> KitEntry:
    test = Counter(row.label for row in splits["test"])
    longest = max(len(row.text) for rows in splits.values() for row in rows)
    majority = Quality(
        value=round(max(test.values()) / test.total(), 4),
        split="test",
        n=test.total(),
        note="accuracy of the largest class",
    )
    return KitEntry(
        id="kit:debian-topics",
        kind="dataset",
        library="datasets",
        title="Debian topics",
        description=(
            f"English software descriptions and what the software is for: {len(TOPICS)} topics, up to {longest} "
            "characters each. Labels are the archive's own sections, merged; where two fit, the archive chose one. "
            "No source package, and no near double, stands in two splits."
        ),
        tasks=("text-classification",),
        license="LicenseRef-Debian-descriptions",
        license_file="LICENSE",
        attribution="The maintainers of the Debian packages named in the column `package`.",
        sources=(
            Source(
                name=f"Debian {release.version} ({release.codename}) main, Packages and Translation-en",
                sha256=release.sha256,
                license="each package's own free licence",
                use="titles, descriptions and sections",
            ),
        ),
        built_by="studio.starter.build.text.debian_topics",
        seed=SEED,
        versions=writing.versions("pyarrow"),
        labels=tuple(sorted(test)),
        splits={name: len(rows) for name, rows in splits.items()},
        quality={"majority_accuracy": majority},
    )


BUILDER = Builder("kit:debian-topics", 1, build, tables.first_row, measure)
