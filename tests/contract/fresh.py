"""Runs code as a new process would, without paying for the imports each time: forked from one that has only imported.

Nothing but imports happens before the fork: whatever computes there could hang its children.
"""

import contextlib
import io
import multiprocessing
import os
import sys
import tempfile
import traceback
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = ["torch", "transformers", "transformers.pipelines", "peft", "diffusers", "datasets"]
CACHE = tempfile.TemporaryDirectory(prefix="studio-datasets-")  # of `datasets`; gone with this process
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_DATASETS_CACHE": CACHE.name,
}


def printed(code: str, folder: Path, seconds: float = 120) -> str:
    """What the code prints, run in `folder`; fails with what it wrote to standard error."""
    receiver, sender = _server().Pipe(duplex=False)
    process = _server().Process(target=_run, args=(code, str(folder), sender))
    process.start()
    sender.close()
    try:
        assert receiver.poll(seconds), f"no answer within {seconds} s:\n{code}"
        failed, out, said = receiver.recv()
    finally:
        process.kill()
        process.join()
    assert not failed, said
    return str(out)


@cache
def _server() -> ForkServerContext:
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)  # libraries read it when they are imported
    try:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return context


def _run(code: str, folder: str, sender: Connection) -> None:
    os.chdir(folder)
    os.environ.update(ENVIRONMENT)
    sys.stdin.close()
    out, said = io.StringIO(), io.StringIO()
    failed = False
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        try:
            exec(compile(code, "snippet.py", "exec"), {"__name__": "__main__"})
        except BaseException:  # noqa: BLE001  told to whoever waits, SystemExit too
            traceback.print_exc()
            failed = True
    sender.send((failed, out.getvalue(), said.getvalue()))
