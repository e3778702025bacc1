"""The worker process: `python -m studio.inference.server`. Requests come on stdin, answers go out on stdout.

It belongs to one client and to nobody else, never asks the Hub, and ends when its stdin closes. One thread reads and
answers at once what needs no model; the main thread runs the models.
"""

import argparse
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from studio.core.errors import InvalidInput, StudioError, shorten
from studio.core.params import parse
from studio.inference import memory, wire
from studio.inference.batching import Line, Request
from studio.inference.border import border
from studio.inference.models import ModelFiles, check_task, memory_bytes
from studio.inference.pool import MB, Held, Pool
from studio.jobs import leases
from studio.tasks import TASKS, attention
from studio.tasks.base import Pipe

STUCK_SECONDS = 300  # loading a large model may take minutes; an answer does not

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What all requests of a batch share."""

    task: str
    model: ModelFiles
    params: Any
    stream: bool = False


class Worker:
    """Answers requests from `source` on `sink`, until `source` ends."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, budget: int) -> None:
        self._source, self._sink = source, sink
        self._sending = threading.Lock()
        self._line = Line()
        self._pool: Pool[tuple[str, ModelFiles], Pipe] = Pool(budget, size=lambda pipe: pipe.bytes, freed=_hand_back)
        self._device = ""
        self._running: tuple[int, float] = (0, 0.0)  # size of the batch in the model, and since when
        self._gone: set[int] = set()  # ids of requests that nobody waits for any more, though they have begun

    def run(self) -> None:
        """Import what models need, then answer until the client is gone."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        self._device = _prepare()
        while batch := self._line.take():
            self._running = (len(batch), time.monotonic())
            self._answer(batch)
            self._running = (0, 0.0)
            self._gone.difference_update(request.id for request in batch)

    def _read(self) -> None:
        while (message := wire.read(self._source)) is not None:
            if message["op"] == "predict":
                self._accept(message)
            elif message["op"] == "cancel":
                if not self._line.drop(message["id"]):
                    self._gone.add(message["id"])
                self._end_if_stuck()
            elif message["op"] == "status":
                self._send({"id": message["id"], "ok": self._status()})
        os._exit(0)  # the client is gone: nobody wants what a model still computes

    def _accept(self, message: dict[str, Any]) -> None:
        try:
            with border(f"the parameters of {message['task']}"):
                params = parse(TASKS[message["task"]].params, message["params"])
        except StudioError as error:
            self._send({"id": message["id"], "error": wire.error_to_json(error)})
            return
        model = message["model"]
        base = Path(model["base"]) if model["base"] else None
        names = {name: tuple(model[name]) for name in ("architectures", "tasks")}
        files = ModelFiles(**model | names | {"path": Path(model["path"]), "base": base})
        question = Question(message["task"], files, params, bool(message.get("stream")))
        alone = message["id"] if question.stream else 0  # a text that is written to one reader has no company
        key = (message["task"], files, params.model_dump_json(), alone)
        self._line.put(Request(message["id"], key, message["inputs"], question))

    def _answer(self, batch: Sequence[Request]) -> None:
        """Answer every request of a batch; when the model cannot be had, all get the same error."""
        question: Question = batch[0].payload
        try:
            with border(question.model.ref), self._hold(question) as held:
                self._predict(held, batch)
        except StudioError as error:
            for request in batch:
                self._fail(request, error)

    def _predict(self, held: Held[Pipe], batch: Sequence[Request]) -> None:
        """Run a batch; where one request cannot be answered, the others are, one by one."""
        question: Question = batch[0].payload
        started = time.perf_counter()
        try:
            with border(question.model.ref):
                outputs = self._outputs(held.pipe, batch, question)
        except StudioError as error:
            if len(batch) == 1:
                self._fail(batch[0], error)
            else:
                for request in batch:
                    self._predict(held, [request])
            return
        seconds = time.perf_counter() - started
        shared = {
            "seconds": seconds,
            "load_seconds": held.load_seconds,
            "device": self._device,
            "dtype": getattr(held.pipe, "dtype", "float32"),
            "bytes": held.pipe.bytes,
            "batch": len(batch),
        }
        for request, output in zip(batch, outputs, strict=True):
            try:
                self._send({"id": request.id, "ok": shared | {"output": output}})
            except InvalidInput:  # not JSON: the task's fault, not the caller's
                self._fail(request, StudioError(f"The model's answer cannot be sent: {shorten(output)}"))

    def _outputs(self, pipe: Pipe, batch: Sequence[Request], question: Question) -> list[Any]:
        task = TASKS[question.task]
        if question.stream and task.stream is not None:
            return [task.stream(pipe, batch[0].inputs, question.params, _Reader(self, batch[0].id))]
        if task.alone is not None:
            return [task.alone(pipe, request.inputs, question.params, _Reader(self, request.id)) for request in batch]
        with attention.attended(lambda: all(request.id in self._gone for request in batch)):
            return task.predict(pipe, [request.inputs for request in batch], question.params)

    def _fail(self, request: Request, error: StudioError) -> None:
        self._send({"id": request.id, "error": wire.error_to_json(error)})

    def _hold(self, question: Question) -> AbstractContextManager[Held[Pipe]]:
        model, task = question.model, TASKS[question.task]

        def load() -> Pipe:
            check_task(model, task.id)
            memory.check_free(memory_bytes(model, self._device), self._device)
            return task.load(model.path, model.base, self._device)

        return self._pool.hold((task.id, model), load, estimate=lambda: memory_bytes(model, self._device))

    def _status(self) -> dict[str, Any]:
        warm = self._pool.warm()
        return {
            "ready": bool(self._device),
            "device": self._device,
            "threads": sys.modules["torch"].get_num_threads() if self._device and "torch" in sys.modules else 0,
            "models": [{"ref": model.ref, "task": task, "bytes": size} for (task, model), size in warm.items()],
            "bytes": sum(warm.values()),
            "budget_bytes": self._pool.budget,
            "queue": len(self._line),
            "running": self._running[0],
        }

    def _end_if_stuck(self) -> None:
        """A model that computes without end would hold up everybody: a new process serves the next request."""
        count, since = self._running
        if count and time.monotonic() - since > STUCK_SECONDS:
            logger.error("a batch has run for more than %d s; giving up", STUCK_SECONDS)
            os._exit(os.EX_TEMPFAIL)

    def _send(self, message: dict[str, Any]) -> None:
        frame = wire.pack(message)
        with self._sending:
            self._sink.write(frame)
            self._sink.flush()


class _Reader:
    """Whoever reads along while a text is written."""

    def __init__(self, worker: Worker, request_id: int) -> None:
        self._worker, self._id = worker, request_id

    def part(self, text: str) -> None:
        if text:
            self._worker._send({"id": self._id, "part": text})

    @property
    def gone(self) -> bool:
        return self._id in self._worker._gone


def _prepare() -> str:
    """Import the stack while nobody waits; the device that models go to."""
    import peft  # noqa: F401
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: F401
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # that a base misses the head which its adapter brings is no news
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(leases.cores())
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _hand_back() -> None:
    """Give the memory of dropped models to the system and to other processes on the GPU."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main() -> None:
    """Keep stdout for answers alone: what libraries print goes to the log."""
    parser = argparse.ArgumentParser(description="Answers inference requests from stdin; started by the studio.")
    parser.add_argument("--memory-mb", type=int, required=True, help="memory for warm models")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Worker(sys.stdin.buffer, sink, arguments.memory_mb * MB).run()


if __name__ == "__main__":
    main()
