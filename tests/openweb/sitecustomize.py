"""In every process of a test's studio: hosts under .example have a public address, and it leads to the test's server.

The folder of this file stands in PYTHONPATH, and TEST_SITE_PORT says where the server listens.
"""

import os
import socket
from typing import Any

PUBLIC = "93.184.216.34"

_resolved, _connected = socket.getaddrinfo, socket.create_connection


def _resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
    if str(host).endswith(".example"):
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (PUBLIC, port))]
    return _resolved(host, port, *rest, **more)


def _connect(address: Any, *rest: Any, **more: Any) -> socket.socket:
    there = ("127.0.0.1", int(os.environ["TEST_SITE_PORT"])) if address[0] == PUBLIC else address
    return _connected(there, *rest, **more)


if "TEST_SITE_PORT" in os.environ:
    socket.getaddrinfo = _resolve
    socket.create_connection = _connect
