"""Files at web addresses, from a real server: cuts, limits, and every way into a private network."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore2
import pytest

from studio.core import addresses
from studio.core.errors import InvalidInput, JobCancelled, NotFound, SiteError, TimedOut, UserError
from studio.core.settings import Settings
from studio.data import fetching, uploads
from studio.data.watching import Watch
from tests.openweb import FILE, Answer, Site, cut, serving, silent, whole

PUBLIC = "93.184.216.34"


def redirect(to: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def status(code: int) -> Answer:
    return lambda request: request.send_error(code)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Names as `open.example` have a public address, and connecting to that leads to the server here."""
    names = {"open.example": [PUBLIC], "other.example": [PUBLIC]}

    def resolved(host: str, port: int) -> list[str]:
        if host in names:
            return names[host]
        raise OSError("no such host") if host.endswith(".invalid") else LookupError(host)

    original, real = httpcore2.SyncBackend.connect_tcp, addresses.resolved
    ours = re.compile(r"example$|invalid$")
    with serving() as site:

        def connect(backend: httpcore2.SyncBackend, host: str, port: int, *rest: Any) -> httpcore2.NetworkStream:
            site.connected.append((host, port))
            return original(backend, "127.0.0.1", site.port, *rest)

        monkeypatch.setattr(
            addresses, "resolved", lambda host, port: (resolved if ours.search(host) else real)(host, port)
        )
        monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
        yield site


def fetch(url: str, settings: Settings, watch: Watch | None = None, owner: str = "local") -> tuple[bytes, str]:
    with fetching.fetched(url, settings, owner, watch or Watch()) as found:
        return found.path.read_bytes(), found.name


def test_a_file(site: Site, settings: Settings) -> None:
    told: list[float] = []
    watch = Watch(lambda done, total, message: told.append(done))
    assert fetch("http://open.example/data/rows.csv?x=1", settings, watch) == (FILE, "rows.csv")
    assert site.connected == [(PUBLIC, 80)]
    assert site.asked[0]["host"] == "open.example"
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert not list((settings.home / "datasets" / "downloads").iterdir())


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Content-Disposition": 'attachment; filename="../../../x.csv"'}, "x.csv"),
        ({"Content-Disposition": "attachment; filename*=UTF-8''%C3%BC.jsonl"}, "ü.jsonl"),
        ({"Content-Type": "text/csv; charset=utf-8"}, "export.csv"),
        ({"Content-Type": "application/zip"}, "export.zip"),
    ],
)
def test_names(site: Site, settings: Settings, headers: dict[str, str], name: str) -> None:
    site.answers.append(lambda request: whole(request, headers=headers))
    assert fetch("http://open.example/export", settings)[1] == name


def test_an_unknown_format_is_refused_before_it_is_fetched(site: Site, settings: Settings) -> None:
    def picture(request: BaseHTTPRequestHandler) -> None:
        whole(request, headers={"Content-Type": "image/png"})

    def record(told: list[float], done: float, total: float, message: str) -> None:
        told.append(done)

    site.answers += [picture] * 2
    for url, said in (
        ("http://open.example/export", "has no ending"),
        ("http://open.example/a.exe", r"ends in '\.exe'"),
    ):
        told: list[float] = []
        with pytest.raises(InvalidInput, match=said) as caught:
            fetch(url, settings, Watch(partial(record, told)))
        assert (caught.value.field, told) == ("source", [])
    assert not list((settings.home / "datasets" / "downloads").iterdir())
    with fetching.fetched("http://open.example/export", settings, "local", name="rows.csv") as found:
        assert found.path.read_bytes() == FILE  # the name that it is given tells what it is


MANY = 600  # drops of a site that nobody waits for to the end


def test_a_site_that_drips_is_left(site: Site, settings: Settings) -> None:
    left, drops = threading.Event(), list[bytes]()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        with suppress(ConnectionError):
            while len(drops) < MANY and not left.wait(0.05):
                request.wfile.write(b"x")
                drops.append(b"x")

    site.answers.append(drip)
    with pytest.raises(TimedOut, match="too slow"):
        fetch("http://open.example/a.csv", settings.model_copy(update={"hub_deadline": 0.2}))
    left.set()
    assert len(drops) < MANY


