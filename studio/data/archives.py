"""ZIP archives: everything about one is checked before a byte of it is unpacked. Knows no data formats."""

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from studio.core.errors import InvalidInput, shorten
from studio.data.watching import UNWATCHED, Watch

MAX_ENTRIES = 200_000
MAX_RATIO = 200  # of the unpacked to the packed size, for what is larger than SMALL
SMALL = 100_000_000
MAX_UNPACKED = 50_000_000_000
MAX_NAME = 240  # bytes of one part of a path; the file systems' limit is 255
MEGABYTE = 1_000_000
CHUNK = 1 << 20
NESTED = frozenset((".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar"))
JUNK = frozenset(("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"))  # what systems add without being asked


def unpack(source: Path, name: str, folder: Path, max_bytes: int = 0, watch: Watch = UNWATCHED) -> None:
    """Unpack an archive into `folder`, which exists and is empty.

    Args:
        source: the archive.
        name: what messages call it.
        folder: where to.
        max_bytes: the most that it may hold unpacked; 0 for 50 GB.
        watch: is told how far it is.

    Raises:
        InvalidInput: at "file": no archive, damaged, encrypted, links, paths that lead out of it, archives in it, or
            more than is taken; nothing has been unpacked then, except where only reading shows the damage.
        JobCancelled: `watch` said so.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = list(_checked(archive, name, min(max_bytes or MAX_UNPACKED, MAX_UNPACKED)))
            total, done = max(1, sum(entry.file_size for entry in entries)), 0
            for entry in entries:
                watch.at(done / total, f"Unpacking {shorten(entry.filename)}")
                _extract(archive, entry, folder)
                done += entry.file_size
    except NotImplementedError:
        raise InvalidInput(
            "file", name, "It is packed in a way that is not known here. Use plain ZIP (deflate)."
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the archive's
            raise
        raise InvalidInput("file", name, f"The archive is damaged: {shorten(str(error))}. Pack it again.") from None


def _checked(archive: zipfile.ZipFile, name: str, most: int) -> Iterator[zipfile.ZipInfo]:
    """The entries to unpack, after all of them have been looked at."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InvalidInput("file", name, f"It holds {len(entries):,} entries; at most {MAX_ENTRIES:,} are taken.")
    files = [entry for entry in entries if not entry.is_dir() and not JUNK & set(_path(entry).parts)]
    for entry in entries:
        if problem := _problem(entry):
            raise InvalidInput("file", name, f"Its entry {shorten(entry.filename)} {problem}.")
    counts = Counter(entry.filename.casefold() for entry in files)
    if doubled := next((entry.filename for entry in files if counts[entry.filename.casefold()] > 1), ""):
        raise InvalidInput("file", name, f"Its entry {shorten(doubled)} stands in it more than once.")
    size, packed = sum(entry.file_size for entry in files), sum(entry.compress_size for entry in files)
    if size > most:
        unpacked = f"{size / MEGABYTE:,.1f} MB; at most {most / MEGABYTE:,.0f} MB"
        raise InvalidInput("file", name, f"Unpacked it takes {unpacked} are taken.")
    # an archive whose entries share the same packed bytes has less of them than it says
    if size > SMALL and size > MAX_RATIO * min(packed, _length(archive)):
        raise InvalidInput("file", name, f"It unpacks to more than {MAX_RATIO} times its size, as no data do.")
    yield from files


def _path(entry: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(entry.filename)


def _length(archive: zipfile.ZipFile) -> int:
    return Path(str(archive.filename)).stat().st_size


def _problem(entry: zipfile.ZipInfo) -> str:
    """What is wrong with an entry, as the end of a sentence; "" when it may be unpacked."""
    # zipfile cuts a name at NUL, and turns the system's separator into "/"
    written, mode = entry.orig_filename, entry.external_attr >> 16
    path = PurePosixPath(written)
    if "\\" in written or "\0" in written or ":" in path.parts[:1] or path.is_absolute() or ".." in path.parts:
        return "leads out of the archive. Pack plain relative paths"
    if len(written) > 1 and written[1] == ":":
        return "leads out of the archive. Pack plain relative paths"
    if not path.parts or any(len(part.encode(errors="replace")) > MAX_NAME for part in path.parts):
        return f"has a name that is empty or has a part of more than {MAX_NAME} bytes"
    if any(ord(character) < 32 for character in written):
        return "has control characters in its name"
    if entry.flag_bits & 0x1:
        return "is encrypted. Pack it without a password"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device. Pack the files themselves"
    if path.suffix.lower() in NESTED:
        return "is an archive itself. Unpack it first, and pack the files"
    return ""


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder.joinpath(*_path(entry).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, target.open("xb") as file:
        while chunk := packed.read(CHUNK):  # never more than the size that was checked: zipfile stops there
            file.write(chunk)
