"""A file or a folder as it lies on this machine → one Parquet file per split. Unpacks archives and databases."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.core.errors import InvalidInput
from studio.data import archives, content, conversion, databases, mediafiles, splits
from studio.data.content import ALLOWED
from studio.data.watching import UNWATCHED, Watch

SPLIT = "train"  # what a single file of rows is
UNPACKED = 20  # how many times as large as the largest upload an archive may be unpacked


@dataclass(frozen=True)
class Taken:
    """What was taken in: the splits, each a file SPLIT.parquet, and what there is to say about it."""

    splits: tuple[str, ...]
    remark: str = ""


def take(source: Path, name: str, target: Path, max_bytes: int = 0, watch: Watch = UNWATCHED) -> Taken:
    """Write `target`/SPLIT.parquet for every split of a file of any known format.

    Args:
        source: the file.
        name: what the user calls it; untrusted, only its suffix is looked at.
        target: an existing folder; what is in it after an error is of no use.
        max_bytes: the largest size that is taken, 0 for any.
        watch: is told how far it is, and can stop it.

    Raises:
        InvalidInput: at "file", with what is wrong, where, and what would be right.
        JobCancelled: `watch` said so.
    """
    format_ = content.recognise(source, name, max_bytes)
    if format_ == "sqlite":
        return Taken(databases.to_parquet(source, name, target, watch))
    if format_ == "zip":
        with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=target) as unpacked:
            archives.unpack(source, name, Path(unpacked), UNPACKED * max_bytes, watch.part(0, 0.2))
            return take_folder(Path(unpacked), name, target, watch.part(0.2, 1))
    conversion.to_parquet(source, name, target / f"{SPLIT}.parquet", max_bytes, watch)
    return Taken((SPLIT,))


def take_folder(folder: Path, name: str, target: Path, watch: Watch = UNWATCHED) -> Taken:
    """The same for a folder of data files, of pictures or of sounds; `name` is what messages call it."""
    found = splits.by_split(splits.listed(folder), splits.header_of(folder))
    if not found:
        raise InvalidInput("file", name, f"It holds no data files. {ALLOWED}")
    if splits.are_media(found):
        return take_media(folder, found, name, target, watch)
    return _take_tables(folder, found, target, watch)


def take_media(
    folder: Path, found: Mapping[str, Sequence[str]], name: str, target: Path, watch: Watch = UNWATCHED
) -> Taken:
    """The same for the pictures or sounds of a folder, split → files."""
    media = mediafiles.to_parquet(folder, found, name, target, watch)
    return Taken(media.splits, media.remark)


def _take_tables(folder: Path, found: Mapping[str, Sequence[str]], target: Path, watch: Watch) -> Taken:
    parts: dict[str, list[Path]] = {}
    number = sum(map(len, found.values()))
    with tempfile.TemporaryDirectory(prefix=".parts-", dir=target) as work:
        for split, files in found.items():
            for file in files:
                place = sum(map(len, parts.values()))
                part = Path(work) / str(place)
                part.mkdir()
                taken = take(folder / file, file, part, 0, watch.part(0.8 * place / number, 0.8 * (place + 1) / number))
                for inner in taken.splits:
                    parts.setdefault(split if taken.splits == (SPLIT,) else inner, []).append(part / f"{inner}.parquet")
        for place, (split, made) in enumerate(parts.items()):
            done = target / f"{split}.parquet"
            step = watch.part(0.8 + 0.2 * place / len(parts), 0.8 + 0.2 * (place + 1) / len(parts))
            made[0].replace(done) if len(made) == 1 else conversion.combine(made, split, done, step)
    return Taken(tuple(parts))
