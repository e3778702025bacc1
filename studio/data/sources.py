"""Where data sets come from: a reference → files that can be read. Kit, uploads, results, the Hub, local paths."""

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from studio.core.errors import InvalidInput, NotFound, UnknownName
from studio.core.settings import Settings
from studio.data import hubsets, labels, localsets, parquet, prepared, results, splits, uploads
from studio.data.beginnings import Begun
from studio.data.content import FORMATS
from studio.data.hubsets import Found
from studio.data.prepared import Files
from studio.data.records import Column, DataFile, Dataset, DatasetInfo, RemoteFile, state_of
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
        whole: whether it must be all of it. To look into what would be a large download, or a large file that has
            to be converted, its beginning may do, and `DatasetInfo.partial` says of how much it is.

    Raises:
        InvalidInput: at "dataset": no such form, nothing readable, a damaged file; at "file": what conversion found.
        UnknownName: no such kit entry or configuration; lists those there are.
        NotInstalled: an extra of the kit that was not fetched.
        NotFound: no such upload or result of this owner, no such path, no such repository.
        Unopened: it need not be whole, but is large, not here as Parquet, and has no beginning.
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
    if is_path(ref):
        if owner != LOCAL_OWNER:  # before the disk is touched: whether a path exists is nobody's business
            raise InvalidInput("dataset", ref, f"Paths are for one's own machine. {FORMS}, or upload the file.")
        try:
            return _from_path(ref, settings, watch, whole=whole)
        except PermissionError:
            raise InvalidInput("dataset", ref, "It may not be read: its owner or your rights are others.") from None
    match = HUB_REF.fullmatch(ref)
    if not match or ".." in ref:
        raise InvalidInput("dataset", ref, f"{FORMS}.")
    found = hubsets.find(match["repo"], match["revision"] or "", match["config"] or "", settings, whole=whole)
    return _from_hub(ref, match["repo"], found, settings, watch)


def foreseen(ref: str, settings: Settings, owner: str) -> Dataset:
    """What a job will read, as far as its columns and splits can be said without a long download or conversion.

    Raises as `resolve`, also for what would be too large to be downloaded when the job runs.
    """
    dataset = resolve(ref, settings, owner, whole=False)
    match = HUB_REF.fullmatch(ref.strip())
    if dataset.info.partial and dataset.info.source == "hub" and match:
        hubsets.check_size(match["repo"], match["revision"] or "", match["config"] or "", settings)
    return dataset


def foreseen_bytes(ref: str, settings: Settings, owner: str) -> int:
    """About how large all of a data set is as Parquet; raises as `foreseen`."""
    info = foreseen(ref, settings, owner).info
    return round(info.bytes / info.share) if info.share else info.bytes


def configs(ref: str, settings: Settings, owner: str) -> tuple[str, ...]:
    """The configurations (subsets) of a data set, the default one first; raises as `resolve`.

    Without reading a row of it; a data set without any has the one called "default".
    """
    match = HUB_REF.fullmatch(ref.strip())
    if match and not is_path(ref.strip()) and ".." not in ref:
        return hubsets.configs(match["repo"], match["revision"] or "", settings)
    if is_path(ref.strip()) and owner == LOCAL_OWNER:
        return localsets.configs(ref.strip()) or (splits.DEFAULT,)
    return resolve(ref, settings, owner).info.configs or (splits.DEFAULT,)


def is_path(ref: str) -> bool:
    """Whether a reference means a file or folder of this machine: it looks like a path, or ends like a data file."""
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


def _from_path(ref: str, settings: Settings, watch: Watch, *, whole: bool) -> Dataset:
    found, room = localsets.find(ref, settings, whole=whole), prepared.room("files", settings)
    remark = ""
    if found.begun.files:
        files = prepared.begun(found.begun, room, watch)
    elif found.path.is_file():
        files = dict[str, tuple[DataFile, ...]](prepared.file(found.path, room, watch))
    else:
        files, remark = prepared.folder(found.path, found.header, found.config, room, watch)
    base = DatasetInfo(
        ref,
        found.path.name or ref,
        "file",
        {},
        (),
        description=remark,
        config=found.config or next(iter(found.configs), ""),
        configs=found.configs,
    )
    return _described(_of(base, found.begun), files)


def _from_hub(ref: str, repo_id: str, found: Found, settings: Settings, watch: Watch) -> Dataset:
    files, remark, room = dict[str, tuple[DataFile, ...]](found.files), "", prepared.room("hub", settings)
    if found.folder is not None:
        asked = ref.partition("#")[2]
        files, remark = prepared.folder(found.folder, found.header, asked, room, watch)
    files |= prepared.begun(found.begun, room, watch)
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
    )
    return _described(_of(base, found.begun), files)


def _of(base: DatasetInfo, begun: Begun) -> DatasetInfo:
    return replace(base, partial=begun.partial, cut=begun.cut, share=begun.share)


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
