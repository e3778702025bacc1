"""Repositories on the Hub: look, create, upload. With `downloads` the only caller of the repository API.

An upload is one commit, so a repository is never half new.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from studio.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from studio.core.settings import Settings
from studio.hub import auth, session

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.hf_api import RepoFile

REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
SLOWEST = 32 * 1024  # bytes per second under which a transfer counts as stalled
SMALL = 1024 * 1024  # files below go together, larger ones one by one

Report = Callable[[int, int, str], None]
RepoType = Literal["model", "dataset"]


@dataclass(frozen=True)
class Push:
    """What is to go where.

    Attributes:
        replaced: a regular expression; files there that it fits go away, unless the folder has them too.
    """

    folder: Path
    repo_id: str
    private: bool = True
    message: str = "Publish with Studio"
    kind: RepoType = "model"
    replaced: str = ""


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


def info(kind: RepoType, repo_id: str, revision: str, settings: Settings, token: SecretStr | None) -> Any:
    """What the Hub says of a repository, sizes included; checks at the same time who may see it."""
    api = session.api(settings, token)
    return session.ask(
        lambda: api.repo_info(repo_id, repo_type=kind, revision=revision or None, files_metadata=True),
        settings.hub_deadline,
        f"looking up {repo_id}",
        repo_id,
    )


def transfer_deadline(settings: Settings, size: int) -> float:
    """Seconds after which a transfer of `size` bytes counts as stalled, on the slowest line that we wait for.

    Within it every single network operation has `hub_deadline`, so that silence is noticed much sooner.
    """
    return 3 * settings.hub_deadline + size / SLOWEST


def create_repo(
    repo_id: str, token: SecretStr, settings: Settings, private: bool = True, kind: RepoType = "model"
) -> bool:
    """Create a repository; False when the account has it already.

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
            lambda: api.create_repo(repo_id, repo_type=kind, private=private, exist_ok=False),
            settings.hub_deadline,
            f"creating {repo_id}",
            repo_id,
        )
    except Conflict as conflict:
        if not who.owns(owner):
            taken = f"{repo_id} exists and belongs to somebody else. Choose a name under your own account."
            raise Conflict(taken) from None
        return _take_over(kind, private, repo_id, (settings, token), conflict)
    return True


def _take_over(
    kind: RepoType, private: bool, repo_id: str, access: tuple[Settings, SecretStr], conflict: Conflict
) -> Literal[False]:
    """Whether a repository of one's own that exists may be written to."""
    try:
        found = info(kind, repo_id, "", *access)
    except NotFound:
        raise conflict from None
    if private and not found.private:
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
    there = _listing(api, push, settings)
    files = _compare(_inventory(push.folder), there)
    changed = [file for file in files if not file.unchanged]
    total = sum(file.size for file in changed)
    operations = {file.path: CommitOperationAdd(file.path, str(file.file)) for file in changed}
    gone = _replaced(push, there, files)
    done = 0
    for group in _groups(changed):
        size = sum(file.size for file in group)
        name = group[0].path if len(group) == 1 else f"{len(group)} small files"
        report(done, total, f"Sending {name}")
        _send(api, push, [operations[file.path] for file in group], (settings, size), cancelled)
        done += size
    report(done, total, "Writing the commit")
    commit = _commit(api, push, [*operations.values(), *gone], settings, cancelled)
    return PublishResult(
        url=f"{settings.endpoint}/{'datasets/' if push.kind == 'dataset' else ''}{push.repo_id}",
        commit=commit,
        files=tuple(file.path for file in changed),
        skipped=tuple(file.path for file in files if file.unchanged),
        bytes=total,
    )


def _listing(api: "HfApi", push: Push, settings: Settings) -> dict[str, "RepoFile"]:
    def listing() -> dict[str, "RepoFile"]:
        from huggingface_hub.hf_api import RepoFile

        tree = api.list_repo_tree(push.repo_id, recursive=True, repo_type=push.kind)
        return {file.path: file for file in tree if isinstance(file, RepoFile)}

    return session.ask(listing, settings.hub_deadline, f"listing {push.repo_id}", push.repo_id)


def _replaced(push: Push, there: Iterable[str], files: Sequence[_Local]) -> "list[CommitOperationDelete]":
    """What is to go away, in the same commit."""
    from huggingface_hub import CommitOperationDelete

    ours = {file.path for file in files}
    fitting = [path for path in there if push.replaced and re.fullmatch(push.replaced, path)]
    return [CommitOperationDelete(path) for path in fitting if path not in ours]


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
    push: Push,
    operations: "list[CommitOperationAdd]",
    load: tuple[Settings, int],
    cancelled: Callable[[], bool],
) -> None:
    """Bring the contents to the Hub's file storage; the repository does not change yet."""
    session.ask(
        lambda: api.preupload_lfs_files(push.repo_id, operations, free_memory=False, repo_type=push.kind),
        transfer_deadline(*load),
        f"sending files to {push.repo_id}",
        push.repo_id,
        cancelled,
    )


def _commit(
    api: "HfApi",
    push: Push,
    operations: "list[CommitOperationAdd | CommitOperationDelete]",
    settings: Settings,
    cancelled: Callable[[], bool],
) -> str:
    """Make the contents appear, all at once. Returns the commit's sha."""

    def commit() -> str:
        import warnings

        if not operations:
            return api.repo_info(push.repo_id, repo_type=push.kind).sha or ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the Hub's remarks on the card were shown before
            return api.create_commit(push.repo_id, operations, commit_message=push.message, repo_type=push.kind).oid

    return session.ask(commit, 3 * settings.hub_deadline, f"publishing {push.repo_id}", push.repo_id, cancelled)
