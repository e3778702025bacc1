"""Where the search indexes of a data set lie: one folder per state of its files, column choice and kind.

A folder is made beside its place and renamed when it is whole, so a half-made index is never searched; the half-made
one keeps its place, and whoever builds it again goes on there. Two never build the same one at the same time.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from studio.core.settings import Settings
from studio.data import room
from studio.data.content import MEGABYTE
from studio.data.records import Dataset
from studio.data.room import Room

Kind = Literal["words", "meaning"]
FOLDER, META = "indexes", "index.json"
FRESH = 60  # seconds for which an index stays that was used: a search may be under way
POLL = 0.5  # seconds between two looks at whether to go on waiting
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


@contextmanager
def alone(folder: Path, check: Callable[[], None]) -> Iterator[None]:
    """The right to make what will lie in `folder`; `check` is called while another has it, and may raise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), mode=0o600)
    while True:
        check()
        try:
            lock.acquire(timeout=POLL)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def finish(folder: Path, index: Index, settings: Settings) -> None:
    """Put the index that was built into its place, and make room for it."""
    made = building(folder)
    (made / META).write_text(json.dumps(asdict(index)), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    made.rename(folder)
    Room(folder.parent, settings.max_prepared_mb * MEGABYTE, FRESH).trim()


def load(folder: Path) -> Index | None:
    """What is known of a finished index; None when there is none."""
    try:
        known = json.loads((folder / META).read_text(encoding="utf-8"))
        found = Index(**{**known, "columns": tuple(known["columns"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    room.used(folder)
    return found
