"""Git's object model, as far as the Hub shows it: entries, trees and commits with their real object ids.

Blobs, LFS pointers, trees and commits hash as git hashes them; file contents are kept by `storage.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType


def git_oid(kind: str, data: bytes) -> str:
    """The id git gives an object of this kind (sha1 over `kind size NUL data`)."""
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The text git stores in place of a large file (git-lfs pointer, version 1)."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


@dataclass(frozen=True)
class Entry:
    """One file of a tree: `oid` is the id of its git blob; `sha256` is set where that blob is an LFS pointer."""

    oid: str
    size: int
    sha256: str | None = None

    @property
    def etag(self) -> str:
        """What the Hub answers as `X-Linked-Etag` (large files) or `ETag`."""
        return self.sha256 or self.oid

    @property
    def pointer_size(self) -> int:
        """Bytes of the LFS pointer (0 for a regular file)."""
        return len(lfs_pointer(self.sha256, self.size)) if self.sha256 else 0


Tree = Mapping[str, Entry]
EMPTY_TREE: Tree = MappingProxyType({})


def regular_entry(data: bytes) -> Entry:
    """The entry of a file stored in git itself."""
    return Entry(git_oid("blob", data), len(data))


def large_entry(sha256: str, size: int) -> Entry:
    """The entry of a file stored beside git (LFS or Xet)."""
    return Entry(git_oid("blob", lfs_pointer(sha256, size)), size, sha256)


@dataclass(frozen=True)
class Commit:
    """One commit; `tree` is complete and never changes."""

    oid: str
    parent: str | None
    title: str
    message: str
    author: str
    date: datetime
    tree: Tree


def new_commit(tree: Tree, parent: str | None, title: str, message: str, author: str) -> Commit:
    """A commit of `tree` on top of `parent`, dated now, with the id git would give it."""
    date = datetime.now(UTC)
    who = f"{author} <{author}@users.noreply.example.com> {int(date.timestamp())} +0000"
    lines = [f"tree {folder_oids(tree)['']}", *([f"parent {parent}"] if parent else [])]
    text = "\n".join([*lines, f"author {who}", f"committer {who}", "", title, message, date.isoformat()])
    return Commit(git_oid("commit", text.encode()), parent, title, message, author, date, MappingProxyType(dict(tree)))


def folder_oids(tree: Tree) -> dict[str, str]:
    """Every folder of the tree with its git tree id; the root is `""`."""
    children: dict[str, dict[str, Entry | None]] = {"": {}}
    for path, entry in tree.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            children.setdefault(folder, {})
            children["/".join(parts[: depth - 1])][parts[depth - 1]] = None
        children["/".join(parts[:-1])][parts[-1]] = entry
    oids: dict[str, str] = {}
    for folder in sorted(children, key=lambda name: -(name.count("/") + bool(name))):
        oids[folder] = _tree_oid(folder, children[folder], oids)
    return oids


def _tree_oid(folder: str, children: Mapping[str, Entry | None], oids: Mapping[str, str]) -> str:
    prefix = f"{folder}/" if folder else ""
    data = b""
    # git sorts folders as if their names ended with a slash
    for name in sorted(children, key=lambda child: child + ("/" if children[child] is None else "")):
        entry = children[name]
        mode, oid = ("40000", oids[prefix + name]) if entry is None else ("100644", entry.oid)
        data += f"{mode} {name}\0".encode() + bytes.fromhex(oid)
    return git_oid("tree", data)
