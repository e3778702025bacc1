"""What the server remembers: repositories with their history, file contents, and what Xet storage holds.

Everything is in memory. Commits and trees are immutable, so that a test may read while the server writes.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from .accounts import Accounts
from .errors import HubError, revision_not_found
from .objects import EMPTY_TREE, Commit, Entry, Tree, new_commit, regular_entry
from .xet import XetStorage

RepoKind = Literal["model", "dataset", "space"]
Gate = Literal["auto", "manual", False]

KINDS: dict[str, RepoKind] = {"models": "model", "datasets": "dataset", "spaces": "space"}

_LARGE_PATTERNS = (
    "*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz *.onnx"
    " *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/* *.tar.* *.tar *.tflite *.tgz"
    " *.wasm *.xz *.zip *.zst *tfevents*"
)
_LARGE_DATASET_PATTERNS = (
    " *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp *.mp4 *.webm"
)


@dataclass
class Discussion:
    """A discussion or pull request; `events` are stored as the API shows them."""

    num: int
    title: str
    author: str
    is_pull_request: bool
    status: str
    created_at: datetime
    base: str | None = None
    merge_commit: str | None = None
    events: list[dict[str, object]] = field(default_factory=list)


@dataclass
class SpaceState:
    """What a Space has besides its files. Nothing runs: stage and hardware follow what was asked."""

    sdk: str = "gradio"
    stage: str = "RUNNING"
    hardware: str = "cpu-basic"
    sleep_seconds: int | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


@dataclass
class HubJob:
    """A job on the Hub's machines. Nothing runs: whoever tests sets `stage`, `message` and adds to `log`."""

    id: str
    namespace: str
    spec: dict[str, Any]
    created_at: datetime
    stage: str = "SCHEDULING"
    message: str | None = None
    log: list[str] = field(default_factory=list)


@dataclass
class Repo:
    """One repository: its references and commits, who may see it, its counters, and which providers serve it.

    `providers`: provider → its `providerId`, `task` and `status`.
    """

    kind: RepoKind
    id: str
    private: bool = False
    gated: Gate = False
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pull_requests: dict[int, str] = field(default_factory=dict)
    discussions: list[Discussion] = field(default_factory=list)
    granted: set[str] = field(default_factory=set)
    downloads: int = 0
    likes: int = 0
    providers: dict[str, dict[str, str]] = field(default_factory=dict)
    space: SpaceState = field(default_factory=SpaceState)

    @property
    def author(self) -> str:
        """The namespace: a person or an organization."""
        return self.id.split("/")[0]

    @property
    def url_path(self) -> str:
        """Where the repository's own page is: models have no prefix."""
        return self.id if self.kind == "model" else f"{self.kind}s/{self.id}"

    def find(self, revision: str) -> Commit:
        """The commit of a branch, tag, `refs/pr/N` or (at least 7 digits of) an id; raises RevisionNotFound."""
        short = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        number = revision.removeprefix("refs/pr/")
        if number != revision and number.isdigit() and int(number) in self.pull_requests:
            return self.commits[self.pull_requests[int(number)]]
        for references in (self.branches, self.tags):
            if short in references:
                return self.commits[references[short]]
        matches = [oid for oid in self.commits if len(revision) >= 7 and oid.startswith(revision)]
        if len(matches) != 1:
            raise revision_not_found(revision)
        return self.commits[matches[0]]

    def history(self, start: Commit) -> Iterator[Commit]:
        """The commit and its ancestors, newest first."""
        current: Commit | None = start
        while current is not None:
            yield current
            current = self.commits[current.parent] if current.parent else None

    def last_change(self, start: Commit, path: str) -> Commit:
        """The newest commit, from `start` back, that changed this file or something in this folder."""
        inside = f"{path}/"

        def state(tree: Tree) -> list[tuple[str, Entry]]:
            return sorted((name, entry) for name, entry in tree.items() if name == path or name.startswith(inside))

        newest = start
        for commit in self.history(start):
            newest = commit
            parent = self.commits[commit.parent].tree if commit.parent else EMPTY_TREE
            if state(commit.tree) != state(parent):
                break
        return newest

    def push(self, reference: str, tree: Tree, title: str, message: str, author: str) -> Commit:
        """Put a new commit of `tree` on a branch or `refs/pr/N`, and move the reference to it."""
        parent = self.find(reference) if self.commits else None
        commit = new_commit(tree, parent.oid if parent else None, title, message, author)
        self.commits[commit.oid] = commit
        number = reference.removeprefix("refs/pr/")
        if number != reference:
            self.pull_requests[int(number)] = commit.oid
        else:
            self.branches[reference.removeprefix("refs/heads/")] = commit.oid
        return commit


