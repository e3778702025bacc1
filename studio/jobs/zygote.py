"""The zygote: a process that has imported the training stack and forks a shim with its runner per request.

It computes nothing, ever: one OpenMP operation before a fork hangs the child for good. It speaks over one socket (its
standard input) and ends when that closes, which is when the web process has ended; what it forked lives on.
"""

import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from studio.jobs.shim import supervise

log = logging.getLogger("studio.zygote")
MESSAGE_BYTES = 128 * 1024
READY = b"ready"

Entry = Callable[[Path, Mapping[str, str]], int]


def main(entry: str, preload: Sequence[str]) -> None:
    """Import, say so, then fork on request until the socket closes.

    Args:
        entry: "module:function" that runs an attempt, given its folder and its secrets; returns the exit code.
        preload: modules to import; one that cannot be imported is left out and logged.
    """
    for name in preload:
        _import(name)
    module, _, attribute = entry.partition(":")
    run: Entry = getattr(import_module(module), attribute)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page that it looks at
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # shims are reaped by the kernel
    with socket.socket(fileno=os.dup(0)) as control:
        control.send(READY)
        while message := control.recv(MESSAGE_BYTES):
            request: dict[str, Any] = json.loads(message)
            pid = os.fork()
            if pid == 0:
                _become_shim(control, run, request)
            control.send(str(pid).encode())


def _import(name: str) -> None:
    began = time.monotonic()
    try:
        import_module(name)
    except ImportError as error:
        log.warning("left out %s: %s", name, error)
    else:
        log.info("imported %s in %.2f s", name, time.monotonic() - began)


def _become_shim(control: socket.socket, run: Entry, request: Mapping[str, Any]) -> None:
    """In the child: cut every tie to the web process, then supervise like a spawned shim does."""
    try:
        os.setsid()
        control.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        folder = Path(request["folder"])
        supervise(folder, lambda: run(folder, request["secrets"]))
    finally:
        if sys.exc_info()[0]:
            sys.excepthook(*sys.exc_info())
        os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    main(sys.argv[1], sys.argv[2].split(",") if sys.argv[2] else [])
