"""Data sets on the Hub as they lie there: what files there are, and any part of one. Downloads nothing whole."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from studio.core.errors import HubError, NotFound
from studio.core.settings import Settings
from studio.hub import downloads, repos, session

CONVERTED = "refs/convert/parquet"  # where the Hub keeps the Parquet that it made of a data set
TRIES = 3
SIGNED_SECONDS = 600  # how long the address is used that the Hub has sent us to; they hold for an hour
PARTIAL = 206


@dataclass(frozen=True)
class HubFile:
    """One file; `sha256` is "" for one that lies in git itself."""

    path: str
    size: int
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """A data set at one commit.

    Attributes:
        header: the YAML of its card, untrusted.
        token: what it was looked up with; in memory only.
    """

    repo_id: str
    sha: str
    files: tuple[HubFile, ...]
    header: Mapping[str, Any] = field(default_factory=dict, hash=False)
    license: str = ""
    token: SecretStr | None = field(default=None, repr=False, compare=False)

    def file(self, path: str) -> HubFile:
        """The file at a path that the listing has."""
        return next(file for file in self.files if file.path == path)


def listing(repo_id: str, revision: str, settings: Settings) -> Listing:
    """Look a data set up, in the name of whoever the settings are used for.

    Raises:
        NotFound: no such data set or revision, or it may not be seen.
        SignInRequired: private, and nobody is signed in.
        HubUnreachable: no answer.
    """
    repos.parse_repo_id(repo_id)
    info, token = downloads.look_up("dataset", repo_id, revision, settings)
    files = tuple(
        HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs is not None else "")
        for one in info.siblings or ()
    )
    header = info.card_data.to_dict() if info.card_data is not None else {}
    return Listing(repo_id, info.sha or "", files, header, downloads.license_of(info), token)


def converted(repo_id: str, settings: Settings) -> Listing | None:
    """The Parquet that the Hub has made of the newest state of a data set; None where it has made none."""
    try:
        return listing(repo_id, CONVERTED, settings)
    except NotFound:
        return None


def check_access(found: Listing, path: str, settings: Settings) -> None:
    """Raise `Forbidden` or `SignInRequired` where the files may not be read: a gated data set shows its list to all."""
    from huggingface_hub import get_hf_file_metadata

    session.api(settings, found.token)
    session.ask(
        lambda: get_hf_file_metadata(_address(found, path, settings), token=_secret(found), endpoint=settings.endpoint),
        settings.hub_deadline,
        f"looking at {found.repo_id}",
        found.repo_id,
    )


def reader(found: Listing, path: str, settings: Settings) -> Callable[[int, int], bytes]:
    """What gives the bytes of one file from an offset to another, by a range request of HTTP.

    It raises `HubUnreachable` when the network goes, and `HubError` when the Hub does not answer in parts. Of a file
    that comes as a whole only, the first bytes are taken, and the rest is not waited for.
    """
    return _Reader(found, path, settings)


class _Reader:
    """Range requests for one file; remembers for some minutes where the Hub has sent us to."""

    def __init__(self, found: Listing, path: str, settings: Settings) -> None:
        self._found, self._path, self._settings = found, path, settings
        self._signed, self._until = "", 0.0

    def __call__(self, start: int, stop: int) -> bytes:
        session.api(self._settings, self._found.token)  # refuses offline, and installs our client
        return session.ask(
            lambda: self._fetch(start, stop),
            repos.transfer_deadline(self._settings, stop - start),
            f"reading {self._found.repo_id}",
            self._found.repo_id,
        )

    def _fetch(self, start: int, stop: int) -> bytes:
        import httpx2

        for attempt in range(1, TRIES + 1):
            try:
                data = self._part(start, stop)
            except httpx2.TransportError:
                if attempt == TRIES:
                    raise
            else:
                if len(data) == stop - start:
                    return data
            self._signed = ""
            time.sleep(attempt / 5)
        raise HubError(f"The Hub gave {self._path} of {self._found.repo_id} in part only. Try again later.")

    def _part(self, start: int, stop: int) -> bytes:
        from huggingface_hub import get_session
        from huggingface_hub.utils._headers import build_hf_headers
        from huggingface_hub.utils._http import hf_raise_for_status

        signed = self._signed if time.monotonic() < self._until else ""
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        if not signed:
            headers |= build_hf_headers(token=_secret(self._found), library_name="studio")
        address = signed or _address(self._found, self._path, self._settings)
        with get_session().stream("GET", address, headers=headers) as response:
            if signed and response.status_code in (401, 403, 404):  # it no longer holds
                return b""
            hf_raise_for_status(response)
            if response.status_code != PARTIAL and start:
                raise HubError(f"{response.url.host} gives files as a whole only; this one is too large for that.")
            if response.history:
                self._signed, self._until = str(response.url), time.monotonic() + SIGNED_SECONDS
            return response.read() if response.status_code == PARTIAL else _first(response, stop)


def _first(response: Any, length: int) -> bytes:
    """The first bytes of an answer that is longer; whoever closes it leaves the others unread."""
    found = bytearray()
    for part in response.iter_bytes():
        found += part
        if len(found) >= length:
            break
    return bytes(found[:length])


def _address(found: Listing, path: str, settings: Settings) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(found.repo_id, path, repo_type="dataset", revision=found.sha, endpoint=settings.endpoint)


def _secret(found: Listing) -> str | bool:
    return found.token.get_secret_value() if found.token else False
