"""`HubServer`: the Hub's protocol on 127.0.0.1, run by uvicorn in a thread of the test process.

Point huggingface_hub at `endpoint` (`HF_ENDPOINT` in a subprocess, or `HfApi(endpoint=…)`). No state survives it.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from types import TracebackType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from . import (
    cards,
    cas,
    catalog,
    commits,
    discussions,
    downloads,
    jobs,
    lfs,
    repositories,
    router,
    spaces,
    trees,
    users,
)
from .accounts import Accounts, Role
from .errors import HubError, RepoMovedError, answer_disconnect, answer_hub_error, answer_moved
from .faults import Faults, FaultyApp, LoggedRequest
from .storage import Hub, Repo, RepoKind

START_SECONDS = 10.0
STOP_SECONDS = 10.0


async def _no_such_route(request: Request) -> Response:
    raise HubError(404, f"The test Hub does not serve {request.method} {request.scope['path']}")


def create_app(hub: Hub) -> Starlette:
    """The application over this state; the order of the routes is from special to general."""
    routes: list[BaseRoute] = []
    for part in (
        users,
        cards,
        jobs,
        repositories,
        spaces,
        discussions,
        trees,
        commits,
        cas,
        lfs,
        router,
        catalog,
        downloads,
    ):
        routes.extend(part.ROUTES)
    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]
    routes.append(Route("/{rest:path}", _no_such_route, methods=methods))
    answers = {HubError: answer_hub_error, RepoMovedError: answer_moved, ClientDisconnect: answer_disconnect}
    app = Starlette(routes=routes, exception_handlers=answers)
    app.state.hub = hub
    return app


class HubServer:
    """A running Hub with the user alice (organization acme), the user bob, and nothing in it."""

    user = "alice"
    org = "acme"
    other_user = "bob"

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        accounts = Accounts(members={self.user: frozenset({self.org}), self.other_user: frozenset()})
        self.hub = Hub(self.endpoint, accounts)
        self.token = accounts.add_token(self.user, "write", "write token")
        self.read_token = accounts.add_token(self.user, "read", "read token")
        self.other_token = accounts.add_token(self.other_user, "write", "bob's token")
        self.faults = Faults()
        self.requests: list[LoggedRequest] = []
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started, self._stop = threading.Event(), asyncio.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> HubServer:
        app = FaultyApp(create_app(self.hub), self.faults, self.requests.append, self._cut)
        config = uvicorn.Config(
            app, http="h11", loop="asyncio", lifespan="off", log_config=None, access_log=False,
            proxy_headers=False, timeout_keep_alive=60, log_level="error",
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="hubserver", daemon=True)
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise RuntimeError("the test Hub did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError("the test Hub did not stop")

    async def _serve(self) -> None:
        """Serve until `_stop`; then cut every connection, because a fault may keep a request waiting for ever.

        `uvicorn.Server.serve` would look for the end only ten times a second, and wait for the waiting.
        """
        assert self._server is not None
        server = self._server
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[self._socket])
        self._loop = asyncio.get_running_loop()
        self._started.set()
        await self._stop.wait()
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        if server.server_state.tasks:
            await asyncio.wait(server.server_state.tasks, timeout=1.0)

    def _cut(self, client: tuple[str, int], at_once: bool) -> None:
        """Close one client's connection: by a reset, or after what was written is sent."""
        assert self._server is not None
        for connection in list(self._server.server_state.connections):
            if connection.client == client:  # type: ignore[union-attr]
                transport = connection.transport
                transport.abort() if at_once else transport.close()

    def repo(self, repo_id: str, kind: RepoKind = "model") -> Repo:
        """A repository's state, to look at or to prepare (`downloads`, `likes`, `granted`); KeyError if missing."""
        return self.hub.repos[(kind, repo_id)]

    def files(self, repo_id: str, kind: RepoKind = "model", revision: str = "main") -> dict[str, bytes]:
        """Every file of a repository with its bytes, the Hub's own `.gitattributes` included."""
        return self.hub.files(self.repo(repo_id, kind), revision)

    def add_repo(
        self, repo_id: str, files: dict[str, bytes], kind: RepoKind = "model", *, private: bool = False
    ) -> Repo:
        """Put a repository there without a client; large files go to LFS by its `.gitattributes`."""
        repo = self.hub.create(kind, repo_id, repo_id.split("/")[0], private=private)
        commits.add_files(self.hub, repo, files)
        return repo

    def add_token(self, user: str, role: Role, name: str = "token") -> str:
        """One more access token."""
        return self.hub.accounts.add_token(user, role, name)

    def served(self, pattern: str) -> int:
        """How many bytes of content were answered with, on paths in which the regular expression is found."""
        return sum(item.length for item in self.requests if re.search(pattern, item.path))

    def count(self, method: str, pattern: str) -> int:
        """How many logged requests have this method and a path in which the regular expression is found."""
        return sum(1 for item in self.requests if item.method == method and re.search(pattern, item.path))
