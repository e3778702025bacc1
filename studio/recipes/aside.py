"""The process in which recipes are tried and small data sets checked: `python -m studio.recipes.aside FD`.

Steps hold expressions of visitors, and both read texts of strangers: neither may take the memory, or the turn, of the
process that answers everybody. Questions come at the socket FD; the process ends when its other end closes.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from studio.core.errors import StudioError, TimedOut
from studio.core.settings import Settings
from studio.data import mending, previews
from studio.data.checks import asking
from studio.data.records import DataFile, Dataset, DatasetInfo, RemoteFile
from studio.data.sandboxed import far
from studio.inference.wire import error_to_json
from studio.recipes.transform import tools

SPACE_MB = 2_500  # of addresses; DuckDB counts only a part of what functions allocate
GRACE = 5  # seconds after the deadline, when nobody has killed this process
INFO = TypeAdapter(DatasetInfo)
MEMORY = "This needs more memory than there is for it at once; run it as a job."

Question = Mapping[str, Any]


def main() -> None:
    """Answer until the other end closes."""
    connection = Connection(os.dup(socket.socket(fileno=int(sys.argv[1])).detach()))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (SPACE_MB << 20, SPACE_MB << 20))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection.send_bytes(b"{}")  # ready
    while True:
        try:
            question = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        signal.alarm(int(question["seconds"]) + GRACE)
        answer = _answer(question, connection)
        signal.alarm(0)
        connection.send_bytes(json.dumps(answer).encode())


def written(dataset: Dataset) -> dict[str, Any]:
    """A data set as the process takes it; files that lie elsewhere by their digests, for who asked reads them."""
    files = {
        split: [{"digest": file.digest} if isinstance(file, RemoteFile) else str(file.absolute()) for file in of]
        for split, of in dataset.files.items()
    }
    return {"info": INFO.dump_python(dataset.info, mode="json"), "paths": files}


def _answer(question: Question, asker: Connection) -> dict[str, Any]:
    try:
        return {"found": WORK[question["kind"]](_dataset(question, asker), question)}
    except StudioError as error:
        return {"error": error_to_json(error)}
    except MemoryError:
        return {"error": error_to_json(StudioError(MEMORY))}


def _dataset(question: Question, asker: Connection) -> Dataset:
    turn = threading.Lock()
    elsewhere = {one["digest"]: far(one, asker, turn) for one in question["far"]}

    def file(said: Any) -> DataFile:
        return Path(said) if isinstance(said, str) else elsewhere[said["digest"]]

    files = {split: tuple(map(file, of)) for split, of in question["paths"].items()}
    return Dataset(INFO.validate_python(question["info"]), files)


def _preview(dataset: Dataset, question: Question) -> Any:
    light = tools.light(Settings.model_validate(question["settings"]), question["owner"])
    known = mending.read(question["recipe"])
    split, rows, pictures = question["split"], question["rows"], question["with_media"]
    return asdict(previews.preview(dataset, split, known, rows, light, with_media=pictures))


def _check(dataset: Dataset, question: Question) -> Any:
    began, most = time.monotonic(), question["most"]

    def stop() -> None:
        if time.monotonic() > began + most:
            raise TimedOut

    wished = {name: asking.params_of(name, *told) for name, told in question["checks"].items()}
    return [asdict(asking.run(dataset, name, params, lambda *_: None, stop)) for name, params in wished.items()]


WORK: dict[str, Callable[[Dataset, Question], Any]] = {"preview": _preview, "check": _check}

if __name__ == "__main__":
    main()
