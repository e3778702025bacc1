"""A recipe for the runner's tests: light to import, and able to do everything that a job can do wrong."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field

from studio.core.errors import InvalidInput
from studio.jobs.artifacts import Manifest
from studio.jobs.context import JobContext
from studio.recipes.base import Recipe


class Params(BaseModel):
    do: str = Field("nothing", title="What to do", description="What this run is to do: a name of `ACTIONS`.")
    steps: int = Field(5, title="Steps", description="Steps to take, each with a checkpoint.")
    hold_at: int = Field(-1, title="Hold at", description="Step before which the run waits for a file named `go`.")
    megabytes: int = Field(64, title="Megabytes", description="How much memory to use.")


def run(params: Params, context: JobContext) -> None:
    append(context.workdir / "ran", f"{context.spec.job} {context.spec.attempt} {os.getpid()}")
    ACTIONS[params.do](params, context)


def nothing(params: Params, context: JobContext) -> None:
    context.log("nothing to do")


def steps(params: Params, context: JobContext) -> None:
    checkpoint = context.workdir / "checkpoints" / "state.json"
    first = json.loads(checkpoint.read_text())["step"] + 1 if checkpoint.exists() else 0
    for step in range(first, params.steps):
        while step == params.hold_at and not (context.workdir / "go").exists():
            context.raise_if_cancelled()
            time.sleep(0.005)
        append(context.workdir / "steps", str(step))
        partial = checkpoint.with_suffix(".partial")
        partial.write_text(json.dumps({"step": step}))
        partial.replace(checkpoint)
        context.progress(step + 1, params.steps, f"step {step}")


def family(params: Params, context: JobContext) -> None:
    """Children that do not want to go: one in its own session, one that ignores SIGTERM; nor does this process."""
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    escaped = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
    deaf = subprocess.Popen([sys.executable, "-S", "-c", stubborn], start_new_session=True)
    forked = os.fork()  # no exec: only its session and its parents tell where it belongs
    if forked == 0:
        time.sleep(600)
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    append(context.workdir / "family", f"{os.getpid()} {escaped.pid} {deaf.pid} {forked}")
    while True:
        time.sleep(0.05)


def leave_children(params: Params, context: JobContext) -> None:
    for own_session in (False, True):
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=own_session
        )
        append(context.workdir / "children", str(child.pid))
        child.returncode = 0  # left behind on purpose


def refuse(params: Params, context: JobContext) -> None:
    raise InvalidInput("data.text_column", "txt", "Choose one of: text, label.")


def bug(params: Params, context: JobContext) -> None:
    raise RuntimeError("a bug")


def memory(params: Params, context: JobContext) -> None:
    held = bytearray(os.urandom(1 << 20)) * params.megabytes
    context.log(f"held {len(held)} bytes")


def out_of_memory(params: Params, context: JobContext) -> None:
    raise MemoryError


def secret(params: Params, context: JobContext) -> None:
    token = context.spec.secrets["HF_TOKEN"]
    append(context.workdir / "secret", hashlib.sha256(token.encode()).hexdigest())
    inherited = [name for name, value in os.environ.items() if value == token]
    arguments = Path("/proc/self/cmdline").read_text()
    append(context.workdir / "leaks", f"{inherited} {token in arguments}")


def leave(params: Params, context: JobContext) -> None:
    os._exit(7)


def artifact(params: Params, context: JobContext) -> None:
    context.saving()
    staging = context.stage()
    (staging / "weights").write_text("1")
    context.commit(
        staging,
        Manifest(
            id=f"{context.spec.job}-out",
            kind="toy",
            title="A toy",
            task="",
            recipe="toy",
            params={},
            owner=context.spec.owner,
            job=context.spec.job,
            created_at=time.time(),
        ),
    )


def modules(params: Params, context: JobContext) -> None:
    names = ("gradio", "torch", "transformers")
    append(context.workdir / "modules", " ".join(name for name in names if name in sys.modules))
    variables = (
        "OMP_NUM_THREADS",
        "OMP_WAIT_POLICY",
        "ARROW_DEFAULT_MEMORY_POOL",
        "TRACKIO_DIR",
        "CUDA_VISIBLE_DEVICES",
        "HF_TOKEN",
    )
    append(context.workdir / "environment", json.dumps({name: os.environ.get(name) for name in variables}))


def torch_step(params: Params, context: JobContext) -> None:
    """What hangs for good when the process that was forked from had computed anything."""
    import torch

    x = torch.randn(600, 600)
    torch.nn.functional.softmax(x @ x, -1)
    torch.nn.Linear(600, 8)(x).sum().backward()
    append(context.workdir / "threads", str(torch.get_num_threads()))


def append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


ACTIONS: dict[str, Callable[[Params, JobContext], None]] = {
    "nothing": nothing,
    "steps": steps,
    "family": family,
    "leave-children": leave_children,
    "refuse": refuse,
    "bug": bug,
    "memory": memory,
    "out-of-memory": out_of_memory,
    "secret": secret,
    "exit": leave,
    "artifact": artifact,
    "modules": modules,
    "torch-step": torch_step,
}
RECIPE = Recipe(name="toy", title="Toy", kind="toy", params=Params, run=run)
