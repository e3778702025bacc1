"""The job runner: submit → first log line with the warm zygote and without, enqueue → process."""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.measure import summary
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.service import Studio, Wishes

LOCAL = Caller(owner="local", admin=True)


def main() -> None:
    """Time `rounds` small trainings up to their first log line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    for zygote in (True, False):
        with tempfile.TemporaryDirectory() as home:
            studio = Studio(Settings(home=Path(home), zygote=zygote, offline=True))
            studio.start()
            try:
                if zygote:
                    wait_for_zygote(studio)
                times = [one(studio, number) for number in range(rounds)]
            finally:
                studio.close()
        name = "warm zygote" if zygote else "spawned"
        print(f"{name}: submit → process {summary([started for started, _ in times])}")
        print(f"{name}: submit → first log line {summary([line for _, line in times])}")


def one(studio: Studio, number: int) -> tuple[float, float]:
    """Seconds from submit to the runner's process and to its first log line; the job is then cancelled."""
    values = {"dataset": "kit:debian-topics", "max_train_samples": 64, "epochs": 1}
    job = studio.submit(LOCAL, "text-classification", values, Wishes(key=f"bench-{number}"))
    submitted = time.perf_counter()
    started = line = 0.0
    while not line:
        if not started and (studio.settings.jobs_dir / job.id / "attempts" / "1" / "process.json").exists():
            started = time.perf_counter() - submitted
        if studio.log(LOCAL, job.id)[0]:
            line = time.perf_counter() - submitted
        time.sleep(0.001)
    studio.cancel(LOCAL, job.id)
    studio.wait(LOCAL, job.id)
    return started, line


def wait_for_zygote(studio: Studio) -> None:
    """Until the engine says that its zygote has imported everything."""
    engine = studio.engines["local"]
    while not getattr(engine, "warm", True):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
