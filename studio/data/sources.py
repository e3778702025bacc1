"""Where data sets come from: a reference → files that can be read. Kit, uploads, results, the Hub, local paths."""

import hashlib
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from studio.core.errors import InvalidInput, NotFound, UnknownName
from studio.core.settings import Settings
from studio.data import beginnings, hubsets, intake, labels, parquet, results, room, splits, uploads
from studio.data.content import ALLOWED, FORMATS, MEGABYTE
from studio.data.hubsets import Found
from studio.data.intake import Taken
from studio.data.records import Column, DataFile, Dataset, DatasetInfo, RemoteFile, state_of
from studio.data.room import Room
from studio.data.watching import UNWATCHED, Watch
from studio.starter import kit

__all__ = ["Column", "Dataset", "DatasetInfo", "configs", "foreseen", "resolve"]

LOCAL_OWNER = "local"
FORMS = (
    'Use "kit:ID", "upload:ID", "artifact:ID", or a Hub id as "owner/name", "owner/name@revision" or, for one of its '
    'configurations, "owner/name#config"'
)
HUB_REF = re.compile(
    r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>[\w./-]{1,255}))?(?:#(?P<config>[^<>:/\\|?*#\x00-\x1f]{1,200}))?",
    re.ASCII,
)

REMARK = "remark.txt"  # beside converted splits: what there is to say about them

Files = dict[str, tuple[DataFile, ...]]
Described = tuple[dict[str, int], tuple[Column, ...]]


def resolve(
    ref: str, settings: Settings, owner: str, config: str = "", watch: Watch = UNWATCHED, *, whole: bool = True
) -> Dataset:
    """The data set behind a reference, ready to be read.

    Args:
        ref: `kit:ID`, `upload:ID` and `artifact:ID` (the owner's own), `owner/name[@revision][#config]`, or, for the
            owner "local" only, a path that starts with "/", "./", "../" or "~" or ends like a data file; a folder with
            configurations in its README takes "#config" as well.
        settings: where things lie. Parquet on the Hub is read where it lies; other formats, there or at a path, are
            converted once into `home`/datasets.
        owner: who asks.
        config: which configuration, where `ref` does not say it; "" for the default one.
        watch: is told how far a conversion is, and can stop it.
        whole: whether it must be all of it. To look into what would be a large download, its beginning may do, and
            `DatasetInfo.partial` says of how much it is.

    Raises:
        InvalidInput: at "dataset": no such form, nothing readable, a damaged file; at "file": what conversion found.
        UnknownName: no such kit entry or configuration; lists those there are.
        NotInstalled: an extra of the kit that was not fetched.
        NotFound: no such upload or result of this owner, no such path, no such repository.
        HubError: the Hub did not answer or refused.
        JobCancelled: `watch` said so.
    """
    ref = ref.strip()
    if config and not ref.startswith(("kit:", uploads.PREFIX, results.PREFIX)):
        ref = f"{ref.partition('#')[0]}#{config}"
    elif config and config != splits.DEFAULT:
        raise UnknownName("configuration", config, [splits.DEFAULT])
    if ref.startswith("kit:"):
        return _from_kit(ref, settings)
    if ref.startswith(uploads.PREFIX):
        return uploads.load(ref, settings, owner)
    if ref.startswith(results.PREFIX):
        return results.load(ref, settings, owner)
    if _is_path(ref):
        if owner != LOCAL_OWNER:  # before the disk is touched: whether a path exists is nobody's business
            raise InvalidInput("dataset", ref, f"Paths are for one's own machine. {FORMS}, or upload the file.")
        try:
            return _from_path(ref, settings, watch)
        except PermissionError:
            raise InvalidInput("dataset", ref, "It may not be read: its owner or your rights are others.") from None
    match = HUB_REF.fullmatch(ref)
    if not match or ".." in ref:
        raise InvalidInput("dataset", ref, f"{FORMS}.")
    found = hubsets.find(match["repo"], match["revision"] or "", match["config"] or "", settings, whole=whole)
    return _from_hub(ref, match["repo"], found, settings, watch)


