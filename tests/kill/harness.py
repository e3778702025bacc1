"""What the runner's tests share: a home with toy recipes, jobs for it, and waiting for a condition with a deadline."""

import os
import time
from pathlib import Path
from typing import Any

from studio.core.settings import Settings
from studio.engines.local import LocalEngine
from studio.jobs import processes
from studio.jobs.engine import JobSpec
from studio.jobs.job import Device, Job, Resources, new_job_id
from studio.jobs.leases import detect
from studio.jobs.scheduler import Scheduler, Timing
from studio.jobs.store import JobStore

TOYS = Path(__file__).parent / "toys"
QUICK = Timing(poll_idle=0.02, poll_active=0.01, progress=0.0, cancel_grace=0.2, retry_pause=0.01)
CPU = Device("cpu", "cpu", 0, 16 << 30, "test")


def settings(home: Path, *, zygote: bool = False) -> Settings:
    return Settings.model_validate({"home": home, "zygote": zygote, "offline": True})


def job(do: str = "nothing", *, owner: str = "local", memory: int = 0, attempts: int = 3, **params: Any) -> Job:
    identity = new_job_id("toy")
    return Job(
        id=identity,
        recipe="toy",
        title=f"Toy {do}",
        params={"do": do, **params},
        owner=owner,
        key=identity,
        max_attempts=attempts,
        resources=Resources(memory),
        created_at=time.time(),
    )


def spec(settings: Settings, job: Job, attempt: int = 1, **secrets: str) -> JobSpec:
    return JobSpec(
        job=job.id,
        attempt=attempt,
        recipe=job.recipe,
        params=job.params,
        owner=job.owner,
        workdir=settings.jobs_dir / job.id,
        artifacts_dir=settings.artifacts_dir,
        tracking_dir=settings.tracking_dir,
        home=settings.home,
        device=CPU,
        threads=1,
        secrets=secrets,
    )


def scheduler(settings: Settings, engine: LocalEngine, **more: Any) -> Scheduler:
    made = Scheduler(JobStore(settings.database), {"local": engine}, detect(), settings, **more)
    made.timing = QUICK
    return made


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


def living(pid: int) -> bool:
    return processes.started(pid) is not None


def use_toys() -> None:
    """Let every runner that this process starts know the toy recipe."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TOYS), os.environ.get("PYTHONPATH")]))
