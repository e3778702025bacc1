"""Where data sets come from: a reference → files that can be read. Kit, uploads, results, the Hub, local paths."""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from studio.core.errors import InvalidInput, NotFound, UnknownName
from studio.core.settings import Settings
from studio.data import conversion, parquet, results, splits, uploads
from studio.data.content import ALLOWED, FORMATS
from studio.data.records import Column, Dataset, DatasetInfo
from studio.starter import kit

if TYPE_CHECKING:
    from studio.hub.repos import HubSnapshot

__all__ = ["Column", "Dataset", "DatasetInfo", "resolve"]

LOCAL_OWNER = "local"
# Data and the README; never code, never pickles.
PATTERNS = (*(f"*{suffix}" for suffix in FORMATS), "README.md")
HUB_REF = re.compile(r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>[\w./-]{1,255}))?", re.ASCII)
FORMS = 'Use "kit:ID", "upload:ID", "artifact:ID", or a Hub id as "owner/name" or "owner/name@revision"'
SNAPSHOT_SECONDS = 60
MAX_README = 1_000_000

Files = dict[str, tuple[Path, ...]]
Described = tuple[dict[str, int], tuple[Column, ...]]


def resolve(ref: str, settings: Settings, owner: str) -> Dataset:
    """The data set behind a reference, ready to be read.

    Args:
        ref: `kit:ID`, `upload:ID` and `artifact:ID` (the owner's own), `owner/name[@revision]`, or, for the owner
            "local" only, a path that starts with "/", "./", "../" or "~" or ends like a data file.
        settings: where things lie; CSV and JSON from the Hub or a path are converted once into `home`/datasets.
        owner: who asks.

    Raises:
        InvalidInput: at "dataset": no such form, nothing readable, a damaged file; at "file": what conversion found.
        UnknownName: no such kit entry; lists those there are.
        NotInstalled: an extra of the kit that was not fetched.
        NotFound: no such upload or result of this owner, no such path, no such repository.
        HubError: the Hub did not answer or refused.
    """
    ref = ref.strip()
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
            return _from_path(ref, settings)
        except PermissionError:
            raise InvalidInput("dataset", ref, "It may not be read: its owner or your rights are others.") from None
    match = HUB_REF.fullmatch(ref)
    if not match or ".." in ref:
        raise InvalidInput("dataset", ref, f"{FORMS}.")
    return _from_hub(match["repo"], match["revision"] or "", settings)


def _is_path(ref: str) -> bool:
    return ref.startswith(("/", "./", "../", "~", "\\")) or Path(ref).suffix.lower() in FORMATS or ref in {".", ".."}


def _from_kit(ref: str, settings: Settings) -> Dataset:
    entry = kit.entry(ref, settings)
    files: Files = {path.stem: (path,) for path in sorted(entry.path.glob("*.parquet"))}
    if entry.kind != "dataset":
        raise UnknownName("data set", ref, [known.id for known in kit.entries(kind="dataset", root=settings)])
    if not files:
        raise NotFound(f"The files of {ref} are missing. Restore them with `git checkout -- assets/kit`.")
    base = DatasetInfo(ref, entry.title, "kit", {}, (), license=entry.license, description=entry.description)
    return _described(base, files)


def _from_path(ref: str, settings: Settings) -> Dataset:
    path = Path(ref).expanduser().absolute()
    if not path.exists():
        raise NotFound(f"There is no file or folder {ref!r}.")
    found: dict[str, tuple[str, ...]]
    if path.is_file():
        found, folder = {"train": (path.name,)}, path.parent
    else:
        found, folder = splits.by_split(splits.data_files(path), _header(path)), path
    if not found:
        raise InvalidInput("dataset", ref, f"The folder holds no data files. {ALLOWED}")
    files = _ready(found, folder, settings.home / "datasets" / "files")
    return _described(DatasetInfo(ref, path.name or ref, "file", {}, ()), files)


def _from_hub(repo_id: str, revision: str, settings: Settings) -> Dataset:
    snapshot = _snapshot(repo_id, revision, settings, (settings.endpoint, int(time.monotonic() // SNAPSHOT_SECONDS)))
    ref = f"{repo_id}@{revision}" if revision else repo_id
    header = _header(snapshot.path)
    found = splits.by_split(splits.data_files(snapshot.path), header)
    if not found:
        expected = "It has no CSV, TSV, JSON, JSONL or Parquet files. Data sets made by a loading script are refused:"
        raise InvalidInput("dataset", ref, f"{expected} no code from repositories is run.")
    files = _ready(found, snapshot.path, settings.home / "datasets" / "hub")
    title = header.get("pretty_name")
    base = DatasetInfo(
        ref,
        title if isinstance(title, str) and title.strip() else repo_id,
        "hub",
        {},
        (),
        license=snapshot.license or _text(header.get("license")),
        revision=snapshot.sha,
    )
    return _described(base, files)


@lru_cache(maxsize=64)
def _snapshot(repo_id: str, revision: str, settings: Settings, moment: tuple[str, int]) -> "HubSnapshot":
    """Ask the Hub once a minute, not once per page of rows; it answers only for what it would show anybody."""
    from studio.hub import repos

    del moment  # part of the cache's key only
    return repos.download_dataset(repo_id, revision, PATTERNS, settings)


def _ready(found: Mapping[str, tuple[str, ...]], folder: Path, cache: Path) -> Files:
    """Split → Parquet files; other formats are converted once per state of the file."""
    return {split: tuple(_as_parquet(folder / file, cache) for file in files) for split, files in found.items()}


def _as_parquet(path: Path, cache: Path) -> Path:
    if path.suffix.lower() == ".parquet":
        return path
    real, stat = path.resolve(), path.stat()
    key = hashlib.sha256(f"{real}\0{stat.st_size}\0{stat.st_mtime_ns}\0{path.suffix}".encode()).hexdigest()[:32]
    target = cache / f"{key}.parquet"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        conversion.to_parquet(path, path.name, target)
    return target


def _described(base: DatasetInfo, files: Files) -> Dataset:
    ordered = {split: files[split] for split in sorted(files, key=parquet.split_rank)}
    try:
        stats = [(path, path.stat()) for paths in ordered.values() for path in paths]
    except FileNotFoundError as error:
        raise NotFound(f"A file of {base.ref} is gone: {Path(str(error.filename)).name}.") from None
    state = tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
    rows, columns = _describe(tuple(ordered.items()), state, base.ref)
    size = sum(stat.st_size for _, stat in stats)
    return Dataset(replace(base, splits=dict(rows), columns=columns, bytes=size), ordered)


@lru_cache(maxsize=256)
def _describe(
    files: tuple[tuple[str, tuple[Path, ...]], ...], state: tuple[tuple[str, int, int], ...], ref: str
) -> Described:
    """Footers are read once per state (path, size, time of change) of the files."""
    del state
    return parquet.describe(dict(files), ref)


def _header(folder: Path) -> Mapping[str, Any]:
    """The YAML at the top of README.md; {} when there is none or it is not usable."""
    readme = folder / "README.md"
    if not readme.is_file() or readme.stat().st_size > MAX_README:
        return {}
    text = readme.read_text(encoding="utf-8", errors="replace")
    match = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", text, re.DOTALL)
    try:
        header = YAML(typ="safe", pure=True).load(match[1]) if match else {}
    except YAMLError:
        return {}
    return header if isinstance(header, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
