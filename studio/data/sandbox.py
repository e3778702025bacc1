"""A visitor's SQL, in a process of its own that is killed at the deadline; this process never runs any of it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, JobCancelled, QuotaExceeded, StudioError
from studio.data import numbering, reading, views
from studio.data.filters import Clause
from studio.data.parquet import scan
from studio.data.records import Column, DataFile, Dataset, RemoteFile, column_kind
from studio.data.views import Cut, Found, View

SECONDS = 10.0
AT_ONCE = 2  # questions; others wait for their turn
ROWS = 1_000  # of an answer
POLL = 0.05
PORTION = 200  # file descriptors in one message; Linux takes 253
MAX_MESSAGE = 32 << 20
START = 60.0  # seconds until a new process is given up
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "TZ": "UTC"}
ROOT = Path(__file__).resolve().parents[2]

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Answer:
    """What a query has answered.

    Attributes:
        columns: names and types.
        rows: cells as JSON values.
        cut: the cells that are not shown as a whole.
        more: whether there are more rows, or longer ones, than an answer may have.
        seconds: how long it took.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    cut: list[Cut]
    more: bool
    seconds: float


class Sandbox:
    """Where SQL of visitors runs. Thread-safe; one process is kept warm once there was a first question."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._closed = False

    def query(self, dataset: Dataset, split: str, query: str, limit: int = ROWS, stop: Stop = lambda: False) -> Answer:
        """The first rows of the answer to one SELECT, in which the split is called by its name, or `data`.

        Args:
            dataset: where from.
            split: which part.
            query: as the visitor has written it.
            limit: rows, at most.
            stop: says whether nobody waits any more.

        Raises:
            UnknownName: no such split.
            InvalidInput: at "query": it is not one SELECT, has a mistake, or takes too long or too much memory.
            QuotaExceeded: too many questions at once.
            JobCancelled: `stop` said so.
        """
        if not 0 <= limit <= ROWS:
            raise InvalidInput("limit", limit, f"Between 0 and {ROWS:,} rows can be asked for.")
        with reading.opened(dataset, split):
            files = dataset.files[split]
        begin = time.monotonic()
        asked = {"kind": "query", "split": split, "query": query, "limit": limit, "source": scan(files)[0]}
        found = self._ask(files, asked, ("query", query), stop)
        columns = tuple(Column(name, type_, column_kind(type_)) for name, type_ in found["columns"])
        cut = [Cut(*one) for one in found["cut"]]
        return Answer(columns, found["rows"], cut, found["more"], time.monotonic() - begin)

    def find(
        self, dataset: Dataset, view: View, clause: Clause, *, counting: bool = True, stop: Stop = lambda: False
    ) -> Found:
        """The rows of a view that has a condition in SQL, as `views.page` asks for them; raises as `query` does."""
        with reading.opened(dataset, view.split) as source:
            files = dataset.files[view.split]
            rows = numbering.numbered(source.connection, files, source.columns)
            order = views.order(source.columns, view, rows.number)
        asked = {
            "kind": "find",
            "where": view.where,
            "source": rows.source,
            "number": rows.number,
            "clause": clause.sql,
            "values": clause.values,
            "order": order,
            "limit": view.limit,
            "offset": view.offset,
            "counting": counting,
        }
        found = self._ask(files, asked, ("where", view.where), stop)
        return Found(found["numbers"], found["matching"])

    def close(self) -> None:
        """End the process that is kept warm."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for process in idle:
            process.kill()

    def _ask(self, files: Sequence[DataFile], asked: dict[str, Any], field: tuple[str, str], stop: Stop) -> Any:
        """One question to one process, which is put back when it has answered in time."""
        if not self._turns.acquire(timeout=self._seconds):
            raise QuotaExceeded("Others are asking at this moment. Try again in a few seconds.")
        process = self._taken()
        try:
            answer = process.ask(files, asked, self._seconds, stop)
        except BaseException:
            process.kill()
            raise
        finally:
            if not process.alive:
                process.kill()  # closes what is left of it
                process = _Process()
            self._give(process)
            self._turns.release()
        if "refused" in answer:
            raise InvalidInput(*field, answer["refused"])
        return answer

    def _taken(self) -> "_Process":
        with self._lock:
            while self._idle:
                if (process := self._idle.pop()).alive:
                    return process
                process.kill()
        return _Process()

    def _give(self, process: "_Process") -> None:
        """Keep it warm, unless there is one already."""
        with self._lock:
            if not self._closed and not self._idle:
                self._idle.append(process)
                return
        process.kill()


class _Process:
    """One process that answers one question after another."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._connection = Connection(os.dup(self._channel.fileno()))
        self._ready = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "studio.data.sandboxed", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
                | ENVIRONMENT,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._connection.closed and self._process.poll() is None

    def kill(self) -> None:
        """End it at once; may be called again."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._channel.close()

    def ask(self, files: Sequence[DataFile], asked: dict[str, Any], seconds: float, stop: Stop) -> Any:
        """The answer, or `{"refused": why}`; when it dies or is killed for being late, it is not `alive` afterwards."""
        far = {file.digest: file for file in files if isinstance(file, RemoteFile)}
        here = [file for file in files if not isinstance(file, RemoteFile)]
        named = [{"name": file.name, "size": file.size, "digest": file.digest} for file in far.values()]
        try:
            if not self._begun(stop):
                raise StudioError("The process for questions in SQL does not start.")
            deadline = time.monotonic() + seconds
            question = asked | {"files": len(here), "far": named, "seconds": seconds}
            self._connection.send_bytes(json.dumps(question).encode())
            self._send(here)
            while (said := self._received(deadline, stop)) is not None:
                if "read" not in said:
                    return said
                self._connection.send_bytes(far[said["read"]].read(said["start"], said["stop"]))
            reason = f"It took longer than {seconds:g} seconds, and was stopped."
        except (EOFError, OSError):
            reason = "It needs more memory than there is, and was stopped."
        self.kill()
        return {"refused": reason}

    def _begun(self, stop: Stop) -> bool:
        if not self._ready:
            self._ready = self._received(time.monotonic() + START, stop) is not None
        return self._ready

    def _received(self, deadline: float, stop: Stop) -> Any:
        """The next message, None at the deadline; raises `JobCancelled`, and `EOFError` when it has died."""
        while (left := deadline - time.monotonic()) > 0:
            if stop():
                raise JobCancelled
            if self._connection.poll(min(POLL, left)):
                return json.loads(self._connection.recv_bytes(MAX_MESSAGE))
        return None

    def _send(self, files: Sequence[Path]) -> None:
        """The files as open descriptors: it never learns where they lie."""
        for start in range(0, len(files), PORTION):
            with ExitStack() as stack:
                opened = [stack.enter_context(path.open("rb")) for path in files[start : start + PORTION]]
                socket.send_fds(self._channel, [b"f"], [file.fileno() for file in opened])
