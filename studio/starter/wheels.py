"""Pinned wheels, and where this machine's pip would get them from. Looks up addresses; fetches nothing large.

pip itself is asked for its configuration only: `pip download` can neither go on after a cut nor be cancelled. Indexes
speak PEP 691 (JSON) or PEP 503 (HTML), over http(s) or as a folder; `find-links` counts where it names a folder.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from ssl import create_default_context
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from studio.core.errors import StudioError

if TYPE_CHECKING:
    import httpx2

PATIENCE = 20.0  # seconds per network operation
SIMPLE = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.5, text/html;q=0.1"
SECTIONS = ("global", "install", ":env:")  # the later wins, as in pip
DEFAULT_INDEX = re.compile(r"Base URL of the Python\s+Package Index \(default\s+(\S+?)\)")


class SourceError(StudioError):
    """A source is not the one that the kit was built from."""


class IndexUnreachable(StudioError):
    """The package index cannot be reached."""

    status = 503


@dataclass(frozen=True)
class Wheel:
    """One package of the Python index (or of npm's registry, or of Debian), pinned to the byte.

    `size` is in bytes, 0 where it was not noted; an extra's must be.
    """

    package: str
    version: str
    sha256: str
    size: int = 0

    @property
    def requirement(self) -> str:
        """What pip is asked for, and what the manifest records for all of them."""
        return f"{self.package}=={self.version}"

    @property
    def file(self) -> str:
        """Under which name it is kept once it is here."""
        return f"{self.package.replace('-', '_')}-{self.version}.whl"


@dataclass(frozen=True)
class Place:
    """Where one file lies: a path of this machine, or an address and pip's settings for reaching it."""

    address: str = ""
    path: Path | None = None
    config: Mapping[str, str] = field(default_factory=dict)

    def client(self) -> "httpx2.Client":
        """An HTTP client with pip's certificates, proxy and our patience."""
        return _client(self.config)


def locate(wheel: Wheel) -> Place:
    """Where the wheel lies.

    Raises `IndexUnreachable` when no index answered, `SourceError` when none has it.
    """
    config = pip_config()
    for folder in _words(config.get("find-links", "")):
        if (path := _as_path(folder)) and (found := _in_folder(path, wheel)):
            return Place(path=found)
    failures: list[str] = []
    for index in () if config.get("no-index", "") in ("1", "true", "yes", "on") else _indexes(config):
        try:
            for address, sha256 in _listed(f"{index.rstrip('/')}/{_normal(wheel.package)}/", config):
                if _is_wheel(unquote(urlsplit(address).path.rpartition("/")[2]), wheel) and sha256 in (
                    "",
                    wheel.sha256,
                ):
                    return Place(address, _as_path(address), config)
        except IndexUnreachable as error:
            failures.append(str(error))
    if failures:
        raise IndexUnreachable(f"{wheel.requirement}: {failures[0]}")
    raise SourceError(f"No package index that pip knows here has {wheel.requirement} with sha256 {wheel.sha256[:12]}….")


def pip_config() -> dict[str, str]:
    """What pip is set to, files and environment together, by bare name; raises `StudioError` where pip is missing."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in _pip("config", "list").splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            found[section][name] = str(ast.literal_eval(value))
    return {name: value for section in SECTIONS for name, value in found[section].items()}


def _client(config: Mapping[str, str]) -> "httpx2.Client":
    import httpx2

    trusted = create_default_context(cafile=config.get("cert") or None)
    return httpx2.Client(verify=trusted, proxy=config.get("proxy") or None, timeout=PATIENCE, follow_redirects=True)


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise StudioError("pip does not work in this environment; `python -m ensurepip` installs it.")
    return done.stdout


@cache
def _default_index() -> str:
    found = DEFAULT_INDEX.search(_pip("install", "--help"))
    return found[1] if found else ""


def _indexes(config: Mapping[str, str]) -> list[str]:
    first = config.get("index-url") or _default_index()
    return [index for index in (first, *_words(config.get("extra-index-url", ""))) if index]


def _listed(page: str, config: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Address and sha256 ("" where none is stated) of every file on an index's page."""
    import httpx2

    if folder := _as_path(page):
        html = folder / "index.html"
        if html.is_file():
            yield from _anchors(html.read_text(encoding="utf-8", errors="replace"), html.as_uri())
        return
    try:
        with _client(config) as http:
            answer = http.get(page, headers={"Accept": SIMPLE})
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.TooManyRedirects) as error:
        raise IndexUnreachable(f"The package index cannot be reached ({type(error).__name__}).") from None
    if answer.status_code == httpx2.codes.NOT_FOUND:
        return
    if answer.status_code != httpx2.codes.OK:
        raise IndexUnreachable(f"The package index answers with status {answer.status_code}.")
    base = _with_account(str(answer.url), page)
    pairs = _entries(answer.json()) if "json" in answer.headers.get("content-type", "") else _anchors(answer.text, "")
    for address, sha256 in pairs:
        yield _with_account(urljoin(base, address), page), sha256


def _entries(page: Any) -> Iterator[tuple[str, str]]:
    for file in page.get("files", []) if isinstance(page, dict) else []:
        yield str(file.get("url", "")), str((file.get("hashes") or {}).get("sha256", ""))


class _Anchors(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One opening tag."""
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.found.append(target)


def _anchors(page: str, base: str) -> Iterator[tuple[str, str]]:
    parser = _Anchors()
    parser.feed(page)
    for target in parser.found:
        address, fragment = urldefrag(urljoin(base, target))
        yield address, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""


def _with_account(address: str, index: str) -> str:
    """The address with the index's own user name and password, where it lies on the same host and has none."""
    wanted, parts = urlsplit(index), urlsplit(address)
    account, at, host = wanted.netloc.rpartition("@")
    if not at or parts.netloc != host or parts.scheme != wanted.scheme:
        return address
    return parts._replace(netloc=f"{account}@{host}").geturl()


def _in_folder(folder: Path, wheel: Wheel) -> Path | None:
    names = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((path for path in names if _is_wheel(path.name, wheel) and path.is_file()), None)


def _is_wheel(name: str, wheel: Wheel) -> bool:
    parts = name.removesuffix(".whl").split("-")
    return name.endswith(".whl") and _normal(parts[0]) == _normal(wheel.package) and parts[1:2] == [wheel.version]


def _normal(package: str) -> str:
    """As PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def _as_path(address: str) -> Path | None:
    """The path of a file: address or a plain path; None for what lies elsewhere."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(address).expanduser()


def _words(value: str) -> list[str]:
    return value.split()
