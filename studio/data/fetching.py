"""A file at a web address → a file here, in parts that are kept: a download that was cut goes on where it stopped.

Only public addresses are connected to, for each redirect anew.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import httpcore2
import httpx2
from filelock import FileLock, Timeout

from studio.core.errors import Conflict, InvalidInput, NotFound, SiteError, TimedOut
from studio.core.settings import Settings
from studio.data import content, openweb, uploads
from studio.data.content import FORMATS, MEGABYTE
from studio.data.watching import UNWATCHED, Watch

FIELD = "source"
REDIRECTS = 5
TRIES = 4
SLOWEST = 32 * 1024  # bytes per second under which a download counts as stalled
PARTIAL, BEYOND = 206, 416
PORTS = {"http": 80, "https": 443}
NO_ADDRESS = "It is no web address. Give it as https://host/path."
# What a name without a known ending is by the answer's type.
TYPES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrow",
    "application/zip": ".zip",
    "application/vnd.sqlite3": ".sqlite",
    "text/plain": ".txt",
}


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched, and what it is called."""

    path: Path
    name: str


def check(url: str, settings: Settings) -> None:
    """Refuse what is no usable address, or not a public one, before the site is asked; `InvalidInput` at "source"."""
    url = url.strip()
    _check(url, settings)
    try:
        parts = httpx2.URL(url)
        openweb.address(parts.raw_host.decode(), parts.port or PORTS[parts.scheme])
    except httpx2.InvalidURL:
        raise InvalidInput(FIELD, url, NO_ADDRESS) from None
    except httpcore2.ConnectError as error:
        _explain(url, error)


