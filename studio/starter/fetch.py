"""Fetching what an extra is made from: resumable, checked by sha256, with progress and a way to stop.

A wheel lies under `out`/.downloads once it is here; a cut leaves its beginning as `.part`, and the next try goes on.
"""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from studio.core.errors import Conflict, JobCancelled, StudioError
from studio.starter.wheels import IndexUnreachable, Place, SourceError, Wheel, locate

if TYPE_CHECKING:
    import httpx2

DOWNLOADS = ".downloads"
CHUNK = 256 * 1024  # bytes between two looks at the cancel flag
TRIES = 4  # in a row that bring not one new byte
PAUSE = 0.5  # seconds before the second try; doubled before each further one
SPARE = 50_000_000  # bytes of the disk that are left alone


class NoSpace(StudioError):
    """There is not enough room on the disk."""

    status = 507


class NotFetched(StudioError):
    """What was to be fetched could not be, and is not here from an earlier time."""

    status = 503


@dataclass(frozen=True)
class Watch:
    """Who looks on: `report(done, total, message)` counts bytes, `cancelled()` says whether to stop."""

    report: Callable[[int, int, str], None] = lambda *_: None
    cancelled: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """Raise `JobCancelled` when somebody asked to stop."""
        if self.cancelled():
            raise JobCancelled


QUIET = Watch()


def wheel(wanted: Wheel, out: Path, watch: Watch = QUIET) -> Path:
    """The wheel as a file of this machine, fetched if it is not here yet.

    Raises `NotFetched` without a network, `SourceError` when its bytes are others than pinned (nothing is kept then),
    `NoSpace`, `Conflict` while another process fetches it, `JobCancelled`.
    """
    folder = out / DOWNLOADS
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / wanted.file
    part = file.with_suffix(".part")
    with _alone(part, wanted):
        if file.is_file() and _sha256(file) == wanted.sha256:
            return file
        file.unlink(missing_ok=True)
        if not wanted.size or _size(part) != wanted.size:
            _bring(part, wanted, watch)
        _keep(part, file, wanted)
    return file


def forget(wanted: Wheel, out: Path) -> None:
    """Delete a wheel, and what a cut has left of it."""
    file = out / DOWNLOADS / wanted.file
    for path in (file, file.with_suffix(".part"), file.with_suffix(".lock")):
        path.unlink(missing_ok=True)


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise `NoSpace` unless `needed` bytes fit on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise NoSpace(
            f"{what} needs {(needed + SPARE) / 1e6:.0f} MB on the disk of {folder.parent}; {free / 1e6:.0f} MB are "
            "free. Make room, or let STUDIO_HOME name a folder on another disk."
        )


def _bring(part: Path, wanted: Wheel, watch: Watch) -> None:
    check_space(part.parent, max(0, wanted.size - _size(part)), wanted.requirement)
    try:
        place = locate(wanted)
    except IndexUnreachable as error:
        raise NotFetched(_unreachable(wanted, error)) from None
    resumed = _size(part) > 0
    _fill(part, place, wanted, watch)
    if resumed and _sha256(part) != wanted.sha256:  # what lay there may have been the beginning of something else
        part.unlink()
        _fill(part, place, wanted, watch)


def _keep(part: Path, file: Path, wanted: Wheel) -> None:
    found = _sha256(part)
    if found != wanted.sha256:
        part.unlink()
        raise SourceError(
            f"{wanted.requirement} has sha256 {found[:16]}… where {wanted.sha256[:16]}… is pinned; it was refused and "
            "nothing of it kept. Ask whoever runs the package index, or try another one."
        )
    part.replace(file)


def _fill(part: Path, place: Place, wanted: Wheel, watch: Watch) -> None:
    """Bring the rest of the file; a cut is mended by asking for what is still missing."""
    if place.path is not None:
        with place.path.open("rb") as source, part.open("wb") as target, _full_disk(part, wanted):
            _copy(iter(lambda: source.read(CHUNK), b""), target, wanted, 0, watch)
        return
    failures, farthest = 0, _size(part)
    while True:
        try:
            _stream(part, place, wanted, watch)
        except IndexUnreachable as error:
            failures = 0 if _size(part) > farthest else failures + 1
            farthest = max(farthest, _size(part))
            if failures >= TRIES:
                raise NotFetched(_unreachable(wanted, error, _size(part))) from None
        else:
            return
        _rest(PAUSE * 2**failures if failures else 0, watch)


def _stream(part: Path, place: Place, wanted: Wheel, watch: Watch) -> None:
    """One request for what is missing, written as it comes; raises `IndexUnreachable` when it ends early."""
    import httpx2

    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with place.client() as http, http.stream("GET", place.address, headers=headers) as answer:
            if answer.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
                if have != wanted.size:  # longer than the file, or of no known length: begin again
                    part.unlink()
                    raise IndexUnreachable("What was here did not fit; beginning again.")
                return
            partial = answer.status_code == httpx2.codes.PARTIAL_CONTENT
            if partial and not answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
                part.unlink(missing_ok=True)
                raise IndexUnreachable("The package index sent another part than was asked for.")
            if not partial and answer.status_code != httpx2.codes.OK:
                raise IndexUnreachable(f"The package index answers with status {answer.status_code}.")
            with part.open("ab" if partial else "wb") as target, _full_disk(part, wanted):
                _copy(answer.iter_raw(), target, wanted, _total(answer, have if partial else 0), watch)
    except httpx2.TransportError as error:
        raise IndexUnreachable(f"The connection was cut ({type(error).__name__}).") from None


def _total(answer: "httpx2.Response", have: int) -> int:
    length = answer.headers.get("content-length", "")
    return have + int(length) if length.isdigit() else 0


def _copy(chunks: Iterator[bytes], target: BinaryIO, wanted: Wheel, total: int, watch: Watch) -> None:
    """Write chunks; `total` is what the sender states, 0 where it states nothing."""
    done = target.seek(0, 2)
    for chunk in chunks:
        watch.check()
        target.write(chunk)
        done += len(chunk)
        if wanted.size and done > wanted.size:  # other bytes than pinned: no need to see the rest
            break
        watch.report(done, wanted.size or total, f"Fetching {wanted.requirement}")
    if total and done < total:
        raise IndexUnreachable("The connection was cut.")


@contextmanager
def _full_disk(part: Path, wanted: Wheel) -> Iterator[None]:
    """A disk that fills up meanwhile is said in words; what is here stays for the next try."""
    import errno

    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            check_space(part.parent, max(CHUNK, wanted.size - _size(part)), wanted.requirement)
            raise NoSpace(f"The disk became full while {wanted.requirement} was fetched; make room.") from None
        raise


@contextmanager
def _alone(part: Path, wanted: Wheel) -> Iterator[None]:
    with part.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{wanted.requirement} is being fetched by another process; wait for it.") from None
        yield


def _rest(seconds: float, watch: Watch) -> None:
    end = time.monotonic() + seconds
    watch.check()
    while time.monotonic() < end:
        time.sleep(0.05)
        watch.check()


def _unreachable(wanted: Wheel, error: Exception, have: int = 0) -> str:
    kept = f" The {have / 1e6:.1f} MB that came are kept, and the next try goes on from there." if have else ""
    return (
        f"{wanted.requirement} is not on this machine, and could not be fetched: {error}{kept} With a network, try "
        "again; without one, name a folder that holds the wheel in pip's setting find-links."
    )


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
