"""`kit:debian-translations`: sentences of Debian's package descriptions in English and Italian. Data only, no model."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import DebianTranslations, Translated, fetch_translations
from studio.starter.build.text.debian_topics import RELEASE, SENTENCE_END
from studio.starter.build.text.held_out import SEED, split_of, without_doubles
from studio.starter.kit import KitEntry, Quality, Source

LANGUAGE = "it"
SHA256 = "cc12bc66f317cc0b90896da03d70ef8d103b9c3161886d4abed059e13c0f0ce9"
SIZES = {"train": 8000, "validation": 300, "test": 1000}
SHORTEST, LONGEST = 12, 160  # characters
RATIO = 2.2  # of the longer to the shorter; beyond it the two do not say the same


@dataclass(frozen=True)
class Pair:
    """One sentence, or title, in both languages, and the package that it stands in."""

    en: str
    it: str
    package: str
    source: str


def build(out: Path) -> KitEntry:
    """Fetch, pair, split and write the data set; about a minute."""
    release = fetch_translations(RELEASE, LANGUAGE, SHA256)
    chosen = {name: rows[: SIZES[name]] for name, rows in split(pairs(release.descriptions)).items()}
    with writing.new_folder(out, "debian-translations") as folder:
        for name, rows in chosen.items():
            columns = {column: [getattr(row, column) for row in rows] for column in ("en", "it", "package")}
            tables.write_split(columns, folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(_terms(release), encoding="utf-8")
    return writing.record(out, _entry(release, chosen))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The baseline anew."""
    from studio.starter.build.text import scores

    test = tables.read_split(entry.path, "test")
    return {"copy_chrf": scores.chrf(test["en"][:rows], test["it"][:rows])}


def pairs(descriptions: Sequence[Translated]) -> list[Pair]:
    """Titles, and the sentences of paragraphs that have as many sentences in both languages; each pair once."""
    found: dict[tuple[str, str], Pair] = {}
    for one in descriptions:
        for en, it in aligned(one):
            if fits(en, it):
                found.setdefault((en.casefold(), it.casefold()), Pair(en, it, one.english.package, one.english.source))
    return list(found.values())


def aligned(one: Translated) -> list[tuple[str, str]]:
    """The title, then sentence by sentence where both sides have as many paragraphs and sentences."""
    both = [(one.english.title, one.title)]
    if len(one.english.paragraphs) == len(one.paragraphs):
        for en, it in zip(one.english.paragraphs, one.paragraphs, strict=True):
            here, there = SENTENCE_END.split(en), SENTENCE_END.split(it)
            if len(here) == len(there):
                both += zip(here, there, strict=True)
    return both


def fits(en: str, it: str) -> bool:
    """Whether the pair is a translation: of fair length on both sides, not the same text, no address in it."""
    shorter, longer = sorted((len(en), len(it)))
    fair = shorter >= SHORTEST and longer <= LONGEST and longer <= RATIO * shorter
    return fair and en.casefold() != it.casefold() and "://" not in en and "@" not in en


def split(rows: Sequence[Pair]) -> dict[str, list[Pair]]:
    """All pairs by split, shuffled: no source package stands in two, nor does a held-out sentence's near double.

    A sentence counts as held out only if neither its English nor its Italian resembles one of the other splits.
    """
    by_split: dict[str, list[Pair]] = {name: [] for name in SIZES}
    for row in sorted(rows, key=lambda row: hashlib.sha256(f"{SEED}{row.en}{row.it}".encode()).digest()):
        by_split[split_of(row.source)].append(row)
    seen = by_split["train"]
    for name in ("validation", "test"):
        kept = by_split[name]
        for side in ("en", "it"):
            places = without_doubles([getattr(row, side) for row in kept], [getattr(row, side) for row in seen])
            kept = [kept[place] for place in places]
        by_split[name] = kept
        seen = [*seen, *kept]
    return by_split


def _terms(release: DebianTranslations) -> str:
    return (
        f"The texts are package descriptions of Debian {release.version} ({release.codename}), component main, in\n"
        "English and in the Italian of the Debian Description Translation Project, cut into sentences. The English\n"
        "was written by each package's maintainers and, as a part of debian/control, stands under the terms of that\n"
        "package's debian/copyright file, free in the sense of the Debian Free Software Guidelines; the translations\n"
        "are offered under the terms of what they translate. The column `package` names the package that each pair\n"
        "belongs to. On a Debian system the terms lie in /usr/share/doc/PACKAGE/copyright. No single licence covers\n"
        "all rows, and none is claimed here.\n"
        "The selection, the alignment and the splits were made by the Studio project, Apache-2.0.\n"
    )


def _entry(release: DebianTranslations, splits: Mapping[str, Sequence[Pair]]) -> KitEntry:
    from studio.starter.build.text import scores

    test = splits["test"]
    copied = Quality(
        value=round(scores.chrf([row.en for row in test], [row.it for row in test]), 2),
        split="test",
        n=len(test),
        note="chrF2 of the English sentence left as it is",
        band=4.0,
    )
    return KitEntry(
        id="kit:debian-translations",
        kind="dataset",
        library="datasets",
        title="Debian translations, English–Italian",
        description=(
            "Sentences and titles of software descriptions in English and Italian, aligned by their place. The domain "
            "is software, nothing else. No source package, and no near double of a held-out sentence, stands in two "
            "splits."
        ),
        tasks=("translation",),
        license="LicenseRef-Debian-descriptions",
        license_file="LICENSE",
        attribution=(
            "The maintainers of the Debian packages named in the column `package`, and the Italian translators of the "
            "Debian Description Translation Project."
        ),
        sources=(
            Source(
                name=f"Debian {release.version} ({release.codename}) main, Packages, Translation-en, Translation-it",
                sha256=release.sha256,
                license="each package's own free licence",
                use="titles and descriptions",
            ),
        ),
        built_by="studio.starter.build.text.debian_translations",
        seed=SEED,
        versions=writing.versions("pyarrow", "sacrebleu"),
        splits={name: len(rows) for name, rows in splits.items()},
        quality={"copy_chrf": copied},
    )


BUILDER = Builder("kit:debian-translations", 1, build, tables.first_row, measure)
