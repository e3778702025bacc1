"""Faults on demand, and the log of requests: what a test needs to see how a client bears a bad network or Hub.

Both sit around the application as ASGI middleware. The log holds methods, paths and statuses, never a body or header.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal["silent", "status", "cut_request", "cut_response", "slow"]
Cut = Callable[[tuple[str, int], bool], None]

FOREVER = -1


@dataclass(frozen=True)
class Fault:
    """What shall go wrong, for the next `times` requests whose method and path fit.

    * `silent`: the request is taken, and never answered.
    * `status`: the answer is `status`, without the request being looked at; 429 tells `retry_after` (seconds).
    * `cut_request`: the connection is reset once more than `after` bytes of the body came; nothing is applied.
    * `cut_response`: the request is carried out, and the connection closed after `after` bytes of the answer's body
      (0: before any answer, so that the client cannot know).
    * `slow`: the request is carried out `seconds` late.

    `method` is `GET` … or `*`; `path` is a regular expression searched in the path (percent-encoded, no query).
    """

    method: str
    path: str
    kind: Kind
    times: int = 1
    status: int = 503
    after: int = 0
    seconds: float = 1.0
    retry_after: int = 1

    def fits(self, method: str, path: str) -> bool:
        """Whether this request is meant."""
        return self.method in ("*", method) and re.search(self.path, path) is not None


@dataclass(frozen=True)
class LoggedRequest:
    """One request as it was answered; `status` is 0 where no answer was begun. `query` never holds a signature.

    `length` is the answer's content-length, 0 where it has none; of a HEAD request 0, for it brings no content.
    """

    method: str
    path: str
    status: int
    query: str = ""
    fault: Kind | None = None
    length: int = 0


class Faults:
    """The faults still to come, first added first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Let this fault happen from now on, `fault.times` times (`FOREVER`: until `clear`)."""
        with self._lock:
            self._pending.append((fault, fault.times))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._pending.clear()

    @property
    def pending(self) -> int:
        """How many of the added faults have not happened as often as they should."""
        with self._lock:
            return len(self._pending)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted as happened."""
        with self._lock:
            for index, (fault, left) in enumerate(self._pending):
                if fault.fits(method, path):
                    if left == 1:
                        del self._pending[index]
                    elif left > 1:
                        self._pending[index] = (fault, left - 1)
                    return fault
        return None


class FaultyApp:
    """The application as the network shows it. `cut(client, at_once)` closes that client's connection."""

    def __init__(self, app: ASGIApp, faults: Faults, log: Callable[[LoggedRequest], None], cut: Cut) -> None:
        self._app, self._faults, self._log, self._cut = app, faults, log, cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # routes match the quoted path: a revision such as refs%2Fpr%2F1 is one segment
        path = scope["raw_path"].decode("ascii")
        scope = {**scope, "path": path}
        fault = self._faults.take(scope["method"], path)
        exchange = _Exchange(scope, receive, send, fault, self._log, self._cut)
        match fault.kind if fault else None:
            case "silent":
                await exchange.ignore()
            case "status":
                await exchange.refuse()
            case "cut_request":
                await exchange.cut_request()
            case "slow":
                assert fault is not None
                await asyncio.sleep(fault.seconds)
                await self._app(scope, receive, exchange.answer)
            case "cut_response":
                await self._app(scope, receive, exchange.answer_in_part)
                await exchange.wait_for_disconnect()
            case _:
                await self._app(scope, receive, exchange.answer)


class _Exchange:
    """One request and its answer, with the fault that was drawn for it."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        fault: Fault | None,
        log: Callable[[LoggedRequest], None],
        cut: Cut,
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._fault, self._log, self._cut_connection = fault, log, cut
        self._sent = 0
        self._cut_done = False

    def _note(self, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        query = re.sub(r"(^|&)signature=[^&]*", "", self._scope["query_string"].decode())
        kind = self._fault.kind if self._fault else None
        method = self._scope["method"]
        length = 0 if method == "HEAD" else int(dict(headers).get(b"content-length", b"0"))
        self._log(LoggedRequest(method, self._scope["path"], status, query, kind, length))

    def _cut(self, at_once: bool) -> None:
        self._cut_done = True
        self._cut_connection(tuple(self._scope["client"]), at_once)

    async def wait_for_disconnect(self) -> None:
        """Take whatever comes until the connection is gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def ignore(self) -> None:
        self._note(0)
        await self.wait_for_disconnect()

    async def refuse(self) -> None:
        assert self._fault is not None
        status = self._fault.status
        self._note(status)
        headers = {"X-Error-Message": f"Injected fault: status {status}"}
        if status == 429:
            headers["Retry-After"] = str(self._fault.retry_after)
        response = JSONResponse({"error": f"Injected fault: status {status}"}, status, headers)
        await response(self._scope, self._receive, self._send)

    async def cut_request(self) -> None:
        assert self._fault is not None
        self._note(0)
        received = 0
        while True:
            message = await self._receive()
            received += len(message.get("body", b""))
            if received > self._fault.after or not message.get("more_body"):
                break
        self._cut(at_once=True)
        await self.wait_for_disconnect()

    async def answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._note(message["status"], message.get("headers", ()))
        await self._send(message)

    async def answer_in_part(self, message: Message) -> None:
        assert self._fault is not None
        if message["type"] == "http.response.start":
            self._note(message["status"], message.get("headers", ()))
            if self._fault.after > 0:
                await self._send(message)
            return
        if self._cut_done:
            return
        body = message.get("body", b"")[: self._fault.after - self._sent]
        self._sent += len(body)
        if self._fault.after > 0:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
        if self._sent >= self._fault.after or not message.get("more_body"):
            self._cut(at_once=False)
