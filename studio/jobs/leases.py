"""What this machine has to hand out, who gets it next, and whether a job fits. Pure decisions; the store keeps them."""

import csv
import io
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median

import psutil

from studio.jobs.job import Device, Job, Lease

AGING_SECONDS = 600.0  # a job that has waited this long counts one priority class higher, so that nothing starves
NOMINAL_SECONDS = 30.0  # what a running job counts at least, so that one owner's jobs do not take every slot at once
RESERVE_BYTES = 1 << 30  # kept for the pages and the playground; a tenth of the memory on small machines
LIGHT_JOBS = 4  # light jobs that may run beside the others
LIGHT_BYTES = 256 << 20
GPU_THREADS = 4
GPU_LOOK_SECONDS = 2
CALIBRATION = (0.5, 2.0)  # never trust measured / predicted beyond these


@dataclass(frozen=True)
class Grant:
    """A job may start: here, with this much."""

    device: Device
    memory_bytes: int
    threads: int


@dataclass(frozen=True)
class Refusal:
    """A job may not start now, or (`forever`) not on this machine at all."""

    reason: str
    forever: bool = False


@dataclass(frozen=True)
class Machine:
    """What there is to hand out, and what is free of it at this moment.

    Attributes:
        cores: CPUs that this process may use.
        free: bytes that are physically free per device id; a device that is not listed counts as free.
    """

    devices: Sequence[Device]
    cores: int
    free: Mapping[str, int]


def order(jobs: Sequence[Job], usage: Mapping[str, float], now: float) -> list[Job]:
    """Who goes next: the higher class (waiting raises it), then whose owner has used least, then who waits longest."""

    def rank(job: Job) -> tuple[float, float, float, str]:
        aged = job.priority + max(0.0, now - job.created_at) // AGING_SECONDS
        return -aged, usage.get(job.owner, 0.0), job.created_at, job.id

    return sorted(jobs, key=rank)


def running_usage(leases: Sequence[Lease], owners: Mapping[str, str], now: float) -> dict[str, float]:
    """Seconds that owners are using at this moment, which the store has not been charged yet."""
    seconds: dict[str, float] = {}
    for lease in leases:
        owner = owners.get(lease.job, "")
        seconds[owner] = seconds.get(owner, 0.0) + max(NOMINAL_SECONDS, now - lease.granted_at)
    return seconds


def calibrate(predicted: int, history: Sequence[tuple[int, int]]) -> int:
    """The prediction, corrected by the median of measured / predicted of earlier jobs of the same recipe."""
    if not history:
        return predicted
    low, high = CALIBRATION
    return int(predicted * min(high, max(low, median(measured / guess for guess, measured in history))))


def place(job: Job, need: int, machine: Machine, leases: Sequence[Lease]) -> Grant | Refusal:
    """Where a job may run now. `need` is its calibrated peak memory in bytes."""
    cpu = next(device for device in machine.devices if device.kind == "cpu")
    if job.resources.memory_bytes == 0 and not job.resources.gpu:
        return _place_light(cpu, leases)
    gpus = [device for device in machine.devices if device.kind != "cpu"] if job.resources.gpu else []
    fitting = [device for device in gpus if job.resources.memory_bytes <= capacity(device)]
    if fitting:
        return _place_on_gpu(fitting, need, machine, leases)
    if job.resources.memory_bytes > capacity(cpu):
        return Refusal(
            f"This job needs about {_gb(job.resources.memory_bytes)} of memory; this machine can give "
            f"{_gb(capacity(cpu))} at most. Choose a smaller model, a smaller batch or shorter texts.",
            forever=True,
        )
    return _place_on_cpu(job, cpu, min(need, capacity(cpu)), machine, leases)


