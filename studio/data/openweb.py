"""Connections to the open web only: the address that was found to be public is the very one that is connected to.

Whoever waits for a silent site is asked again and again whether to go on.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2
import httpx2

from studio.core import addresses

SLICE = 0.5  # seconds of silence between two questions whether to go on


class NotPublic(httpcore2.ConnectError):
    """The address is not one of the open network."""


class NoHost(httpcore2.ConnectError):
    """The name stands for no address."""


def address(host: str, port: int) -> str:
    """The IP address to connect to; raises `NotPublic` and `NoHost`."""
    try:
        found = addresses.resolved(host, port)
    except OSError as error:
        raise NoHost(f"There is no host {host}.") from error
    if not found or port not in addresses.PORTS or not all(map(addresses.is_public, found)):
        raise NotPublic(f"{host}:{port} is not a public address.")
    return found[0]


class Transport(httpx2.HTTPTransport):
    """What a client connects by; `check` is called while a site is silent, and may raise."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__(trust_env=False)
        backend = _Backend(check)
        self._pool = httpcore2.ConnectionPool(ssl_context=httpx2.create_ssl_context(), network_backend=backend)


class _Backend(httpcore2.SyncBackend):
    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = super().connect_tcp(address(host, port), port, timeout, local_address, socket_options)
        return _Stream(stream, self._check)


class _Stream(httpcore2.NetworkStream):
    """Another stream, whose reading waits in slices."""

    def __init__(self, inner: httpcore2.NetworkStream, check: Callable[[], None]) -> None:
        self._inner, self._check = inner, check

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return self._inner.read(max_bytes, max(0.001, min(SLICE, end - time.monotonic())))
            except httpcore2.ReadTimeout:
                self._check()
                if time.monotonic() >= end:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._check)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
