"""Large files of the Hub, brought here piece by piece: a download that was cut, or killed, goes on where it stopped.

The Hub's own library begins such a file anew. Who may read a file is not decided here.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from studio.core.errors import HubError, InvalidInput, JobCancelled
from studio.core.settings import Settings
from studio.data import indexes, room
from studio.data.blocks import BLOCK, LONGEST
from studio.data.content import MEGABYTE
from studio.data.room import Room
from studio.hub import datasets as hub
from studio.hub import downloads, following, repos, session
from studio.hub.datasets import HubFile, Listing

PIECE = LONGEST * BLOCK  # bytes that come in one request
PART = ".part"


def here(listing: Listing, files: Sequence[HubFile], settings: Settings) -> bool:
    """Whether all of these files of a data set at a commit were brought here."""
    folder = _folder(listing, settings)
    return all((folder / file.path).is_file() for file in files)


def bring(listing: Listing, files: Sequence[HubFile], settings: Settings) -> Path:
    """The folder in which the files lie by their names; whoever follows downloads is told, and can stop it.

    Raises:
        InvalidInput: at "dataset", they are larger than what is downloaded here.
        HubError, HubUnreachable: the Hub did not answer, or gave other bytes than it had promised.
        JobCancelled: whoever follows said so.
    """
    size = sum(file.size for file in files)
    downloads.check_size("dataset", listing.repo_id, size, settings)
    folder, count = _folder(listing, settings), following.count(size)

    def check() -> None:
        if count and count.look():
            raise JobCancelled

    with indexes.alone(folder, check):
        for file in files:
            for length in _fetched(listing, file, _inside(folder, file), settings, count.look if count else None):
                if count:
                    count.bytes += length
                check()
    room.used(folder)
    Room(folder.parent, settings.max_prepared_mb * MEGABYTE).trim()
    return folder


def _fetched(
    listing: Listing, file: HubFile, target: Path, settings: Settings, stopped: Callable[[], bool] | None
) -> Iterator[int]:
    """Complete one file; how many bytes each piece has brought, first what is here already."""
    if target.is_file():
        yield file.size
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part, read = target.with_name(target.name + PART), hub.reader(listing, file.path, settings)
    with part.open("ab") as sink:
        yield sink.tell()
        while (start := sink.tell()) < file.size:
            stop = min(start + PIECE, file.size)
            deadline = repos.transfer_deadline(settings, stop - start)
            doing = f"downloading {listing.repo_id}"
            sink.write(session.ask(partial(read, start, stop), deadline, doing, listing.repo_id, stopped))
            sink.flush()
            yield stop - start
    if part.stat().st_size != file.size or (file.sha256 and _digest(part) != file.sha256):
        part.unlink()
        raise HubError(f"{file.path} of {listing.repo_id} did not come as the Hub describes it. Try again.")
    part.replace(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(listing: Listing, settings: Settings) -> Path:
    name = hashlib.sha256(f"{listing.repo_id}@{listing.sha}".encode()).hexdigest()[:32]
    return settings.home / "datasets" / "whole" / name


def _inside(folder: Path, file: HubFile) -> Path:
    """Where a file lies; raises `InvalidInput` for a name that leads elsewhere."""
    target = folder / file.path
    if ".." in target.parts or not target.is_relative_to(folder):
        raise InvalidInput("dataset", file.path, "No file of a data set may be called so.")
    return target