def foreseen(ref: str, settings: Settings, owner: str) -> Dataset:
    """What a job will read, as far as its columns and splits can be said without a long download.

    Raises as `resolve`, also for what would be too large to be downloaded when the job runs.
    """
    dataset = resolve(ref, settings, owner, whole=False)
    match = HUB_REF.fullmatch(ref.strip())
    if dataset.info.partial and match:
        hubsets.check_size(match["repo"], match["revision"] or "", match["config"] or "", settings)
    return dataset


def configs(ref: str, settings: Settings, owner: str) -> tuple[str, ...]:
    """The configurations (subsets) of a data set, the default one first; raises as `resolve`.

    Without reading a row of it; a data set without any has the one called "default".
    """
    match = HUB_REF.fullmatch(ref.strip())
    if match and not _is_path(ref.strip()) and ".." not in ref:
        return hubsets.configs(match["repo"], match["revision"] or "", settings)
    return resolve(ref, settings, owner).info.configs or (splits.DEFAULT,)


def _is_path(ref: str) -> bool:
    path = ref.partition("#")[0]
    return path.startswith(("/", "./", "../", "~", "\\")) or Path(path).suffix.lower() in FORMATS or path in {".", ".."}


def _from_kit(ref: str, settings: Settings) -> Dataset:
    entry = kit.entry(ref, settings)
    files: Files = {path.stem: (path,) for path in sorted(entry.path.glob("*.parquet"))}
    if entry.kind != "dataset":
        raise UnknownName("data set", ref, [known.id for known in kit.entries(kind="dataset", root=settings)])
    if not files:
        raise NotFound(f"The files of {ref} are missing. Restore them with `git checkout -- assets/kit`.")
    base = DatasetInfo(ref, entry.title, "kit", {}, (), license=entry.license, description=entry.description)
    return _described(base, files)


def _from_path(ref: str, settings: Settings, watch: Watch) -> Dataset:
    path, config = Path(ref).expanduser().absolute(), ""
    if not path.exists() and "#" in ref:
        named, _, config = ref.rpartition("#")
        path = Path(named).expanduser().absolute()
    if not path.exists():
        raise NotFound(f"There is no file or folder {ref!r}.")
    cache = _room("files", settings)
    if path.is_file():
        files, remark = dict[str, tuple[DataFile, ...]](_converted_file(path, cache, watch)), ""
        names: tuple[str, ...] = ()
    else:
        header = splits.header_of(path)
        files, remark = _from_folder(path, header, config, cache, watch)
        names = splits.configs(header)
    if config and config not in (names or (splits.DEFAULT,)):
        raise UnknownName("configuration", config, names or (splits.DEFAULT,))
    base = DatasetInfo(
        ref, path.name or ref, "file", {}, (), description=remark, config=config or next(iter(names), ""), configs=names
    )
    return _described(base, files)


def _from_folder(
    folder: Path, header: Mapping[str, object], config: str, cache: Room, watch: Watch = UNWATCHED
) -> tuple[Files, str]:
    """The files of a folder by split, converted where they have to be, and what there is to say about them."""
    found = splits.by_split(splits.listed(folder), header, config)
    if not found:
        raise InvalidInput("dataset", folder.name, f"The folder holds no data files. {ALLOWED}")
    if splits.are_media(found):
        state = [_state(folder / file) for files in found.values() for file in files]
        made, remark = _made(
            cache, [config, *state], lambda to: intake.take_media(folder, found, folder.name, to, watch)
        )
        return dict(made), remark
    files: dict[str, tuple[DataFile, ...]] = {}
    number, place = sum(map(len, found.values())), 0
    for split, names in found.items():
        for name in names:
            converted = _converted_file(folder / name, cache, watch.part(place / number, (place + 1) / number))
            place += 1
            for inner, paths in converted.items():
                into = split if tuple(converted) == (intake.SPLIT,) else inner
                files[into] = (*files.get(into, ()), *paths)
    return files, ""


