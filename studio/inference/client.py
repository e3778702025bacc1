"""The web process's side of the inference worker: starts it, asks it, notices its death, starts it again."""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, cast

from studio.core.errors import Conflict, TimedOut, VisitorLeft, WorkerDied
from studio.core.settings import ROOT, Settings
from studio.inference import visit, wire
from studio.inference.models import ModelFiles
from studio.inference.pool import MB
from studio.jobs import leases

LOG_BYTES = 5_000_000  # a longer log is put aside at the next start
COMMAND = (sys.executable, "-m", "studio.inference.server")
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "OAUTH_CLIENT_SECRET")


@dataclass(frozen=True)
class Prediction:
    """An answer.

    Attributes:
        output: as the task gives it, plain JSON values.
        seconds: what the model took, for the whole batch.
        load_seconds: what loading took; 0 when the model was warm.
        device: "cpu", "cuda" or "mps".
        dtype: type of the weights.
        bytes: what the weights take in memory.
        batch: how many requests went through the model together.
    """

    output: Any
    seconds: float
    load_seconds: float
    device: str
    dtype: str = "float32"
    bytes: int = 0
    batch: int = 1


class Inference:
    """Ask the worker, from any number of threads. The process starts with the first request, or with `warm`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: _Worker | None = None
        self._closed = False
        self._lock = threading.Lock()

    def predict(
        self, task: str, model: ModelFiles, inputs: Mapping[str, Any], params: Mapping[str, Any], timeout: float = 60
    ) -> Prediction:
        """Run one input through a model; blocks for at most `timeout` seconds.

        Raises what the task raises (`InvalidInput`, `UnknownName` …), `TimedOut`, `VisitorLeft` when whoever asks does
        not wait any more (see `visit`), and `WorkerDied` when the process dies meanwhile; the request after that
        starts a new one.
        """
        return Prediction(**self._running().ask(_question(task, model, inputs, params), timeout))

    def stream(
        self, task: str, model: ModelFiles, inputs: Mapping[str, Any], params: Mapping[str, Any], timeout: float = 60
    ) -> Iterator[str | Prediction]:
        """The parts of a text as they are written, then the whole answer.

        Raises as `predict` does; `timeout` counts from one part to the next. Whoever stops reading stops the model.
        """
        question = _question(task, model, inputs, params) | {"stream": True}
        with closing(self._running().listen(question, timeout)) as parts:
            for part in parts:
                yield part if isinstance(part, str) else Prediction(**part)

    def warm(self) -> None:
        """Start the process now, in the background, so that the first request need not wait for imports."""
        self._running()

    def status(self) -> dict[str, Any]:
        """Of the process: `alive`, `pid`, `ready` (imports are done), `device`, `threads`; of its work: see below.

        `models` (ref, task and bytes of each warm one), `bytes`, `budget_bytes`, `queue` (requests that wait) and
        `running` (requests in the model).
        """
        found: dict[str, Any] = {"alive": False, "pid": None, "ready": False, "device": "", "models": [], "bytes": 0}
        found |= {"threads": 0, "budget_bytes": self._settings.inference_memory_mb * MB, "queue": 0, "running": 0}
        worker = self._worker
        if worker is None or not worker.alive:
            return found
        try:
            return found | {"alive": True, "pid": worker.pid} | worker.ask({"op": "status"}, timeout=2)
        except (TimedOut, WorkerDied):  # it is just starting, or just gone
            return found | {"alive": worker.alive, "pid": worker.pid}

    def close(self) -> None:
        """End the process; whoever waits gets `WorkerDied`."""
        with self._lock:
            self._closed = True
            if self._worker is not None:
                self._worker.close()

    def _running(self) -> "_Worker":
        with self._lock:
            if self._closed:
                raise Conflict("The studio is shutting down.")
            if self._worker is None or not self._worker.alive:
                self._worker = _Worker(self._settings)
            return self._worker


def _question(task: str, model: ModelFiles, inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    files = asdict(model) | {"path": str(model.path), "base": str(model.base) if model.base else ""}
    return {"op": "predict", "task": task, "model": files, "inputs": dict(inputs), "params": dict(params)}


@dataclass
class _Ask:
    """A request under way: its answer, and what comes before it."""

    answer: Future[dict[str, Any]] = field(default_factory=Future)
    parts: SimpleQueue[str | None] = field(default_factory=SimpleQueue)  # None: the answer is there


class _Worker:
    """One life of the process: requests out, answers in, and an end."""

    def __init__(self, settings: Settings) -> None:
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Ask] = {}
        self._ended = ""
        self._table = threading.Lock()
        self._sending = threading.Lock()
        self._process = _start(settings)
        self._requests = cast(BinaryIO, self._process.stdin)
        threading.Thread(target=self._receive, name="inference answers", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._ended and self._process.poll() is None

    def ask(self, message: dict[str, Any], timeout: float) -> dict[str, Any]:
        request_id, asked = self._put(message)
        try:
            with visit.waiting(lambda: self._leave(request_id)):
                return asked.answer.result(timeout)
        except FutureTimeout:
            self._give_up(request_id)
            raise TimedOut(f"The model has not answered within {timeout:g} s; the request was given up.") from None

    def listen(self, message: dict[str, Any], timeout: float) -> Generator[str | dict[str, Any]]:
        request_id, asked = self._put(message)
        try:
            while (part := self._next(request_id, asked, timeout)) is not None:
                yield part
            yield asked.answer.result()
        except Empty:
            raise TimedOut(f"The model has written nothing for {timeout:g} s; the request was given up.") from None
        finally:
            if not asked.answer.done():
                self._give_up(request_id)

    def _next(self, request_id: int, asked: _Ask, timeout: float) -> str | None:
        with visit.waiting(lambda: self._leave(request_id)):
            return asked.parts.get(timeout=timeout)

    def _put(self, message: dict[str, Any]) -> tuple[int, _Ask]:
        request_id, asked = next(self._ids), _Ask()
        frame = wire.pack(message | {"id": request_id})
        with self._table:
            if self._ended:
                raise WorkerDied(self._ended)
            self._waiting[request_id] = asked
        self._send(frame)
        return request_id, asked

    def _leave(self, request_id: int) -> None:
        """Whoever asked has gone: wake the thread that waits, and take the request out of the line."""
        asked = self._give_up(request_id)
        if asked is not None:
            asked.answer.set_exception(VisitorLeft())
            asked.parts.put(None)

    def _give_up(self, request_id: int) -> _Ask | None:
        with self._table:
            asked = self._waiting.pop(request_id, None)
        self._send(wire.pack({"op": "cancel", "id": request_id}))
        return asked

    def close(self) -> None:
        self._hang_up()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, frame: bytes) -> None:
        """A broken pipe needs no word here: `_receive` sees the end too, and tells everybody who waits."""
        with self._sending, suppress(OSError, ValueError):
            self._requests.write(frame)
            self._requests.flush()

    def _receive(self) -> None:
        answers = cast(BinaryIO, self._process.stdout)
        while (message := wire.read(answers)) is not None:
            with self._table:
                asked = self._waiting.get(message["id"])
                if "part" not in message:
                    self._waiting.pop(message["id"], None)
            if asked is None:  # given up meanwhile
                continue
            if "part" in message:
                asked.parts.put(message["part"])
                continue
            if "error" in message:
                asked.answer.set_exception(wire.error_from_json(message["error"]))
            else:
                asked.answer.set_result(message["ok"])
            asked.parts.put(None)
        self._process.kill()  # without its answers it is of no use
        reason = _why(self._process.wait())
        with self._table:
            self._ended = reason
            left, self._waiting = list(self._waiting.values()), {}
        answers.close()
        self._hang_up()
        for asked in left:
            asked.answer.set_exception(WorkerDied(reason))
            asked.parts.put(None)

    def _hang_up(self) -> None:
        with self._sending, suppress(OSError):  # what could not be sent is not wanted any more
            self._requests.close()


def _start(settings: Settings) -> "subprocess.Popen[bytes]":
    """A process of its own session: Ctrl-C in the terminal is for the web process, which then closes the pipe."""
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment |= {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment |= leases.patient(environment)
    command = [*COMMAND, "--memory-mb", str(settings.inference_memory_mb)]
    with _log(settings.home / "logs" / "inference.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def _log(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path


def _why(exit_code: int) -> str:
    if exit_code == -9:
        return (
            "The process that ran the model was killed, most often because memory ran out. "
            "The next request starts a new one; choose a smaller model if it happens again."
        )
    how = f"by signal {-exit_code}" if exit_code < 0 else f"with code {exit_code}"
    return f"The process that ran the model ended {how} (see logs/inference.log). The next request starts a new one."