def test_a_silent_site_is_left_within_a_moment(site: Site, settings: Settings) -> None:
    gate, asked = threading.Event(), threading.Event()
    site.answers.append(silent(gate))
    threading.Timer(0.3, asked.set).start()
    started = time.perf_counter()
    with pytest.raises(JobCancelled):
        fetch("http://open.example/a.csv", settings, Watch(stop=asked.is_set))
    assert time.perf_counter() - started < 3
    gate.set()


@pytest.mark.parametrize(
    ("url", "said"), [("http://localhost/a.csv", "open web"), ("http://a.invalid/", "no such host")]
)
def test_checked_before_anything_is_asked(site: Site, settings: Settings, url: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        fetching.check(url, settings)
    fetching.check("https://open.example/a.csv", settings)
    assert (site.connected, site.asked) == ([], [])


def test_a_cut_goes_on_where_it_stopped(site: Site, settings: Settings) -> None:
    site.answers += [cut, cut]
    assert fetch("http://open.example/a.csv", settings)[0] == FILE
    assert site.asked[1]["range"].startswith("bytes=")
    assert site.asked[1]["if-range"] == '"v1"'


def test_a_later_try_goes_on_too(site: Site, settings: Settings) -> None:
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 2

    with pytest.raises(JobCancelled):
        fetch("http://open.example/a.csv", settings, Watch(stop=stop))
    assert fetch("http://open.example/a.csv", settings, owner="hf:other")[0] == FILE
    assert "range" not in site.asked[1]  # what one owner has fetched is no other's
    assert fetch("http://open.example/a.csv", settings)[0] == FILE
    assert int(site.asked[2]["range"].removeprefix("bytes=").strip("-")) > 0


def test_a_file_that_has_changed_is_fetched_anew(site: Site, settings: Settings) -> None:
    new = b"text,label\nnew,1\n"

    def changed(request: BaseHTTPRequestHandler) -> None:
        del request.headers["Range"]
        whole(request, new, {"ETag": '"v2"'})

    site.answers += [cut, changed]
    assert fetch("http://open.example/a.csv", settings)[0] == new


def test_a_site_that_fails_again_and_again(site: Site, settings: Settings) -> None:
    def nothing(request: BaseHTTPRequestHandler) -> None:
        request.connection.shutdown(socket.SHUT_RDWR)

    site.answers += [nothing] * 10
    with pytest.raises(SiteError, match="again and again"):
        fetch("http://open.example/a.csv", settings)


def test_silence_has_a_deadline(site: Site, settings: Settings) -> None:
    site.answers.append(lambda request: time.sleep(3))
    started = time.perf_counter()
    with pytest.raises(TimedOut, match=r"open\.example did not answer"):
        fetch("http://open.example/a.csv", settings.model_copy(update={"hub_deadline": 0.5}))
    assert time.perf_counter() - started < 2.5


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (404, NotFound, "no such file"),
        (401, InvalidInput, "not for everybody"),
        (403, InvalidInput, "not for everybody"),
        (429, SiteError, "at the moment"),
        (503, SiteError, "at the moment"),
    ],
)
def test_refusals(site: Site, settings: Settings, code: int, kind: type[Exception], said: str) -> None:
    site.answers.append(status(code))
    with pytest.raises(kind, match=said):
        fetch("http://open.example/a.csv", settings)


