"""The runner's main: reads an attempt's spec, sets up the process, runs the recipe and leaves a verdict.

Owns the border between a recipe's errors and the job's outcome. Imports neither Gradio nor, by itself, torch.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from studio.core.errors import JobCancelled, QuotaExceeded, StudioError, UserError
from studio.core.settings import Settings
from studio.jobs import files
from studio.jobs.context import JobContext, Tracker
from studio.jobs.engine import JobSpec
from studio.recipes import RECIPES
from studio.recipes.allowance import Allowance

EXIT = {"succeeded": 0, "failed": 1, "cancelled": 2}
NICE = 5  # pages and playground go first where they share the cores with a job
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Verdict:
    """What a recipe came to. Retryable means that the same run may well succeed when it is started again."""

    outcome: str
    error: str = ""
    retryable: bool = False
    artifact: str = ""


@dataclass
class _Metrics:
    """A tracker that opens the run's files at the first value: a job without metrics leaves no empty run."""

    spec: JobSpec
    _writer: Tracker | None = field(default=None)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        if self._writer is None:
            from studio.tracking.writer import TrackioWriter

            project = str(self.spec.params.get("project") or self.spec.recipe)
            self._writer = TrackioWriter(self.spec.tracking_dir, project, self.spec.job, dict(self.spec.params))
        self._writer.log(metrics, step)

    def finish(self) -> None:
        if self._writer is not None:
            self._writer.finish()


def main(folder: Path, secrets: Mapping[str, str]) -> int:
    """Run the attempt in `folder`; the exit code says the outcome, `runner.json` says the rest."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", force=True)
    verdict = _judge(folder, secrets)
    files.write_json(folder / files.VERDICT, vars(verdict))
    return EXIT[verdict.outcome]


def _judge(folder: Path, secrets: Mapping[str, str]) -> Verdict:
    """Run the recipe and say what came of it. A bug's traceback goes to the log, never to the verdict."""
    try:
        return _run(folder, secrets)
    except JobCancelled:
        return Verdict("cancelled")
    except UserError as error:
        return Verdict("failed", str(error))
    except StudioError as error:
        traceback.print_exc()
        return Verdict("failed", str(error))
    except ValidationError as error:
        return Verdict("failed", _problems(error))
    except MemoryError:
        traceback.print_exc()
        return Verdict("failed", "There was not enough memory. A smaller batch or model needs less.", retryable=True)
    except Exception as error:  # noqa: BLE001  the runner's border: whatever happens, the job gets its verdict
        traceback.print_exc()
        if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported here
            return Verdict("failed", "There was not enough GPU memory. A smaller batch or model needs less.")
        return Verdict("failed", f"The recipe stopped on an error ({type(error).__name__}: {error}). See the log.")


def _problems(error: ValidationError) -> str:
    return "\n".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())


def _run(folder: Path, secrets: Mapping[str, str]) -> Verdict:
    spec = JobSpec.from_json(files.read_json(folder / files.SPEC) or {}, secrets)
    _prepare(spec)
    recipe = RECIPES[spec.recipe]
    params: BaseModel = recipe.params.model_validate(dict(spec.params))
    metrics = _Metrics(spec)
    allowance = Allowance(spec, Settings(home=spec.home), stores=recipe.stores)
    context = JobContext(spec, folder, metrics, allowance)
    context.progress(0, 0)
    began = time.monotonic()
    context.log(f"{recipe.title}: job {spec.job}, attempt {spec.attempt}, {spec.device.id}, {spec.threads} thread(s)")
    try:
        recipe.run(params, context)
    except QuotaExceeded:
        allowance.clear()
        raise
    finally:
        context.discard()
        metrics.finish()
    context.log(f"Done after {time.monotonic() - began:.1f} s.")
    if context.cancelled and context.artifact is None:
        return Verdict("cancelled")
    return Verdict("succeeded", artifact=context.artifact.id if context.artifact else "")


def _prepare(spec: JobSpec) -> None:
    """Bind the process to its lease, before anything computes."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(spec.threads)))
    os.environ["TRACKIO_DIR"] = str(spec.tracking_dir)
    os.environ["CUDA_VISIBLE_DEVICES"] = str(spec.device.index) if spec.device.kind == "cuda" else ""
    torch = sys.modules.get("torch")
    if torch is not None:  # forked with torch imported: its pool has read the environment already
        torch.set_num_threads(spec.threads)
    for name in ("httpx", "httpx2"):  # a line per request is no log for a person
        logging.getLogger(name).setLevel(logging.WARNING)
    os.nice(NICE)
    (spec.workdir / "checkpoints").mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    given = json.loads(sys.stdin.buffer.read() or b"{}")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.exit(main(Path(sys.argv[1]), given))
