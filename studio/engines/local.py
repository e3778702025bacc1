"""The local engine: an attempt is a shim and a runner on this machine, and its files are all that is known of it.

A runner is forked from a warm zygote where there is one, and spawned otherwise. The engine keeps no state of its own
that a restart could lose: a handle is the attempt's folder, and the folder follows from the key.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from studio.core.errors import NotFound, StudioError
from studio.core.settings import ROOT, Settings
from studio.jobs import files, processes
from studio.jobs.engine import Capabilities, EngineStatus, JobSpec
from studio.jobs.job import Progress
from studio.jobs.leases import patient
from studio.jobs.shim import MARK
from studio.jobs.zygote_client import Zygote

ENTRY = "studio.recipes.runner"
PRELOAD = (
    "torch",
    "transformers",
    "transformers.trainer",
    "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert",
    "peft",
    "datasets",
    "sklearn.metrics",
    "trackio",
    "studio.tracking.writer",
    "studio.recipes.text_classification",
)
ARROW_POOL = "system"  # its own pool keeps what is freed: 50 to 90 MB of a run that maps
START_SECONDS = 30.0  # after which an attempt that no shim has claimed is given up
_SHIM = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from studio.jobs.shim import main; "
_SHIM += "main(Path(sys.argv[2]), sys.argv[3:])"


class LocalEngine:
    """Runs attempts on this machine."""

    name = "local"
    capabilities = Capabilities(gpu=True, survives_restart=True)

    def __init__(self, settings: Settings, preload: Sequence[str] = PRELOAD) -> None:
        self.settings = settings
        self._shims: set[int] = set()
        self._zygote: Zygote | None = None
        if settings.zygote and processes.LINUX:
            self._zygote = Zygote(settings.home, f"{ENTRY}:main", preload, self._environment)

    @property
    def warm(self) -> bool:
        """Whether the next runner is forked, not spawned."""
        return self._zygote is not None and self._zygote.ready()

    @property
    def zygote_pid(self) -> int:
        """The zygote's process, 0 when there is none."""
        return self._zygote.pid if self._zygote is not None else 0

    def warm_up(self) -> None:
        """Start the zygote, so that the first job need not wait for imports. Returns at once."""
        if self._zygote is not None:
            self._zygote.start()

    def submit(self, spec: JobSpec, key: str) -> str:
        """Start an attempt and return its handle; the same key never starts a second one."""
        if key != spec.key:
            raise StudioError(f"The key of this attempt is {spec.key!r}, not {key!r}.")
        folder = self._folder(key)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.mkdir()  # whoever makes the folder starts the attempt
            except FileExistsError:
                return str(folder)
            files.write_json(folder / files.SPEC, spec.to_json())
            request = {"folder": str(folder), "secrets": dict(spec.secrets)}
            if self._zygote is None or not self._zygote.fork(request):
                self._spawn(folder, spec)
        except OSError as error:
            raise StudioError(f"The job cannot be started: {error.strerror or error}.") from error
        self._reap()
        return str(folder)

    def status(self, handle: str) -> EngineStatus:
        """What the attempt's files and processes say."""
        self._reap()
        folder = Path(handle)
        if result := files.read_json(folder / files.RESULT):
            return _ended(folder, result)
        shim = files.read_json(folder / files.SHIM)
        if shim is None:
            return self._unclaimed(folder)
        pid, start, boot = int(shim.get("pid", 0)), int(shim.get("start") or 0), str(shim.get("boot_id", ""))
        if processes.alive(pid, start, boot):
            return EngineStatus(_phase(folder), progress=_progress(folder), pid=pid, pid_started=start, boot_id=boot)
        if result := files.read_json(folder / files.RESULT):  # written between the two looks
            return _ended(folder, result)
        phase: Literal["running", "lost"] = "running" if boot == processes.boot_id() and _sweep(folder) else "lost"
        reason = "The job's processes were ended from outside." if boot else "No process took the job up."
        return EngineStatus(phase, error=reason, progress=_progress(folder), pid=pid, pid_started=start, boot_id=boot)

    def logs(self, handle: str, offset: int, limit: int = 65536) -> tuple[bytes, int]:
        """Log bytes from `offset` on, and the offset to go on from; all attempts of a job share one log."""
        try:
            with (Path(handle).parent.parent / files.LOG).open("rb") as log:
                log.seek(max(0, offset))
                data = log.read(limit)
        except FileNotFoundError:
            return b"", offset
        return data, max(0, offset) + len(data)

    def cancel(self, handle: str, grace: float) -> None:
        """Raise the flag that the recipe sees; the shim does the rest when `grace` seconds are over."""
        folder = Path(handle)
        if folder.is_dir() and not (folder / files.CANCEL).exists():
            files.write_json(folder / files.CANCEL, {"grace": grace})

    def find(self, key: str) -> str | None:
        """The folder of this attempt, when it has been started."""
        try:
            folder = self._folder(key)
        except NotFound:
            return None
        return str(folder) if folder.is_dir() else None

    def close(self) -> None:
        """End the zygote; what it has forked runs on."""
        if self._zygote is not None:
            self._zygote.close()
        self._reap()

    def _folder(self, key: str) -> Path:
        job, _, attempt = key.rpartition(".")
        if not job or "/" in job or job.startswith(".") or not attempt.isdigit():
            raise NotFound(f"There is no attempt {key!r}.")
        return self.settings.jobs_dir / job / "attempts" / attempt

    def _unclaimed(self, folder: Path) -> EngineStatus:
        """No shim yet. After a while the folder is claimed for nobody, so that a late shim cannot start any more."""
        try:
            waited = time.time() - folder.stat().st_mtime
        except FileNotFoundError:
            return EngineStatus("lost", error="The job's files are gone.")
        if waited > START_SECONDS and files.claim_json(folder / files.SHIM, {"pid": 0, "start": 0, "boot_id": ""}):
            return EngineStatus("lost", error="No process took the job up.")
        return EngineStatus("starting")

    def _spawn(self, folder: Path, spec: JobSpec) -> None:
        """Start the shim as a process of its own, secrets through a pipe."""
        runner = [sys.executable, "-m", ENTRY, str(folder)]
        shim = [sys.executable, "-I", "-S", "-c", _SHIM, str(ROOT), str(folder), *runner]
        limits = {"OMP_NUM_THREADS": str(spec.threads)}
        read, write = os.pipe()
        with os.fdopen(write, "wb") as secrets, open(os.devnull, "wb") as nothing:  # noqa: PTH123
            actions = [(os.POSIX_SPAWN_DUP2, read, 0), *((os.POSIX_SPAWN_DUP2, nothing.fileno(), fd) for fd in (1, 2))]
            try:
                pid = os.posix_spawn(
                    shim[0], shim, self._environment() | limits, file_actions=actions, setsid=True, setsigdef=_DEFAULTS
                )
            finally:
                os.close(read)
            self._shims.add(pid)
            secrets.write(_secrets(spec))

    def _environment(self) -> dict[str, str]:
        """What runners inherit: this process's environment without anybody's token."""
        environment = {name: value for name, value in os.environ.items() if name not in _TOKENS}
        path = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        environment |= {
            "PYTHONPATH": os.pathsep.join(path),
            "TRACKIO_DIR": str(self.settings.tracking_dir),
            "TOKENIZERS_PARALLELISM": "false",
            **patient(environment),
            "ARROW_DEFAULT_MEMORY_POOL": environment.get("ARROW_DEFAULT_MEMORY_POOL", ARROW_POOL),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        return environment | ({"HF_HUB_OFFLINE": "1"} if self.settings.offline else {})

    def _reap(self) -> None:
        """Collect the shims of ours that have ended."""
        for pid in tuple(self._shims):
            try:
                ended = os.waitpid(pid, os.WNOHANG)[0]
            except ChildProcessError:
                ended = pid
            if ended:
                self._shims.discard(pid)


_DEFAULTS = [signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE]


_TOKENS = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN", "OAUTH_CLIENT_SECRET"})


def _secrets(spec: JobSpec) -> bytes:
    return json.dumps(dict(spec.secrets)).encode()


def _phase(folder: Path) -> Literal["starting", "running", "saving"]:
    progress = files.read_json(folder / files.PROGRESS)
    if progress is None:
        return "starting"
    return "saving" if progress.get("phase") == "saving" else "running"


def _progress(folder: Path) -> Progress:
    value: dict[str, Any] = files.read_json(folder / files.PROGRESS) or {}
    return Progress(float(value.get("done", 0)), float(value.get("total", 0)), str(value.get("message", "")))


def _ended(folder: Path, result: dict[str, Any]) -> EngineStatus:
    """Put together what the shim saw and what the runner said."""
    verdict = files.read_json(folder / files.VERDICT) or {}
    shim = files.read_json(folder / files.SHIM) or {}
    code = result.get("exit_code")
    error, retryable = str(verdict.get("error", "")), bool(verdict.get("retryable"))
    if code is not None and code < 0:
        error, retryable = _killed(-code), True
    elif result["outcome"] == "failed" and not verdict:
        error = f"The runner ended with exit code {code} and left no verdict. See the log."
    return EngineStatus(
        "exited",
        outcome=result["outcome"],
        exit_code=code,
        error="" if result["outcome"] == "succeeded" else error,
        retryable=retryable,
        artifact=str(verdict.get("artifact", "")),
        progress=_progress(folder),
        peak_memory_bytes=int(result.get("peak_memory_bytes", 0)),
        pid=int(shim.get("pid", 0)),
        pid_started=int(shim.get("start") or 0),
        boot_id=str(shim.get("boot_id", "")),
    )


def _killed(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if number == signal.SIGKILL:
        return "The runner was killed (SIGKILL): most often the machine had run out of memory."
    return f"The runner was ended by {name}."


def _sweep(folder: Path) -> bool:
    """End what a killed shim has left; whether something still lives (it is looked at again with the next status)."""
    runner = files.read_json(folder / files.RUNNER) or {}
    pid, start = int(runner.get("pid", 0)), runner.get("start")
    reused = processes.started(pid) not in (None, start) if pid else False
    left = processes.marked(0 if reused else pid, f"{MARK}={folder}")
    if pid and not reused and processes.started(pid) is not None:
        left += [pid, *processes.descendants(pid)]
    processes.send(left, signal.SIGKILL)
    return bool(left)