def test_too_large(site: Site, settings: Settings) -> None:
    small = settings.model_copy(update={"max_upload_mb": 1})
    content = b"x" * 1_500_000
    site.answers.append(lambda request: whole(request, content))
    with pytest.raises(InvalidInput, match=r"1\.5 MB or more; at most 1 MB"):
        fetch("http://open.example/a.csv", small)

    def without_length(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(content)
        request.connection.shutdown(socket.SHUT_RDWR)

    site.answers.append(without_length)
    with pytest.raises(InvalidInput, match="at most 1 MB"):
        fetch("http://open.example/b.csv", small)


INSIDE = [
    "http://127.0.0.1/a.csv",
    "http://localhost/a.csv",
    "http://127.1/a.csv",
    "http://2130706433/a.csv",
    "http://0x7f.1/a.csv",
    "http://0.0.0.0/a.csv",
    "http://10.0.0.1/a.csv",
    "http://172.16.3.4/a.csv",
    "http://192.168.1.1/a.csv",
    "http://100.64.0.1/a.csv",
    "http://169.254.169.254/latest/meta-data/",
    "http://224.0.0.1/a.csv",
    "http://[::1]/a.csv",
    "http://[::ffff:127.0.0.1]/a.csv",
    "http://[::ffff:a9fe:a9fe]/a.csv",
    "http://[fd00:ec2::254]/a.csv",
    "http://[fe80::1]/a.csv",
    "http://[64:ff9b::7f00:1]/a.csv",
    "http://[2002:7f00:1::]/a.csv",
    f"http://{PUBLIC}:22/a.csv",
    f"http://{PUBLIC}:6379/a.csv",
]


@pytest.mark.parametrize("url", INSIDE)
def test_nothing_inside_a_network_is_reached(site: Site, settings: Settings, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        fetch(url, settings)
    assert caught.value.field == "source"
    site.answers.append(redirect(url))
    with pytest.raises(InvalidInput):
        fetch("http://open.example/a.csv", settings)
    assert site.connected == [(PUBLIC, 80)]  # the redirect itself, and nothing else


def test_a_name_that_changes_its_address_leads_nowhere(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter([[PUBLIC], ["127.0.0.1"]])
    monkeypatch.setattr(addresses, "resolved", lambda host, port: next(turns))
    site.answers.append(cut)
    with pytest.raises(InvalidInput, match="open web"):
        fetch("http://rebind.example/a.csv", settings)  # asked again after the cut
    assert site.connected == [(PUBLIC, 80)]
    monkeypatch.setattr(addresses, "resolved", lambda host, port: [PUBLIC, "10.0.0.1"])
    with pytest.raises(InvalidInput, match="open web"):
        fetch("http://mixed.example/a.csv", settings)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://open.example/a.csv", "no web address"),
        ("file:///etc/passwd", "no web address"),
        ("http://", "no web address"),
        ("http:///a.csv", "no web address"),
        ("http://[::1/a.csv", "no web address"),
        ("http://open.example/a b.csv", "no web address"),
        ("http://open.example/a\r\nHost: x", "no web address"),
        ("http://ann:secret@open.example/a.csv", "without a user name"),
        ("http://nowhere.invalid/a.csv", "no such host"),
        ("https://huggingface.co/datasets/owner/name", "by its id: owner/name"),
    ],
)
def test_no_address(site: Site, settings: Settings, url: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        fetch(url, settings)
    assert "secret" not in str(caught.value)
    assert site.connected == []


def test_redirects(site: Site, settings: Settings) -> None:
    site.answers.append(redirect("http://other.example/real.csv"))
    assert fetch("http://open.example/a", settings) == (FILE, "real.csv")
    site.answers += [redirect("http://open.example/again")] * 10
    with pytest.raises(InvalidInput, match="more than 5 times"):
        fetch("http://open.example/b", settings)
    site.answers = [redirect("file:///etc/passwd")]
    with pytest.raises(InvalidInput, match="no web address"):
        fetch("http://open.example/c", settings)


def test_what_nobody_goes_on_with_is_swept(site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answers.append(cut)
    with pytest.raises(JobCancelled):
        fetch("http://open.example/a.csv", settings, Watch(stop=lambda: len(site.asked) > 0))
    kept = settings.home / "datasets" / "downloads"
    assert len(list(kept.iterdir())) == 1
    monkeypatch.setattr(uploads, "STALE_SECONDS", -1)
    fetch("http://open.example/b.csv", settings)
    assert not list(kept.iterdir())
