"""Uploaded data sets: each owner's folder, each upload a folder, whole or not there."""

import re
import secrets
import shutil
import time
import unicodedata
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.core.errors import InvalidInput, NotFound, StudioError
from studio.core.settings import Settings
from studio.data import content, intake, owned, parquet
from studio.data.records import Dataset, DatasetInfo
from studio.data.watching import UNWATCHED, Watch
from studio.hub.card_lint import LANGUAGE
from studio.hub.vocabulary import license_id

META = "meta.json"
PREFIX = "upload:"
ID = re.compile(r"[0-9a-f]{16}")
STALE_SECONDS = 24 * 3600  # what a process that was killed left behind
MAX_TITLE = 80
UNNAMED = "unnamed"  # what a name without a letter becomes


class Meta(BaseModel):
    """What lies beside the rows."""

    format: int = 1
    created_at: float
    info: DatasetInfo


def store(
    path: Path, name: str, settings: Settings, owner: str, watch: Watch = UNWATCHED, upload_id: str = ""
) -> DatasetInfo:
    """Check a file, convert it to Parquet, a file per split, and keep it as `upload:ID`.

    Args:
        path: the file as it was received; it is left where it is.
        name: what the user calls it; untrusted.
        settings: says where uploads lie and how large they may be (`max_upload_mb`, millions of bytes).
        owner: whom it belongs to.
        watch: is told how far it is, and can stop it.
        upload_id: its ID, which no other has; a new one when empty.

    Raises:
        InvalidInput: at "file", with what is wrong, where, and what would be right; the owner has no room for it.
        JobCancelled: `watch` said so; nothing is left.
        StudioError: the disk is full or not writable.
    """
    title = clean_title(name)
    try:
        owned.check(settings, owner, "file", title, besides=upload_id)
        content.recognise(path, title, settings.max_upload_mb * content.MEGABYTE)
        target = owned.folder(settings, owner) / (upload_id or secrets.token_hex(8))
        return _store(path, title, target, settings, owner, watch)
    except FileNotFoundError:
        raise InvalidInput("file", title, "The file is gone. Upload it again.") from None
    except OSError as error:
        raise StudioError(f"The upload cannot be stored: {error.strerror or error}.") from error


def _store(path: Path, title: str, target: Path, settings: Settings, owner: str, watch: Watch) -> DatasetInfo:
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    staging = target.with_name(f".staging-{target.name}")
    shutil.rmtree(staging, ignore_errors=True)  # what an attempt that was killed has left
    staging.mkdir()
    try:
        taken = intake.take(path, title, staging, settings.max_upload_mb * content.MEGABYTE, watch)
        files = {split: (staging / f"{split}.parquet",) for split in taken.splits}
        rows, columns = parquet.describe(files, title)
        info = DatasetInfo(
            ref=PREFIX + target.name,
            title=title,
            source="upload",
            splits=rows,
            columns=columns,
            description=f"Uploaded {time.strftime('%Y-%m-%d', time.gmtime())}. {taken.remark}".strip(),
            bytes=sum(path.stat().st_size for paths in files.values() for path in paths),
        )
        owned.reserve(settings, owner, target.name, info.bytes)  # first: of two at once, one sees the other
        owned.check(settings, owner, "file", title, info.bytes, besides=target.name)
        meta = Meta(created_at=time.time(), info=info)
        (staging / META).write_text(meta.model_dump_json(indent=2), encoding="utf-8")
        staging.rename(target)
    finally:
        owned.release(settings, owner, target.name)
        shutil.rmtree(staging, ignore_errors=True)
    return info


def load(ref: str, settings: Settings, owner: str) -> Dataset:
    """The owner's upload `upload:ID`; raises `NotFound`, also when it is somebody else's."""
    folder = _find(ref, settings, owner)
    info = _meta(folder).info
    return Dataset(info, {split: (folder / f"{split}.parquet",) for split in info.splits})


class About(BaseModel):
    """What an owner says of a data set; a field that is not given stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = Field(None, min_length=1, max_length=MAX_TITLE, description="What it is called.")
    description: str | None = Field(None, max_length=2_000, description="What it holds, and how it came about.")
    license: str | None = Field(None, max_length=100, description="The Hub's id of its licence, for example cc-by-4.0.")
    languages: tuple[str, ...] | None = Field(None, max_length=50, description="Their codes, for example en, de.")


def describe(ref: str, about: About, settings: Settings, owner: str) -> DatasetInfo:
    """Say what an upload is; raises `NotFound`, and `InvalidInput` at "title", "license" or "languages"."""
    folder = _find(ref, settings, owner)
    given = about.model_dump(exclude_none=True)
    if "title" in given:
        given["title"] = clean_title(given["title"].replace("/", "-"))
    if given.get("license") and not license_id(given["license"]):
        expected = "Use the Hub's id of a licence, for example cc-by-4.0, mit, or other."
        raise InvalidInput("license", given["license"], expected)
    for code in given.get("languages", ()):
        if not LANGUAGE.fullmatch(code):
            raise InvalidInput("languages", code, "Use codes of two or three small letters such as en, de or zh-Hant.")
    meta = _meta(folder)
    changed = meta.model_copy(update={"info": replace(meta.info, **given)})
    partial = folder / f".{META}.{secrets.token_hex(4)}"
    partial.write_text(changed.model_dump_json(indent=2), encoding="utf-8")
    partial.replace(folder / META)
    return changed.info


def list_all(settings: Settings, owner: str) -> list[DatasetInfo]:
    """The owner's uploads, newest first; damaged ones are passed over."""
    folder = owned.folder(settings, owner)
    metas = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if ID.fullmatch(path.name):
            try:
                metas.append(_meta(path))
            except StudioError:
                continue
    return [meta.info for meta in sorted(metas, key=lambda meta: meta.created_at, reverse=True)]


def delete(ref: str, settings: Settings, owner: str) -> None:
    """Remove the owner's upload; raises `NotFound`, also when it is somebody else's."""
    folder = _find(ref, settings, owner)
    doomed = folder.with_name(f".staging-deleted-{folder.name}")  # gone at once for every reader
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def clean_title(name: str) -> str:
    """A file name as it may be shown: its last part, no control or formatting characters, at most 80 characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    spaced = "".join(" " if char.isspace() else char for char in last)
    shown = " ".join("".join(char for char in spaced if unicodedata.category(char)[0] != "C").split())
    if len(shown) <= MAX_TITLE:
        return shown or UNNAMED
    suffix = PurePosixPath(shown).suffix[:10]
    return shown[: MAX_TITLE - len(suffix) - 1] + "…" + suffix


def _find(ref: str, settings: Settings, owner: str) -> Path:
    upload_id = ref.removeprefix(PREFIX)
    folder = owned.folder(settings, owner) / upload_id
    if not ID.fullmatch(upload_id) or not (folder / META).is_file():
        raise NotFound(f"There is no upload {ref[:60]!r} of yours.")
    return folder


def _meta(folder: Path) -> Meta:
    try:
        return Meta.model_validate_json((folder / META).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"There is no upload {folder.name!r}.") from None
    except (ValidationError, UnicodeDecodeError):
        raise StudioError(f"The upload {folder.name!r} is damaged. Delete it and upload the file again.") from None


def sweep(folder: Path, pattern: str = ".staging-*") -> None:
    """Remove what killed processes left; a day's grace, so that no work under way is hit."""
    for path in folder.glob(pattern):
        try:
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:  # another process swept it
            continue