@contextmanager
def fetched(url: str, settings: Settings, owner: str, watch: Watch = UNWATCHED, name: str = "") -> Iterator[Fetched]:
    """The file at a web address, for one piece of work; it is gone afterwards, where that piece succeeded.

    Args:
        url: http or https, of a public address.
        settings: says where parts are kept, how large a file may be and how long an answer may take.
        owner: whose download it is; nobody else goes on with it.
        watch: is told how far it is, and can stop it.
        name: what the user calls it; its ending counts where the file's own says nothing.

    Raises:
        InvalidInput: at "source": no such address, not a public one, too large, of no known format, or not for
            everybody.
        NotFound: there is no such file.
        Conflict: the owner is fetching it already.
        SiteError: the site failed, or the connection did again and again; what came is kept for a day.
        TimedOut: it is too slow; what came is kept as well.
        JobCancelled: `watch` said so; what came is kept as well.
    """
    url = url.strip()
    _check(url, settings)
    downloads = settings.home / "datasets" / "downloads"
    uploads.sweep(downloads, "*")
    folder = downloads / hashlib.sha256(f"{owner}\0{url}".encode()).hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield _Download(url, folder, settings, watch).run(name)
            (folder / "part").unlink(missing_ok=True)
    except Timeout:
        raise Conflict("This address is being fetched already.") from None
    except InvalidInput:  # it would be of no use to a later try either
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _check(url: str, settings: Settings) -> None:
    """Refuse what is no usable address before anything is asked."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise InvalidInput(FIELD, url, NO_ADDRESS) from None
    if parts.scheme.lower() not in ("http", "https") or not host or any(ord(character) < 33 for character in url):
        raise InvalidInput(FIELD, url, NO_ADDRESS)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(FIELD, f"{parts.scheme}://…@{host}", "Give an address without a user name and password.")
    hub = urlsplit(settings.endpoint).hostname
    found = re.fullmatch(r"/datasets/(?P<repo>[^/]+/[^/]+)(/(tree|viewer)/.*)?/?", parts.path)
    if host == hub and found:
        raise InvalidInput(FIELD, url, f"This is a page of the Hub. Open the data set by its id: {found['repo']}.")


class _Download:
    """One download; `part` holds what came, `state.json` what the server says of the file."""

    def __init__(self, url: str, folder: Path, settings: Settings, watch: Watch) -> None:
        self._url, self._watch = url, watch
        self._part, self._state = folder / "part", folder / "state.json"
        self._limit, self._deadline = settings.max_upload_mb * MEGABYTE, settings.hub_deadline
        self._end = time.monotonic() + 3 * settings.hub_deadline  # and later by what has come

    def run(self, called: str) -> Fetched:
        """Fetch until it is whole, going on after cuts."""
        failures = 0
        with httpx2.Client(
            transport=openweb.Transport(self._watch.check),
            follow_redirects=True,
            max_redirects=REDIRECTS,
            timeout=self._deadline,
            trust_env=False,
        ) as client:
            while True:
                before = self._size()
                try:
                    return Fetched(self._part, self._once(client, called))
                except httpx2.TooManyRedirects:
                    raise InvalidInput(FIELD, self._url, f"It leads on more than {REDIRECTS} times.") from None
                except (httpx2.UnsupportedProtocol, httpx2.InvalidURL):
                    raise InvalidInput(FIELD, self._url, "It leads to something that is no web address.") from None
                except httpx2.TransportError as error:
                    if isinstance(error, httpx2.TimeoutException) and not self._size():
                        late = f"{_host(self._url)} did not answer within {self._deadline:.0f} s."
                        raise TimedOut(late) from None
                    if isinstance(error.__cause__, httpcore2.ConnectError):
                        _explain(self._url, error.__cause__)
                    failures = 1 if self._size() > before else failures + 1
                    if failures >= TRIES:
                        raise SiteError(f"The connection to {_host(self._url)} failed again and again.") from None
                    self._watch.at(0, "The connection was cut; going on")
                    time.sleep(min(2.0, 0.2 * 2**failures))

    def _once(self, client: httpx2.Client, called: str) -> str:
        """One request for what is missing; returns the file's name once it is whole."""
        have, state = self._size(), self._known()
        headers = {"Accept-Encoding": "identity", "User-Agent": "studio"}
        if have and state.get("tag"):
            headers |= {"Range": f"bytes={have}-", "If-Range": state["tag"]}
        with client.stream("GET", self._url, headers=headers) as answer:
            if answer.status_code == BEYOND and state.get("size") == str(have):
                return state["name"]
            self._refuse(answer)
            going_on = answer.status_code == PARTIAL and answer.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            )
            if answer.status_code == PARTIAL and not going_on:
                raise SiteError(f"{_host(self._url)} answers with another part than was asked for.")
            have = have if going_on else 0
            length = answer.headers.get("Content-Length", "")
            total = have + int(length) if length.isdigit() else 0
            self._check_size(total)
            name = state["name"] if going_on else _name(answer)
            if PurePosixPath(called).suffix.lower() not in FORMATS:
                self._check_format(name)
            self._remember(answer, total, name)
            self._receive(answer, have, total)
            return name

    def _receive(self, answer: httpx2.Response, have: int, total: int) -> None:
        with self._part.open("r+b" if have else "wb") as file:
            file.truncate(have)
            file.seek(have)
            for chunk in answer.iter_raw():
                file.write(chunk)
                file.flush()
                have += len(chunk)
                self._end += len(chunk) / SLOWEST
                self._check_size(have)
                if time.monotonic() > self._end:
                    raise TimedOut(f"{_host(self._url)} is too slow: {have / MEGABYTE:,.1f} MB have come.")
                of = f"of {total / MEGABYTE:,.1f} MB" if total else "MB so far"
                self._watch.at(have / total if total else 0.0, f"Fetching: {have / MEGABYTE:,.1f} {of}")
        if total and have != total:
            raise httpx2.ReadError("The answer is shorter than it says.")

    def _refuse(self, answer: httpx2.Response) -> None:
        status, host = answer.status_code, _host(self._url)
        if status in (200, PARTIAL):
            return
        if status in (404, 410):
            raise NotFound(f"{host} has no such file ({status}).")
        if status == BEYOND:
            self._part.unlink(missing_ok=True)
            raise httpx2.ReadError("The file has changed.")
        if status == 429 or status >= 500:
            raise SiteError(f"{host} does not serve it at the moment ({status}). Try again later.")
        raise InvalidInput(FIELD, self._url, f"The site answers {status}: it is not for everybody. Upload the file.")

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            self._part.unlink(missing_ok=True)
            sizes = f"{size / MEGABYTE:,.1f} MB or more; at most {self._limit / MEGABYTE:,.0f} MB"
            raise InvalidInput(FIELD, self._url, f"It has {sizes} are fetched.")

    def _check_format(self, name: str) -> None:
        try:
            content.format_of(name)
        except InvalidInput as error:
            raise InvalidInput(FIELD, self._url, error.expected) from None

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _known(self) -> dict[str, str]:
        try:
            found = json.loads(self._state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and "name" in found else {}

    def _remember(self, answer: httpx2.Response, total: int, name: str) -> None:
        tag = answer.headers.get("ETag", "")
        tag = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")
        self._state.write_text(json.dumps({"tag": tag, "size": str(total), "name": name}), encoding="utf-8")


def _explain(url: str, error: httpcore2.ConnectError) -> None:
    """Raise where trying again does not help."""
    if isinstance(error, openweb.NotPublic):
        expected = "Only addresses of the open web are fetched, at their usual port: nothing inside a network."
        raise InvalidInput(FIELD, url, expected) from None
    if isinstance(error, openweb.NoHost):
        raise InvalidInput(FIELD, url, "There is no such host.") from None


def _name(answer: httpx2.Response) -> str:
    """What the file is called: as the answer says, else as the address ends; untrusted."""
    message = Message()
    message["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    named = message.get_filename() or unquote(PurePosixPath(urlsplit(str(answer.url)).path).name)
    name = PurePosixPath(named.replace("\\", "/")).name or "download"
    if PurePosixPath(name).suffix.lower() in FORMATS:
        return name
    return name + TYPES.get(answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(), "")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
