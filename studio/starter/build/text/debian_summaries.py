"""`kit:debian-summaries`: Debian's package descriptions and the one line that sums each up. Data only, no model."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import DebianRelease, Description, fetch_debian
from studio.starter.build.text import scores
from studio.starter.build.text.debian_topics import FORM, FORM_IN_TITLE, RELEASE, SENTENCE_END, SHA256
from studio.starter.build.text.held_out import SEED, split_of, without_doubles
from studio.starter.kit import KitEntry, Quality, Source

SIZES = {"train": 5000, "validation": 300, "test": 1000}
SHORTEST, LONGEST = 100, 400  # characters of a description
SHORTEST_LINE, LONGEST_LINE = 15, 70  # characters of a summary
PER_SOURCE = 3  # descriptions of one source package resemble each other


@dataclass(frozen=True)
class Row:
    """A description, its one-line summary, and the package that both stand in."""

    text: str
    summary: str
    package: str
    source: str


def build(out: Path) -> KitEntry:
    """Fetch, select, split and write the data set; half a minute."""
    release = fetch_debian(RELEASE, SHA256)
    chosen = {name: rows[: SIZES[name]] for name, rows in split(select(release.descriptions)).items()}
    with writing.new_folder(out, "debian-summaries") as folder:
        for name, rows in chosen.items():
            columns = {column: [getattr(row, column) for row in rows] for column in ("text", "summary", "package")}
            tables.write_split(columns, folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(_terms(release), encoding="utf-8")
    return writing.record(out, _entry(release, chosen))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The baseline anew."""
    test = tables.read_split(entry.path, "test")
    cut = [lead(text, summary) for text, summary in zip(test["text"][:rows], test["summary"][:rows], strict=True)]
    return {"lead_rouge1": scores.rouge(cut, test["summary"][:rows])["rouge1"]}


def select(descriptions: Iterable[Description]) -> list[Row]:
    """The rows whose description says more than its title; each text once, few of a source package."""
    rows: dict[str, Row] = {}
    per_source: Counter[str] = Counter()
    for one in sorted(descriptions, key=lambda one: (len(one.package), one.package)):
        if FORM.search(one.package) or FORM_IN_TITLE.search(one.title) or per_source[one.source] == PER_SOURCE:
            continue
        text, summary = prose(one), one.title.rstrip(" .")
        fair = len(text) >= SHORTEST and SHORTEST_LINE <= len(summary) <= LONGEST_LINE
        if fair and text.casefold() not in rows:
            rows[text.casefold()] = Row(text, summary[:1].upper() + summary[1:], one.package, one.source)
            per_source[one.source] += 1
    return list(rows.values())


def prose(description: Description) -> str:
    """Whole sentences of the long description while they fit into `LONGEST`; none that holds an address."""
    text = ""
    for sentence in (part for paragraph in description.paragraphs for part in SENTENCE_END.split(paragraph)):
        if len(text) + 1 + len(sentence) > LONGEST:
            break
        if sentence and not sentence.endswith(":") and "://" not in sentence:
            text = f"{text} {sentence}"
    return " ".join(text.split())


def split(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """All rows by split, shuffled: no source package stands in two, nor does a held-out text's near double."""
    by_split: dict[str, list[Row]] = {name: [] for name in SIZES}
    for row in sorted(rows, key=lambda row: hashlib.sha256(f"{SEED}{row.package}".encode()).digest()):
        by_split[split_of(row.source)].append(row)
    seen = by_split["train"]
    for name in ("validation", "test"):
        kept = by_split[name]
        for column in ("text", "summary"):
            places = without_doubles([getattr(row, column) for row in kept], [getattr(row, column) for row in seen])
            kept = [kept[place] for place in places]
        by_split[name] = kept
        seen = [*seen, *kept]
    return by_split


def lead(text: str, summary: str) -> str:
    """The trivial summary: the first words of the text, as many as the true summary has."""
    return " ".join(text.split()[: len(summary.split())])


def _terms(release: DebianRelease) -> str:
    return (
        f"The texts are package descriptions of Debian {release.version} ({release.codename}), component main,\n"
        "shortened. They were written by each package's maintainers and, as a part of debian/control, stand under\n"
        "the terms of that package's debian/copyright file, free in the sense of the Debian Free Software Guidelines;\n"
        "the column `package` names the package that each text belongs to. On a Debian system the terms lie in\n"
        "/usr/share/doc/PACKAGE/copyright. No single licence covers all rows, and none is claimed here.\n"
        "The selection and the splits were made by the Studio project, Apache-2.0.\n"
    )


def _entry(release: DebianRelease, splits: Mapping[str, Sequence[Row]]) -> KitEntry:
    test = splits["test"]
    leads = scores.rouge([lead(row.text, row.summary) for row in test], [row.summary for row in test])
    return KitEntry(
        id="kit:debian-summaries",
        kind="dataset",
        library="datasets",
        title="Debian summaries",
        description=(
            f"English software descriptions of up to {LONGEST} characters and the one line that their maintainers sum "
            "each up with. No source package, and no near double of a held-out text, stands in two splits."
        ),
        tasks=("summarization",),
        license="LicenseRef-Debian-descriptions",
        license_file="LICENSE",
        attribution="The maintainers of the Debian packages named in the column `package`.",
        sources=(
            Source(
                name=f"Debian {release.version} ({release.codename}) main, Packages and Translation-en",
                sha256=release.sha256,
                license="each package's own free licence",
                use="titles and descriptions",
            ),
        ),
        built_by="studio.starter.build.text.debian_summaries",
        seed=SEED,
        versions=writing.versions("pyarrow"),
        splits={name: len(rows) for name, rows in splits.items()},
        quality={
            "lead_rouge1": Quality(
                value=round(leads["rouge1"], 4),
                split="test",
                n=len(test),
                note="ROUGE-1 F1 of the text's first words, as many as the true summary has",
                band=0.05,
            )
        },
    )


BUILDER = Builder("kit:debian-summaries", 1, build, tables.first_row, measure)
