"""A data set on the Hub: which of its files are read, and whether where they lie or after a download.

Parquet is read where it lies, its own or what the Hub has made of other formats. What is small, or not there as
Parquet, is downloaded; to look into it, the beginning of large files of rows is enough. Code is none of these.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.errors import HubUnreachable, InvalidInput, UnknownName
from studio.core.settings import Settings
from studio.data import beginnings, hubfiles, splits
from studio.data.beginnings import Beginning, Begun
from studio.data.blocks import BLOCK, Blocks, Store
from studio.data.content import FORMATS, MEDIA, MEGABYTE
from studio.data.records import RemoteFile
from studio.hub import datasets as hub
from studio.hub import downloads
from studio.hub.datasets import HubFile, Listing

SECONDS = 60  # how long the Hub is not asked again about the same data set
SMALL = beginnings.SMALL  # what is not Parquet and no larger is downloaded rather than looked for as Parquet
MAX_FILES = 2_000  # of one configuration; each has a footer that is read before the first page
AT_ONCE = 8
NAMED = 200  # files that a download is told by name
NO_CODE = "Data sets made by a loading script are refused: no code from repositories is run."
PARTIAL = "partial-"  # how the Hub marks a split that it has converted the beginning of
README = "README.md"
CONVERTED = re.compile(r"(?P<config>[^/]+)/(?P<split>[^/]+)/\d+\.parquet")


@dataclass(frozen=True)
class Found:
    """A data set of the Hub: `files`, which are read where they lie, a `folder` with its files, or what is `begun`.

    Attributes:
        header: the YAML of its card, untrusted.
        config: the configuration that this is, "" where there are none.
        configs: all of them, the default one first.
        begun: what is only the beginning of it.
    """

    sha: str
    header: Mapping[str, Any] = field(hash=False)
    license: str = ""
    config: str = ""
    configs: tuple[str, ...] = ()
    files: dict[str, tuple[RemoteFile, ...]] = field(default_factory=dict)
    folder: Path | None = None
    begun: Begun = field(default_factory=Begun)


def find(repo_id: str, revision: str, config: str, settings: Settings, *, whole: bool = True) -> Found:
    """Look a data set up, and find the files of one configuration.

    Where it need not be `whole`, the beginning of what would be a large download is given.

    Raises:
        InvalidInput: at "dataset": nothing readable, too many files, or too large to be downloaded.
        UnknownName: no such configuration.
        Unopened: it need not be whole, but all of it would be a large download, and it has no beginning.
        NotFound, SignInRequired, Forbidden, HubError: what the Hub said, or that it said nothing.
    """
    listing = _listing(repo_id, revision, settings)
    if listing is None:
        return _downloaded(repo_id, revision, config, settings, ())
    found, files = _undownloaded(listing, revision, config, settings, whole=whole)
    names = [file.path for file in files]
    small = sum(file.size for file in files) <= SMALL or len(files) > NAMED
    if found is None and not small and not downloads.downloaded("dataset", repo_id, listing.sha, names):
        return replace(_in_place(listing, {}, config, settings), folder=hubfiles.bring(listing, files, settings))
    return found or _downloaded(repo_id, revision, config, settings, names)


def check_size(repo_id: str, revision: str, config: str, settings: Settings) -> None:
    """Refuse, before a byte is fetched, all of what would be too large a download; raises as `find`."""
    listing = _listing(repo_id, revision, settings)
    if listing is not None:
        found, files = _undownloaded(listing, revision, config, settings, whole=True)
        downloads.check_size("dataset", repo_id, 0 if found else sum(file.size for file in files), settings)


def _undownloaded(
    listing: Listing, revision: str, config: str, settings: Settings, *, whole: bool
) -> tuple[Found | None, list[HubFile]]:
    """What can be read without a download, if so; and the files of the configuration."""
    repo_id = listing.repo_id
    found = _arranged(listing, config, settings)
    ref = f"{repo_id}@{revision}" if revision else repo_id
    if not found:
        raise InvalidInput("dataset", ref, f"It has no files of a known format. {NO_CODE}")
    names = [name for files in found.values() for name in files]
    chosen = [listing.file(name) for name in names]
    if len(chosen) > MAX_FILES and not splits.are_media(found):
        known = ", ".join(splits.configs(listing.header)[:20])
        expected = f"This configuration has {len(chosen):,} files; at most {MAX_FILES:,} are read."
        raise InvalidInput(
            "dataset", ref, f"{expected} Choose a smaller one as {repo_id}#NAME: {known or 'it has none'}."
        )
    if all(file.sha256 and PurePosixPath(file.path).suffix.lower() == ".parquet" for file in chosen):
        return _in_place(listing, found, config, settings), chosen
    large = sum(file.size for file in chosen) > SMALL
    begins = large and not whole and not _here(listing, chosen, settings)
    if large and not revision:
        converted = _converted(repo_id, listing, config, settings)
        if converted is not None and (begins or not converted.begun.cut):
            return converted, chosen
    if begins and beginnings.have_rows(names):
        return _begun(listing, found, config, settings), chosen
    if begins:
        size = sum(file.size for file in chosen)
        downloads.check_size("dataset", repo_id, size, settings)
        raise beginnings.unopened(ref, size)
    return None, chosen


def _here(listing: Listing, files: Sequence[HubFile], settings: Settings) -> bool:
    """Whether all of these files lie on this machine, whoever has brought them."""
    names = [file.path for file in files]
    return hubfiles.here(listing, files, settings) or downloads.downloaded(
        "dataset", listing.repo_id, listing.sha, names
    )


def configs(repo_id: str, revision: str, settings: Settings) -> tuple[str, ...]:
    """The configurations of a data set, the default one first; raises as `find`."""
    listing = _listing(repo_id, revision, settings)
    if listing is None:
        return _downloaded(repo_id, revision, "", settings, ()).configs or (splits.DEFAULT,)
    return splits.configs(listing.header) or (splits.DEFAULT,)


def fetch_footers(files: Sequence[RemoteFile]) -> None:
    """Bring the ends of many files here at the same time; DuckDB would ask for one after the other."""
    if len(files) > 1:
        with ThreadPoolExecutor(AT_ONCE, "footers") as pool:
            list(pool.map(lambda file: file.read(max(0, file.size - BLOCK // 2), file.size), files))


def _arranged(listing: Listing, config: str, settings: Settings) -> dict[str, tuple[str, ...]]:
    names = [file.path for file in listing.files if splits.is_data(file.path)]
    del settings
    return splits.by_split(names, listing.header, config)


def _in_place(listing: Listing, found: Mapping[str, Sequence[str]], config: str, settings: Settings) -> Found:
    names = splits.configs(listing.header)
    return Found(
        listing.sha,
        listing.header,
        listing.license or _text(listing.header.get("license")),
        config or (names[0] if names else ""),
        names,
        {
            split: tuple(_remote(listing, listing.file(name), settings) for name in files)
            for split, files in found.items()
        },
    )


def _begun(listing: Listing, found: Mapping[str, Sequence[str]], config: str, settings: Settings) -> Found:
    state, limit = f"{listing.repo_id}@{listing.sha}", settings.max_dataset_mb * MEGABYTE
    sizes = {split: {name: listing.file(name).size for name in of} for split, of in found.items()}

    def make(name: str, size: int, stop: int) -> Beginning:
        return Beginning(name, size, stop, state, _blocks(listing, listing.file(name), settings).read)

    then = "download it to see and use all of it"
    if sum(size for of in sizes.values() for size in of.values()) > limit:
        then = f"at most {beginnings.said(limit)} are downloaded here (STUDIO_MAX_DATASET_MB)"
    return replace(_in_place(listing, {}, config, settings), begun=beginnings.begun(sizes, make, then))


def _remote(listing: Listing, file: HubFile, settings: Settings) -> RemoteFile:
    return RemoteFile(file.path, file.size, file.sha256, _blocks(listing, file, settings).read)


def _blocks(listing: Listing, file: HubFile, settings: Settings) -> Blocks:
    """The parts of a file; one that lies in git itself is known by its commit and path."""
    store = Store(settings.home / "datasets" / "parts", settings.max_parts_mb * MEGABYTE)
    place = f"{listing.repo_id}@{listing.sha}/{file.path}"
    digest = file.sha256 or hashlib.sha256(place.encode()).hexdigest()
    return Blocks(store, digest, file.size, hub.reader(listing, file.path, settings))


def _converted(repo_id: str, listing: Listing, config: str, settings: Settings) -> Found | None:
    """What the Hub has made of a data set that is not Parquet; None where it has made nothing."""
    made = _listing(repo_id, hub.CONVERTED, settings, optional=True)
    by_config: dict[str, dict[str, list[HubFile]]] = {}
    for file in made.files if made else ():
        if file.sha256 and (match := CONVERTED.fullmatch(file.path)):
            by_config.setdefault(match["config"], {}).setdefault(match["split"], []).append(file)
    if made is None or not by_config:
        return None
    names = tuple(dict.fromkeys([*(n for n in splits.configs(listing.header) if n in by_config), *by_config]))
    wanted = config or (splits.DEFAULT if splits.DEFAULT in by_config else names[0])
    if wanted not in by_config:
        raise UnknownName("configuration", wanted, names)
    cut = tuple(split.removeprefix(PARTIAL) for split in by_config[wanted] if split.startswith(PARTIAL))
    files = {
        split.removeprefix(PARTIAL): tuple(_remote(made, file, settings) for file in sorted(of, key=lambda f: f.path))
        for split, of in by_config[wanted].items()
    }
    return Found(
        listing.sha,
        listing.header,
        listing.license or _text(listing.header.get("license")),
        wanted,
        names,
        files,
        begun=Begun(partial="The beginning of it only: the Hub has made Parquet of no more." if cut else "", cut=cut),
    )


def _downloaded(repo_id: str, revision: str, config: str, settings: Settings, names: Sequence[str]) -> Found:
    """The files by name, brought here; without names what an earlier download has left here."""
    suffixes = {PurePosixPath(name).suffix for name in names} or {*FORMATS, *(s for of in MEDIA.values() for s in of)}
    by_name = [_literally(name) for name in names] if 0 < len(names) <= NAMED else [f"*{one}" for one in suffixes]
    snapshot = _snapshot(repo_id, revision, (*by_name, README), settings, _moment(settings))
    header = splits.header_of(snapshot.path)
    known = splits.configs(header)
    return Found(
        snapshot.sha,
        header,
        snapshot.license or _text(header.get("license")),
        config or (known[0] if known else ""),
        known,
        folder=snapshot.path,
    )


def _literally(name: str) -> str:
    """A pattern that fits this name only."""
    return re.sub(r"([*?\[])", r"[\1]", name)


def _moment(settings: Settings) -> tuple[str, int]:
    return settings.endpoint, int(time.monotonic() // SECONDS)


def _listing(repo_id: str, revision: str, settings: Settings, *, optional: bool = False) -> Listing | None:
    """What the Hub says, at most a minute old; without a Hub what it said last, or None where it never did.

    In public mode what it said last was perhaps said to somebody else.
    """
    kept = (
        settings.home / "datasets" / "listings" / f"{hashlib.sha256(f'{repo_id}@{revision}'.encode()).hexdigest()}.json"
    )
    try:
        found = _asked(repo_id, revision, settings, _moment(settings), optional)
    except HubUnreachable:
        if settings.public:
            raise
        return _read(kept)
    if found is not None and not settings.public:
        kept.parent.mkdir(parents=True, exist_ok=True)
        facts = asdict(found) | {"token": None}
        kept.write_text(json.dumps(facts, default=str), encoding="utf-8")
    return found


@lru_cache(maxsize=64)
def _asked(repo_id: str, revision: str, settings: Settings, moment: tuple[str, int], optional: bool) -> Listing | None:
    del moment  # part of the cache's key only
    found = hub.converted(repo_id, settings) if optional else hub.listing(repo_id, revision, settings)
    data = [file for file in found.files if splits.is_data(file.path)] if found else []
    readable = sorted(data, key=lambda file: not file.sha256)
    if found and readable:
        hub.check_access(found, readable[0].path, settings)
    return found


def _read(kept: Path) -> Listing | None:
    try:
        facts = json.loads(kept.read_text(encoding="utf-8"))
        files = tuple(HubFile(**file) for file in facts.pop("files"))
        return Listing(**facts | {"files": files})
    except (OSError, ValueError, TypeError, KeyError):
        return None


@lru_cache(maxsize=64)
def _snapshot(
    repo_id: str, revision: str, patterns: tuple[str, ...], settings: Settings, moment: tuple[str, int]
) -> downloads.HubSnapshot:
    """Ask the Hub once a minute, not once per page of rows; it answers only for what it would show anybody."""
    del moment  # part of the cache's key only
    return downloads.download_dataset(repo_id, revision, patterns, settings)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
