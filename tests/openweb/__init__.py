"""A web server here that stands for one on the open web, also for the studio's own processes."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

FILE = b"text,label\n" + "".join(f"text {n},{n % 3}\n" for n in range(60_000)).encode()
ROWS = 60_000

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """`answers` say what it does, one after the other; then it gives the file. `asked` are the requests."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: list[Answer] = []
        self.connected: list[tuple[str, int]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
                (site.answers.pop(0) if site.answers else whole)(self)

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """What leads the processes of a studio here."""
        found = filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
        return {"PYTHONPATH": os.pathsep.join(found), "TEST_SITE_PORT": str(self.port)}


@contextmanager
def serving() -> Iterator[Site]:
    """A site, until the block ends."""
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def whole(
    request: BaseHTTPRequestHandler, content: bytes = FILE, headers: Mapping[str, str] = MappingProxyType({})
) -> None:
    """The file, or the part that is asked for."""
    start, status = 0, 200
    if asked := request.headers.get("Range"):
        start, status = int(asked.removeprefix("bytes=").partition("-")[0]), 206
    if start >= len(content):
        request.send_error(416)
        return
    request.send_response(status)
    if status == 206:
        request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    request.send_header("Content-Length", str(len(content) - start))
    for name, value in ({"ETag": '"v1"'} | dict(headers)).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content[start:])


def half(request: BaseHTTPRequestHandler) -> None:
    """The first half of the file."""
    request.send_response(200)
    request.send_header("Content-Length", str(len(FILE)))
    request.send_header("ETag", '"v1"')
    request.end_headers()
    request.wfile.write(FILE[: len(FILE) // 2])
    request.wfile.flush()


def cut(request: BaseHTTPRequestHandler) -> None:
    """Half of the file, and then nothing more."""
    half(request)
    request.connection.shutdown(socket.SHUT_RDWR)


def held(gate: threading.Event) -> Answer:
    """Half of the file, then a byte now and then, and the rest once the gate is open."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        half(request)
        at = len(FILE) // 2
        with suppress(ConnectionError):  # whoever asked was killed
            while not gate.wait(0.5):
                request.wfile.write(FILE[at : (at := at + 1)])
            request.wfile.write(FILE[at:])

    return answer


def silent(gate: threading.Event) -> Answer:
    """Half of the file, and nothing more."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        half(request)
        gate.wait(60)

    return answer
