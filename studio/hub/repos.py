"""Repositories on the Hub: look, download, create, upload. The only caller of the repository API.

Weights in pickle form and code are never downloaded. An upload is one commit, so a repository is never half new.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from studio.core.errors import Conflict, Forbidden, HubUnreachable, InvalidInput, NotFound, SignInRequired
from studio.core.settings import Settings
from studio.hub import auth, session

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.hf_api import RepoFile

MODEL_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model", "*.md", "*.jinja")
REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
SLOWEST = 32 * 1024  # bytes per second under which a transfer counts as stalled
MEGABYTE = 10**6
SMALL = 1024 * 1024  # files below go together, larger ones one by one

Report = Callable[[int, int, str], None]
RepoType = Literal["model", "dataset"]


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository; size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class HubSnapshot:
    """A repository at one commit, on this machine.

    Attributes:
        path: the folder in the library's cache; never write into it.
        license: the Hub's licence id, or "" when the repository names none.
        gated: whether people must ask for access.
    """

    path: Path
    sha: str
    license: str = ""
    gated: bool = False


@dataclass(frozen=True)
class Push:
    """What is to go where."""

    folder: Path
    repo_id: str
    private: bool = True
    message: str = "Publish with Studio"


@dataclass(frozen=True)
class PublishResult:
    """What an upload did. `skipped` files were there already, byte for byte."""

    url: str
    commit: str
    files: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    bytes: int = 0


@dataclass(frozen=True)
class _Local:
    """One file to upload, and whether the repository has it already."""

    path: str
    file: Path
    size: int
    unchanged: bool = field(default=False)


def parse_repo_id(value: str, field_name: str = "repo_id") -> tuple[str, str]:
    """Owner and name of "owner/name"; raises `InvalidInput` with the Hub's naming rules."""
    if not REPO_ID.fullmatch(value) or "--" in value or ".." in value or value.endswith((".git", ".ipynb", ".", "-")):
        rule = 'Give it as "owner/name": letters, digits, "-", "_" and ".", no "--" or "..", not ending in ".git".'
        raise InvalidInput(field_name, value, rule)
    owner, _, name = value.partition("/")
    return owner, name


def download_model(
    repo_id: str, revision: str = "", settings: Settings | None = None, token: SecretStr | None = None
) -> HubSnapshot:
    """Bring a model here: safetensors, configuration and tokenizer, never pickles or code.

    Without a Hub the copy of an earlier download is used. Raises `HubUnreachable`, `NotFound`, `Forbidden` (gated),
    `SignInRequired`, and `InvalidInput`, also when its files are larger than the settings allow; nothing has been
    downloaded then. Without `token` the one is used that `auth.reading_token` gives.
    """
    return _download("model", repo_id, revision, MODEL_PATTERNS, (settings or Settings(), token))


def download_dataset(
    repo_id: str,
    revision: str = "",
    patterns: Sequence[str] = ("*.parquet", "*.csv", "*.tsv", "*.json", "*.jsonl", "*.md"),
    settings: Settings | None = None,
    token: SecretStr | None = None,
) -> HubSnapshot:
    """Bring the files of a dataset here that match `patterns`; otherwise as `download_model`."""
    return _download("dataset", repo_id, revision, patterns, (settings or Settings(), token))


def _download(
    kind: RepoType, repo_id: str, revision: str, patterns: Sequence[str], access: tuple[Settings, SecretStr | None]
) -> HubSnapshot:
    from huggingface_hub import snapshot_download

    if "/" in repo_id:
        parse_repo_id(repo_id)
    settings, token = access
    try:
        if token is None:
            info, token = look_up(kind, repo_id, revision, settings)
        else:
            info = _info(kind, repo_id, revision, settings, token)
    except HubUnreachable:
        if settings.public:  # what is in the cache may be another visitor's private repository
            raise
        return _cached(kind, repo_id, revision, patterns)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    size = sum(count for name, count in sizes.items() if any(fnmatch(name, pattern) for pattern in patterns))
    check_size(kind, repo_id, size, settings)
    path = session.ask(
        lambda: snapshot_download(
            repo_id,
            repo_type=kind,
            revision=revision or None,  # by name, so that the cache knows the name without a Hub
            allow_patterns=list(patterns),
            endpoint=settings.endpoint,
            token=token.get_secret_value() if token else False,
        ),
        transfer_deadline(settings, size),
        f"downloading {repo_id}",
        repo_id,
    )
    return HubSnapshot(Path(path), Path(path).name, license_of(info), bool(info.gated))


