"""An extra of the starter kit added from outside: a data set made from one small wheel."""

import hashlib
from pathlib import Path

from studio.starter import fetch
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.kit import Extra, KitEntry
from studio.starter.wheels import Wheel

CONTENT = b"toys for everybody\n" * 100_000
WHEEL = Wheel("toy-words", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def build(out: Path) -> KitEntry:
    lines = fetch.wheel(WHEEL, out).read_text().splitlines()[:20]
    with writing.new_folder(out, "toy-extra") as folder:
        tables.write_split({"text": lines, "label": ["toy"] * len(lines)}, folder / "train.parquet")
        (folder / "LICENSE").write_text("Do with it what you like. " * 10)
    return writing.record(out, entry())


def entry() -> KitEntry:
    return KitEntry(
        id="kit:toy-extra",
        kind="dataset",
        library="datasets",
        tier="extra",
        extra=Extra(wheels=(WHEEL,)),
        title="Toy words",
        description="The same line again and again.",
        tasks=("text-classification",),
        license="CC0-1.0",
        license_file="LICENSE",
        attribution="Nobody.",
        sources=(),
        built_by="toy_builder",
        seed=1,
        versions={},
        splits={"train": 20},
    )


def measure(made: KitEntry, rows: int) -> dict[str, float]:
    return {}


BUILDER = Builder("kit:toy-extra", 1, build, tables.first_row, measure, tier="extra")