def capacity(device: Device) -> int:
    """Bytes of a device that jobs may have: all but the interactive reserve."""
    return device.memory_bytes - min(RESERVE_BYTES, device.memory_bytes // 10)


def _place_light(cpu: Device, leases: Sequence[Lease]) -> Grant | Refusal:
    if sum(lease.threads == 0 for lease in leases) >= LIGHT_JOBS:
        return Refusal("Waits for an earlier job to end.")
    return Grant(cpu, LIGHT_BYTES, 0)


def _place_on_gpu(gpus: Sequence[Device], need: int, machine: Machine, leases: Sequence[Lease]) -> Grant | Refusal:
    """One job per GPU: what a second one would take cannot be known well enough."""
    taken = {lease.device for lease in leases}
    idle = [device for device in gpus if device.id not in taken]
    if not idle:
        return Refusal("Waits for a GPU: another job uses it.")
    for device in idle:
        need_here = min(need, capacity(device))
        if machine.free.get(device.id, device.memory_bytes) >= need_here:
            return Grant(device, need_here, max(1, min(GPU_THREADS, machine.cores - 1)))
    return Refusal(f"Waits for GPU memory: it needs about {_gb(need)}, and other programs hold it.")


def _place_on_cpu(job: Job, cpu: Device, need: int, machine: Machine, leases: Sequence[Lease]) -> Grant | Refusal:
    """One job per two cores at most, and a core for the pages: threads that compete cost many times over.

    On two cores a job has both, or it would take twice as long; the runner's lower priority keeps the pages quick.
    """
    here = [lease for lease in leases if lease.device == cpu.id]
    busy = [lease for lease in here if lease.threads > 0]
    left = machine.cores - (1 if machine.cores > 2 else 0) - sum(lease.threads for lease in busy)
    if busy and (len(busy) >= max(1, machine.cores // 2) or left < 1):
        return Refusal("Waits for the processor: another job uses it.")
    if need > capacity(cpu) - sum(lease.memory_bytes for lease in here):
        return Refusal(f"Waits for memory: it needs about {_gb(need)}, and other jobs hold it.")
    if need > machine.free.get(cpu.id, cpu.memory_bytes):
        return Refusal(f"Waits for memory: it needs about {_gb(need)}, and other programs hold it.")
    share = max(1, min(left, max(2, machine.cores // 2)))
    return Grant(cpu, need, min(job.resources.threads, max(1, left)) if job.resources.threads else share)


def detect() -> list[Device]:
    """The devices of this machine, GPUs first, found without torch."""
    total = memory_limit()
    found = _nvidia()
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.append(Device("mps", "mps", 0, total, "Apple GPU"))
    return [*found, Device("cpu", "cpu", 0, total, platform.processor() or platform.machine())]


def observe(devices: Sequence[Device]) -> Machine:
    """The machine as it is at this moment."""
    free = {"cpu": free_memory()}
    if any(device.kind == "cuda" for device in devices):
        free |= _gpu_free(int(time.monotonic() // GPU_LOOK_SECONDS))
    return Machine(devices, cores(), free)


@lru_cache(maxsize=1)
def _gpu_free(moment: int) -> dict[str, int]:  # noqa: ARG001  asked once per moment: the program takes long to answer
    return {f"cuda:{row[0]}": int(float(row[2])) << 20 for row in _nvidia_smi("index,name,memory.free")}


def patient(environment: Mapping[str, str]) -> dict[str, str]:
    """What lets the OpenMP threads of a process that starts in `environment` sleep while they wait, not spin.

    Spinning takes the processor from whatever else computes here: with something beside it, a model took three to ten
    times as long. Whoever has chosen a policy keeps theirs.
    """
    return {"OMP_WAIT_POLICY": environment.get("OMP_WAIT_POLICY", "PASSIVE")}


def cores() -> int:
    """CPUs that this process may use: affinity and the container's quota are respected."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _cgroup("cpu.max").partition(" ")
    return max(1, min(count, int(quota) // int(period))) if quota.isdigit() and period.isdigit() else count


def memory_limit() -> int:
    """Bytes of memory that this process may use: the machine's, or the container's when that is less."""
    total, limit = int(psutil.virtual_memory().total), _cgroup("memory.max")
    return min(total, int(limit)) if limit.isdigit() else total


def free_memory() -> int:
    """Bytes that are free at this moment, in the machine and in the container."""
    return min(int(psutil.virtual_memory().available), memory_limit() - _cgroup_used())


def _cgroup_used() -> int:
    """What the container uses already; the page cache, which is given back on demand, not counted."""
    used = _cgroup("memory.current")
    if not _cgroup("memory.max").isdigit() or not used.isdigit():
        return 0
    lines = dict(line.split() for line in _cgroup("memory.stat").splitlines())
    return max(0, int(used) - int(lines.get("inactive_file", 0)))


def _cgroup(name: str) -> str:
    try:
        return (Path("/sys/fs/cgroup") / name).read_text().strip()
    except OSError:
        return ""


def _nvidia() -> list[Device]:
    return [
        Device(f"cuda:{index}", "cuda", int(index), int(float(memory)) << 20, name)
        for index, name, memory in _nvidia_smi("index,name,memory.total")
    ]


def _nvidia_smi(fields: str) -> list[list[str]]:
    """Rows of nvidia-smi for the visible GPUs; none where there is no such program, or it does not answer."""
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(answer.stdout))]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    wanted = None if visible is None else {part.strip() for part in visible.split(",")}
    return [row for row in rows if row[-1].replace(".", "").isdigit() and (wanted is None or row[0] in wanted)]


def _gb(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB"