@dataclass
class Hub:
    """All state of one server. `base` is its own address; `page_size` bounds every list it answers.

    `served` holds what (provider, model) answers, `without_credit` the users who have none for Inference Providers.
    """

    base: str
    accounts: Accounts = field(default_factory=Accounts)
    repos: dict[tuple[RepoKind, str], Repo] = field(default_factory=dict)
    moved: dict[tuple[RepoKind, str], str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    lfs_parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    xet: XetStorage = field(default_factory=XetStorage)
    jobs: dict[str, HubJob] = field(default_factory=dict)
    served: dict[tuple[str, str], Any] = field(default_factory=dict)
    without_credit: set[str] = field(default_factory=set)
    page_size: int = 1000
    multipart_bytes: int = 50_000_000

    def create(self, kind: RepoKind, repo_id: str, owner: str, sdk: str = "gradio", *, private: bool = False) -> Repo:
        """Make a repository with the Hub's first commit (`.gitattributes`; a Space gets a README too)."""
        repo = Repo(kind, repo_id, private=private, space=SpaceState(sdk=sdk))
        patterns = _LARGE_PATTERNS + (_LARGE_DATASET_PATTERNS if kind == "dataset" else "")
        lines = [f"{pattern} filter=lfs diff=lfs merge=lfs -text" for pattern in patterns.split()]
        files = {".gitattributes": "\n".join([*lines, ""]).encode()}
        if kind == "space":
            name = repo_id.split("/")[1]
            files["README.md"] = f"---\ntitle: {name}\nsdk: {sdk}\npinned: false\n---\n".encode()
        tree = {path: self.store(data) for path, data in files.items()}
        repo.push("main", tree, "initial commit", "", owner)
        self.repos[(kind, repo_id)] = repo
        self.moved.pop((kind, repo_id), None)
        return repo

    def store(self, data: bytes) -> Entry:
        """Keep a regular file's bytes."""
        entry = regular_entry(data)
        self.blobs[entry.oid] = data
        return entry

    def store_large(self, data: bytes, expected_sha256: str) -> None:
        """Keep a large file's bytes; raises 400 where they are not what was announced."""
        actual = hashlib.sha256(data).hexdigest()
        if actual != expected_sha256:
            raise HubError(400, f"sha256 mismatch: announced {expected_sha256}, received {actual}")
        self.large[actual] = data

    def content(self, entry: Entry) -> bytes:
        """The bytes a download of this entry gives."""
        return self.large[entry.sha256] if entry.sha256 else self.blobs[entry.oid]

    def files(self, repo: Repo, revision: str = "main") -> dict[str, bytes]:
        """Every file at a revision with its bytes."""
        return {path: self.content(entry) for path, entry in repo.find(revision).tree.items()}

    def text(self, repo: Repo, path: str, commit: Commit) -> str | None:
        """A text file's content; None where it is missing or not UTF-8."""
        entry = commit.tree.get(path)
        if entry is None:
            return None
        try:
            return self.content(entry).decode()
        except UnicodeDecodeError:
            return None

    def is_large(self, repo: Repo, commit: Commit, path: str) -> bool:
        """Whether the repository's `.gitattributes` sends this path to LFS."""
        for line in (self.text(repo, ".gitattributes", commit) or "").splitlines():
            pattern, _, attributes = line.partition(" ")
            if "filter=lfs" in attributes and matches(path, pattern):
                return True
        return False


def matches(path: str, pattern: str) -> bool:
    """Git's rule in short: a pattern without a slash looks at the name, one with a slash at the whole path."""
    pattern = pattern.strip()
    if pattern.endswith("/"):
        return f"/{path}".find(f"/{pattern.strip('/')}/") >= 0
    if "/" not in pattern:
        return any(fnmatch.fnmatch(part, pattern) for part in path.split("/"))
    return fnmatch.fnmatch(path, pattern.strip("/").replace("**/", "*"))


def frozen(tree: dict[str, Entry]) -> Tree:
    """The tree as nobody can change it any more."""
    return MappingProxyType(tree)
