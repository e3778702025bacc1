"""What the tests of the checks share: a check's finding, small tables, and random documents."""

import random
from typing import Any

import pyarrow as pa

from studio.data.checks import CHECKS
from studio.data.checks.base import Finding
from studio.data.records import Dataset

SCHEMA = pa.schema([("t", pa.string()), ("n", pa.int32())])
Row = tuple[str | None, int | None]


def table(rows: list[Row]) -> pa.Table:
    return pa.table([[t for t, _ in rows], [n for _, n in rows]], schema=SCHEMA)


def found(dataset: Dataset, name: str, **values: Any) -> Finding:
    check = CHECKS[name]
    finding: Finding = check.run(dataset, check.params(**values), lambda *_: None, lambda: None)
    return finding


def documents(count: int, seed: int = 0) -> list[str]:
    chosen = random.Random(seed)
    words = ["".join(chosen.choices("abcdefghijklmnop", k=chosen.randrange(3, 9))) for _ in range(800)]
    return [" ".join(chosen.choices(words, k=25)) for _ in range(count)]
