"""A package index on this machine: simple pages (PEP 503 and 691), ranges, and the faults that real ones have."""

import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zipfile import ZipFile

import pytest

from studio.starter.wheels import Wheel

JSON = "application/vnd.pypi.simple.v1+json"


def wheel_bytes(files: Mapping[str, bytes]) -> bytes:
    """A wheel that holds these files."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pinned(package: str, version: str, content: bytes) -> Wheel:
    return Wheel(package, version, hashlib.sha256(content).hexdigest(), len(content))


@dataclass
class Index:
    """What is offered, how it misbehaves, and what was asked for.

    Attributes:
        cuts: how many of the next downloads end after `cut_after` bytes, though more was promised.
        errors: how many of the next downloads are answered with status 500.
        ranges: whether a part of a file can be asked for.
        json: whether pages come as JSON where the client takes it.
        account: user:password that is asked for, "" for none.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: int = 0
    cut_after: int = 0
    errors: int = 0
    ranges: bool = True
    json: bool = True
    account: str = ""
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def add(self, package: str, version: str, content: bytes) -> Wheel:
        self.files[f"{package.replace('-', '_')}-{version}-py3-none-any.whl"] = content
        return pinned(package, version, content)


class _Answers(BaseHTTPRequestHandler):
    index: Index
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        import base64

        index = self.index
        wanted = f"Basic {base64.b64encode(index.account.encode()).decode()}"
        if index.account and self.headers.get("Authorization") != wanted:
            self._send(401, b"")
        elif self.path.startswith("/simple/"):
            self._page(self.path.split("/")[2])
        elif (name := self.path.rpartition("/")[2]) in index.files:
            self._file(index.files[name])
        else:
            self._send(404, b"")

    def _page(self, package: str) -> None:
        names = [
            name for name in self.index.files if re.sub(r"[-_.]+", "-", name.split("-")[0]).lower() == package.lower()
        ]
        hashes = {name: hashlib.sha256(self.index.files[name]).hexdigest() for name in names}
        if not names:
            self._send(404, b"")
        elif self.index.json and JSON in self.headers.get("Accept", ""):
            page: Any = {
                "files": [
                    {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": hashes[name]}}
                    for name in names
                ]
            }
            self._send(200, json.dumps(page).encode(), {"Content-Type": JSON})
        else:
            anchors = "".join(f'<a href="../../files/{name}#sha256={hashes[name]}">{name}</a>' for name in names)
            self._send(
                200, f"<!DOCTYPE html><html><body>{anchors}</body></html>".encode(), {"Content-Type": "text/html"}
            )

    def _file(self, content: bytes) -> None:
        index, asked = self.index, self.headers.get("Range", "")
        index.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and index.ranges else 0
        if index.errors:
            index.errors -= 1
            self._send(500, b"")
            return
        if start >= len(content):
            self._send(416, b"")
            return
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        rest = content[start:]
        if index.cuts:
            index.cuts -= 1
            self._send(206 if start else 200, rest[: index.cut_after], headers, promised=len(rest))
            self.close_connection = True
        else:
            self._send(206 if start else 200, rest, headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None, promised: int = -1) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(promised if promised >= 0 else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"index": index}))
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that pip is set to, and nothing else."""
    with serving(Index()) as running:
        point_pip_at(monkeypatch, running.url)
        yield running


def point_pip_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", url)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_PROXY", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
