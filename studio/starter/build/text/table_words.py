"""What the made-up tables of `kit:tables` consist of: a file of words and forms, and names from the kit's data sets."""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter import kit
from studio.starter.build import tables

FILE = Path(__file__).with_name("written") / "table_words.txt"
BASE, NEWS, EMOJI, SOFTWARE = "kit:minilm-l6", "kit:ner-news", "kit:emoji", "kit:debian-topics"
KINDS = {"PER": "person", "LOC": "place", "ORG": "group"}
LONGEST = 24  # characters of a name
HELD_OUT = 6  # one name of so many is kept for measuring
SEED = 20

Block = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Words:
    """What one side, training or measuring, makes its tables of.

    Attributes:
        subjects: what a table's rows may be: "subject" (singular and plural) and "of", the kind of their names.
        measures: columns of numbers: headers, "range", "unit", and how one asks for them.
        categories: columns of words: headers, "values" (or the kind of names), and how one asks for them.
        forms: templates of questions by name.
        names: names by kind.
    """

    subjects: tuple[Block, ...]
    measures: tuple[Block, ...]
    categories: tuple[Block, ...]
    forms: Block
    names: Mapping[str, Sequence[str]]


def load(out: Path, unseen: bool) -> Words:
    """The words to train with, or those that are kept for measuring: no subject, column, form or name is in both."""
    found = blocks(FILE.read_text(encoding="utf-8").splitlines())
    side = "unseen " if unseen else ""

    def of(kind: str) -> tuple[Block, ...]:
        return tuple({kind: block[side + kind], **block} for block in found if side + kind in block)

    forms = {block["forms"][0]: block["unseen" if unseen else "seen"] for block in found if "forms" in block}
    return Words(of("subject"), of("measure"), of("category"), forms, names(out, unseen))


def blocks(lines: Iterable[str]) -> list[dict[str, tuple[str, ...]]]:
    """Blocks of lines "name: part | part", parted by empty lines; "#" begins a comment."""
    found: list[dict[str, tuple[str, ...]]] = [{}]
    for line in lines:
        if not line.strip():
            found.append({})
        elif not line.startswith("#"):
            name, _, parts = line.partition(":")
            found[-1][name] = tuple(part.strip() for part in parts.split("|"))
    return [block for block in found if block]


def names(out: Path, unseen: bool) -> dict[str, list[str]]:
    """Names of persons, places, groups, things and software, and single words."""
    found = _from_news(kit.entry(NEWS, out).path)
    split = "test" if unseen else "train"
    found["thing"] = set(tables.read_split(kit.entry(EMOJI, out).path, split)["name"])
    found["software"] = set(tables.read_split(kit.entry(SOFTWARE, out).path, split)["package"])
    found["word"] = {piece for piece in vocabulary(out) if piece.isascii() and piece.isalpha() and len(piece) > 3}
    kept = {kind: sorted(name for name in some if len(name) < LONGEST) for kind, some in found.items()}
    for kind in (*KINDS.values(), "word"):  # the data sets of these have no names of their own for measuring
        random.Random(SEED).shuffle(kept[kind])  # noqa: S311  not a secret
        kept[kind] = [name for place, name in enumerate(kept[kind]) if (place % HELD_OUT == 0) == unseen]
    return kept


def vocabulary(out: Path) -> dict[str, int]:
    """Word pieces of the sentence encoder, the most frequent first."""
    file = kit.entry(BASE, out).path / "tokenizer.json"
    pieces: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
    return pieces


def _from_news(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for split in ("train", "validation"):
        columns = tables.read_split(folder, split)
        for tokens, tags in zip(columns["tokens"], columns["ner_tags"], strict=True):
            run: list[str] = []
            for token, tag in zip(reversed(tokens), reversed(tags), strict=True):
                run.insert(0, token)
                if tag.startswith("B-"):
                    found[KINDS[tag[2:]]].add(" ".join(run))
                if not tag.startswith("I-"):
                    run = []
    return found