def look_up(kind: RepoType, repo_id: str, revision: str, settings: Settings) -> tuple[Any, SecretStr | None]:
    """What the Hub says of a repository, and the token that it may be read with.

    A sign-in that has expired keeps nobody from what everybody may read.
    """
    token = auth.reading_token(settings)
    try:
        return _info(kind, repo_id, revision, settings, token), token
    except SignInRequired:
        if token is None:
            raise
        return _info(kind, repo_id, revision, settings, None), None


def check_size(kind: RepoType, repo_id: str, size: int, settings: Settings) -> None:
    """Refuse what is larger than this installation takes; sizes are those that the Hub states."""
    limit = settings.max_dataset_mb if kind == "dataset" else settings.max_model_mb
    if size > limit * MEGABYTE:
        most = f"at most {limit:,} MB are downloaded here (STUDIO_MAX_{kind.upper()}_MB)"
        raise InvalidInput(kind, repo_id, f"Its files take {size / MEGABYTE:,.1f} MB; {most}.")


def _info(kind: RepoType, repo_id: str, revision: str, settings: Settings, token: SecretStr | None) -> Any:
    """What the Hub says of a repository, sizes included; checks at the same time who may see it."""
    api = session.api(settings, token)
    return session.ask(
        lambda: api.repo_info(repo_id, repo_type=kind, revision=revision or None, files_metadata=True),
        settings.hub_deadline,
        f"looking up {repo_id}",
        repo_id,
    )


def _cached(kind: RepoType, repo_id: str, revision: str, patterns: Sequence[str]) -> HubSnapshot:
    from huggingface_hub import RepoCard, snapshot_download

    path = session.ask(
        lambda: Path(
            snapshot_download(
                repo_id,
                repo_type=kind,
                revision=revision or None,
                allow_patterns=list(patterns),
                local_files_only=True,
                token=False,
            )
        ),
        60,
        f"looking for a copy of {repo_id}",
        repo_id,
    )
    card = path / "README.md"
    license_id = RepoCard.load(card, ignore_metadata_errors=True).data.to_dict().get("license") if card.exists() else ""
    return HubSnapshot(path, path.name, license_id if isinstance(license_id, str) else "")