def _converted_file(path: Path, cache: Room, watch: Watch) -> dict[str, tuple[Path, ...]]:
    """A file's splits as Parquet; it is converted once per state."""
    if path.suffix.lower() == ".parquet":
        return {intake.SPLIT: (path,)}
    return _made(cache, [_state(path)], lambda to: intake.take(path, path.name, to, 0, watch))[0]


def _state(path: Path) -> str:
    stat = path.stat()
    return f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{path.suffix}"


def _room(name: str, settings: Settings) -> Room:
    return Room(settings.home / "datasets" / name, settings.max_prepared_mb * MEGABYTE)


def _made(cache: Room, state: list[str], make: Callable[[Path], Taken]) -> tuple[dict[str, tuple[Path, ...]], str]:
    """The folder of splits that `make` fills, once per state; a folder is whole or not there."""
    target = cache.folder / hashlib.sha256("\0\0".join(state).encode(errors="surrogateescape")).hexdigest()[:32]
    if not target.is_dir():
        uploads.sweep(cache.folder)
        staging = cache.folder / f".staging-{secrets.token_hex(8)}"
        staging.mkdir(parents=True)
        try:
            remark = make(staging).remark
            (staging / REMARK).write_text(remark, encoding="utf-8")
            if not target.is_dir():  # somebody else may have been faster
                staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        cache.trim()
    room.used(target)
    remark = (target / REMARK).read_text(encoding="utf-8")
    return {path.stem: (path,) for path in sorted(target.glob("*.parquet"))}, remark


def _from_hub(ref: str, repo_id: str, found: Found, settings: Settings, watch: Watch) -> Dataset:
    files, remark, cache = dict[str, tuple[DataFile, ...]](found.files), "", _room("hub", settings)
    if found.folder is not None:
        asked = ref.partition("#")[2]
        files, remark = _from_folder(found.folder, found.header, asked, cache, watch)
    for place, (split, begun) in enumerate(found.begun.items()):
        step = watch.part(place / len(found.begun), (place + 1) / len(found.begun))
        made, _ = _made(cache, [begun.state], partial(beginnings.take, begun, watch=step))
        files[split] = made[intake.SPLIT]
    title = found.header.get("pretty_name")
    base = DatasetInfo(
        ref,
        title if isinstance(title, str) and title.strip() else repo_id,
        "hub",
        {},
        (),
        license=found.license,
        revision=found.sha,
        description=remark,
        config=found.config,
        configs=found.configs,
        labels=labels.in_header(found.header, found.config),
        partial=found.partial,
        cut=found.cut,
    )
    return _described(base, files)


def _described(base: DatasetInfo, files: Files) -> Dataset:
    ordered = {split: files[split] for split in sorted(files, key=parquet.split_rank)}
    try:
        state = tuple(state_of(file) for paths in ordered.values() for file in paths)
    except FileNotFoundError as error:
        raise NotFound(f"A file of {base.ref} is gone: {Path(str(error.filename)).name}.") from None
    rows, columns = _describe(tuple(ordered.items()), state, base.ref)
    size = sum(size for _, size, _ in state)
    return Dataset(replace(base, splits=dict(rows), columns=columns, bytes=size), ordered)


@lru_cache(maxsize=256)
def _describe(
    files: tuple[tuple[str, tuple[DataFile, ...]], ...], state: tuple[tuple[str, int, int], ...], ref: str
) -> Described:
    """Footers are read once per state of the files."""
    del state
    hubsets.fetch_footers([file for _, paths in files for file in paths if isinstance(file, RemoteFile)])
    return parquet.describe(dict(files), ref)
