"""Where the search indexes of a data set lie: one folder per state of its files, column choice and kind.

A folder is made beside its place and renamed when it is whole, so a half-made index is never searched; the half-made
one keeps its place, and whoever builds it again goes on there.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from studio.core.settings import Settings
from studio.data.records import Dataset

Kind = Literal["words", "meaning"]
FOLDER, META = "indexes", "index.json"
FORMAT = 1  # counted up when an older index could not be read any more


@dataclass(frozen=True)
class Index:
    """A finished index.

    Attributes:
        columns: whose texts were taken, in this order.
        rows: how many rows it holds, from the first on.
        model: who made the vectors, "" for words.
    """

    kind: Kind
    split: str
    columns: tuple[str, ...]
    rows: int
    model: str = ""
    model_revision: str = ""


def place(dataset: Dataset, split: str, columns: Sequence[str], kind: Kind, settings: Settings) -> Path:
    """The folder of an index, whether it is there or not; it differs as soon as the files do."""
    told = json.dumps([FORMAT, dataset.fingerprint(), split, list(columns), kind])
    return settings.home / "datasets" / FOLDER / hashlib.sha256(told.encode()).hexdigest()[:32]


def building(folder: Path) -> Path:
    """Where the index is made that will lie in `folder`."""
    return folder.with_name(f".{folder.name}.building")


def finish(folder: Path, index: Index) -> None:
    """Put the index that was built into its place."""
    made = building(folder)
    (made / META).write_text(json.dumps(asdict(index)), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    made.rename(folder)


def load(folder: Path) -> Index | None:
    """What is known of a finished index; None when there is none."""
    try:
        known = json.loads((folder / META).read_text(encoding="utf-8"))
        return Index(**{**known, "columns": tuple(known["columns"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