def license_of(info: Any) -> str:
    """The Hub's id of a repository's licence, "" when it names none."""
    tags = (tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:"))
    return next(tags, "")


def transfer_deadline(settings: Settings, size: int) -> float:
    """Seconds after which a transfer of `size` bytes counts as stalled, on the slowest line that we wait for.

    Within it every single network operation has `hub_deadline`, so that silence is noticed much sooner.
    """
    return 3 * settings.hub_deadline + size / SLOWEST


def create_repo(repo_id: str, token: SecretStr, settings: Settings, private: bool = True) -> bool:
    """Create a model repository; False when the account has it already.

    Raises `Conflict` when it is somebody else's, or when it is public and `private` was asked for, and
    `Forbidden` when the token may not create it.
    """
    owner, _ = parse_repo_id(repo_id)
    who = auth.account(token, settings)
    if not who.can_write:
        raise Forbidden(f"This token of {who.name} may only read. Sign in with a token that has write permission.")
    api = session.api(settings, token)
    try:
        session.ask(
            lambda: api.create_repo(repo_id, private=private, exist_ok=False),
            settings.hub_deadline,
            f"creating {repo_id}",
            repo_id,
        )
    except Conflict as conflict:
        return _take_over(who.owns(owner), private, repo_id, (settings, token), conflict)
    return True


def _take_over(
    ours: bool, private: bool, repo_id: str, access: tuple[Settings, SecretStr], conflict: Conflict
) -> Literal[False]:
    """Whether a repository that exists may be written to."""
    if not ours:
        raise Conflict(f"{repo_id} exists and belongs to somebody else. Choose a name under your own account.")
    try:
        info = _info("model", repo_id, "", *access)
    except NotFound:
        raise conflict from None
    if private and not info.private:
        raise Conflict(f"{repo_id} exists and is public. Choose another name, or publish publicly.")
    return False


def upload(
    push: Push, token: SecretStr, settings: Settings, report: Report, cancelled: Callable[[], bool]
) -> PublishResult:
    """Send a folder as one commit; files that the repository has already are not sent again.

    Call it again after a failure: it goes on where it stopped. `report(done, total, message)` counts bytes.
    Raises `JobCancelled` at once when `cancelled()` says so, otherwise what `session.explain` makes of a failure.
    """
    from huggingface_hub import CommitOperationAdd

    api = session.api(settings, token)
    files = _compare(_inventory(push.folder), _listing(api, push.repo_id, settings))
    changed = [file for file in files if not file.unchanged]
    total = sum(file.size for file in changed)
    operations = {file.path: CommitOperationAdd(file.path, str(file.file)) for file in changed}
    done = 0
    for group in _groups(changed):
        size = sum(file.size for file in group)
        name = group[0].path if len(group) == 1 else f"{len(group)} small files"
        report(done, total, f"Sending {name}")
        _send(api, push.repo_id, [operations[file.path] for file in group], (settings, size), cancelled)
        done += size
    report(done, total, "Writing the commit")
    commit = _commit(api, push, list(operations.values()), settings, cancelled)
    return PublishResult(
        url=f"{settings.endpoint}/{push.repo_id}",
        commit=commit,
        files=tuple(file.path for file in changed),
        skipped=tuple(file.path for file in files if file.unchanged),
        bytes=total,
    )


def _listing(api: "HfApi", repo_id: str, settings: Settings) -> dict[str, "RepoFile"]:
    def listing() -> dict[str, "RepoFile"]:
        from huggingface_hub.hf_api import RepoFile

        return {file.path: file for file in api.list_repo_tree(repo_id, recursive=True) if isinstance(file, RepoFile)}

    return session.ask(listing, settings.hub_deadline, f"listing {repo_id}", repo_id)


def _inventory(folder: Path) -> list[_Local]:
    """The files to send; links are passed over, because they may lead anywhere."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()]
    return [_Local(file.relative_to(folder).as_posix(), file, file.stat().st_size) for file in files]


def _compare(files: Sequence[_Local], remote: dict[str, "RepoFile"]) -> list[_Local]:
    """Mark what the repository holds already, by git's blob id or the sha256 of large files."""
    return [_Local(f.path, f.file, f.size, unchanged=_same(f, remote.get(f.path))) for f in files]


def _same(local: _Local, remote: "RepoFile | None") -> bool:
    if remote is None or remote.size != local.size:
        return False
    if remote.lfs is not None:
        with local.file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == remote.lfs.sha256
    blob = b"blob %d\0" % local.size + local.file.read_bytes()
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest() == remote.blob_id


def _groups(files: Sequence[_Local]) -> list[list[_Local]]:
    """Small files together, first: they are cheap, and the card is checked before the weights travel."""
    small = [file for file in files if file.size < SMALL]
    return ([small] if small else []) + [[file] for file in files if file.size >= SMALL]


def _send(
    api: "HfApi",
    repo_id: str,
    operations: "list[CommitOperationAdd]",
    load: tuple[Settings, int],
    cancelled: Callable[[], bool],
) -> None:
    """Bring the contents to the Hub's file storage; the repository does not change yet."""
    session.ask(
        lambda: api.preupload_lfs_files(repo_id, operations, free_memory=False),
        transfer_deadline(*load),
        f"sending files to {repo_id}",
        repo_id,
        cancelled,
    )


def _commit(
    api: "HfApi",
    push: Push,
    operations: "list[CommitOperationAdd]",
    settings: Settings,
    cancelled: Callable[[], bool],
) -> str:
    """Make the contents appear, all at once. Returns the commit's sha."""

    def commit() -> str:
        import warnings

        if not operations:
            return api.repo_info(push.repo_id).sha or ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the Hub's remarks on the card were shown before
            return api.create_commit(push.repo_id, operations, commit_message=push.message).oid

    return session.ask(commit, 3 * settings.hub_deadline, f"publishing {push.repo_id}", push.repo_id, cancelled)
