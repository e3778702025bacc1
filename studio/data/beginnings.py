"""The beginning of a large file of rows, here or elsewhere: read up to a size, cut behind its last whole record.

For looking only: what a whole file holds, its beginning does not say.
"""

import codecs
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from studio.core.errors import InvalidInput, Unopened
from studio.data import content, delimited, intake, jsonfiles, linewise
from studio.data.blocks import BLOCK, LONGEST
from studio.data.content import FORMATS, MEGABYTE, Format
from studio.data.intake import Taken
from studio.data.watching import Watch

SMALL = 20 * MEGABYTE  # what is no larger is converted at once
MOST = LONGEST * BLOCK  # bytes of one file, which come in one request
ALL = 4 * MOST  # of a data set, over all its splits
NAMED = 3
WHOLE: dict[Format, Callable[[str], str]] = {
    "csv": partial(delimited.whole, delimiter=""),
    "tsv": partial(delimited.whole, delimiter="\t"),
    "json": jsonfiles.whole,
    "jsonl": linewise.whole,
    "text": linewise.whole,
}


@dataclass(frozen=True)
class Beginning:
    """How much of a file is read, and by what.

    Attributes:
        name: the file's path in its source.
        size: of the whole file.
        stop: bytes from its start that are read.
        key: tells this state of the file from all others.
        read: the bytes from one offset to another; whoever holds it may read them.
    """

    name: str
    size: int
    stop: int
    key: str
    read: Callable[[int, int], bytes] = field(compare=False, repr=False)

    @property
    def state(self) -> str:
        """What is made of it is remembered under this."""
        return f"beginning\0{self.key}\0{self.name}\0{self.stop}"


@dataclass(frozen=True)
class Begun:
    """A data set of which only the beginning is read.

    Attributes:
        files: split → the beginning of its first file.
        partial: says of how much that is the beginning; "" where it is all.
        cut: the splits that have more than that.
        share: how much of all bytes that is, between 0 and 1.
    """

    files: dict[str, Beginning] = field(default_factory=dict)
    partial: str = ""
    cut: tuple[str, ...] = ()
    share: float = 1.0


def begun(sizes: Mapping[str, Mapping[str, int]], make: Callable[[str, int, int], Beginning], then: str) -> Begun:
    """The beginning of each split.

    Args:
        sizes: split → file → bytes.
        make: file, bytes, and how many of them are read → its beginning.
        then: how to have all of it, as the end of a sentence.
    """
    first = {split: next((name for name, size in of.items() if size), next(iter(of))) for split, of in sizes.items()}
    most = length(len(first))
    files = {split: make(name, sizes[split][name], min(most, sizes[split][name])) for split, name in first.items()}
    whole = {split: sum(of.values()) for split, of in sizes.items()}
    cut = tuple(split for split in files if files[split].stop < whole[split])
    total, read = sum(whole.values()), sum(one.stop for one in files.values())
    partial = told(list(files.values()), total, then) if cut else ""
    return Begun(files, partial, cut, read / total if total else 1.0)


def unopened(name: str, size: int) -> Unopened:
    """What says that something large has no beginning that can be looked into."""
    return Unopened(f"{name} takes {said(size)}, and has to be read as a whole. Add it first: it runs as a job.")


def have_rows(names: Iterable[str]) -> bool:
    """Whether a beginning of these files can be read: each of its records stands behind the one before, as text."""
    return all(FORMATS.get(_suffix(name)) in WHOLE for name in names)


def length(splits: int) -> int:
    """Bytes of the beginning of each of so many splits."""
    return max(1, min(LONGEST, ALL // BLOCK // splits)) * BLOCK


def take(beginning: Beginning, target: Path, watch: Watch) -> Taken:
    """Write `target`/train.parquet of the records that the beginning holds whole.

    Raises:
        InvalidInput: at "file": no record is whole in it, or what is wrong with one.
        HubError, HubUnreachable: as reading the file raises them.
        JobCancelled: `watch` said so.
    """
    watch.at(0, "Fetching the beginning")
    data = beginning.read(0, beginning.stop) if beginning.stop else b""
    name = PurePosixPath(beginning.name).name
    with tempfile.TemporaryDirectory(prefix=".beginning-", dir=target) as folder:
        source = Path(folder) / "beginning"
        source.write_bytes(_whole(data, name) if beginning.stop < beginning.size else data)
        return intake.take(source, name, target, 0, watch.part(0.5, 1))


def told(read: Sequence[Beginning], total: int, then: str) -> str:
    """Of how much these are the beginning, and how to have all of it, as a sentence."""
    names = ", ".join(one.name for one in read[:NAMED])
    more = f" and {len(read) - NAMED} more" if len(read) > NAMED else ""
    return f"The first {said(sum(one.stop for one in read))} of {said(total)} ({names}{more}); {then}."


def _whole(data: bytes, name: str) -> bytes:
    """The records that are whole in a cut file, in UTF-8; as it is where it is no text, which conversion says."""
    try:
        text = codecs.getincrementaldecoder(content.marked_encoding(data))().decode(data)
    except UnicodeDecodeError:
        return data
    kept = WHOLE[FORMATS[_suffix(name)]](text)
    if not kept.strip():
        expected = f"No record ends in its first {said(len(data))}, which is what is read to look into it."
        raise InvalidInput("file", name, f"{expected} Download it to see it.")
    return kept.encode()


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def said(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / MEGABYTE:,.1f} MB" if size < 1000 * MEGABYTE else f"{size / MEGABYTE / 1000:,.1f} GB"
