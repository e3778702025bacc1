"""Order, placement and calibration: pure decisions, checked against their definitions."""

import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from studio.jobs import leases
from studio.jobs.job import Device, Job, Lease, Resources
from studio.jobs.leases import AGING_SECONDS, LIGHT_JOBS, NOMINAL_SECONDS, Grant, Machine, Refusal
from tests.kill import harness

GB = 1 << 30
CPU = Device("cpu", "cpu", 0, 16 * GB)
GPU = Device("cuda:0", "cuda", 0, 24 * GB)


def lease(device: str = "cpu", memory: int = GB, threads: int = 1) -> Lease:
    return Lease("other", 1, device, memory, threads)


def place(memory: int, *held: Lease, gpu: bool = False, cores: int = 4, **free: int) -> Grant | Refusal:
    job = replace(harness.job(), resources=Resources(memory, gpu))
    return leases.place(job, memory, Machine([GPU, CPU] if gpu else [CPU], cores, free), held)


def goes_before(one: Job, other: Job, usage: dict[str, float], now: float) -> bool:
    """The rule, written out."""

    def level(job: Job) -> int:
        return job.priority + int((now - job.created_at) / AGING_SECONDS)

    if level(one) != level(other):
        return level(one) > level(other)
    if usage.get(one.owner, 0) != usage.get(other.owner, 0):
        return usage.get(one.owner, 0) < usage.get(other.owner, 0)
    return (one.created_at, one.id) < (other.created_at, other.id)


@pytest.mark.parametrize("seed", range(20))
def test_order_follows_the_rule_for_every_pair(seed: int) -> None:
    chance = random.Random(seed)
    now = 1e6
    owners = ["a", "b", "c", "d"]
    usage = {owner: chance.choice([0.0, 10.0, 500.0]) for owner in owners[:3]}
    jobs = [
        replace(
            harness.job(owner=chance.choice(owners)),
            priority=chance.randint(-1, 1),
            created_at=now - chance.choice([0, 1, 599, 601, 5000]),
        )
        for _ in range(30)
    ]
    for earlier, later in combinations(leases.order(jobs, usage, now), 2):
        assert goes_before(earlier, later, usage, now)


def test_nobody_starves() -> None:
    """Who has used most still comes first once having waited longer than the others' whole classes."""
    heavy = replace(harness.job(owner="heavy"), created_at=0)
    fresh = [replace(harness.job(owner=f"new-{n}"), created_at=2 * AGING_SECONDS) for n in range(5)]
    usage = {"heavy": 1e6}
    assert leases.order([heavy, *fresh], usage, AGING_SECONDS - 1 + 2 * AGING_SECONDS)[0] is heavy


def test_running_jobs_count_at_least_a_little() -> None:
    held = [replace(lease(), job="1", granted_at=100), replace(lease(), job="2", granted_at=0)]
    used = leases.running_usage(held, {"1": "a", "2": "b"}, 101)
    assert used == {"a": NOMINAL_SECONDS, "b": 101}


def test_calibration_is_the_median_ratio_within_bounds() -> None:
    assert leases.calibrate(1000, []) == 1000
    assert leases.calibrate(1000, [(100, 120), (100, 130), (100, 900)]) == 1300
    assert leases.calibrate(1000, [(100, 900)]) == 2000
    assert leases.calibrate(1000, [(100, 1)]) == 500


def test_what_can_never_fit_is_told_at_once() -> None:
    answer = place(32 * GB)
    assert isinstance(answer, Refusal)
    assert answer.forever
    assert "32.0 GB" in answer.reason
    assert "15.0 GB" in answer.reason


def test_a_bad_calibration_does_not_lock_a_job_out() -> None:
    job = replace(harness.job(), resources=Resources(14 * GB))
    answer = leases.place(job, 28 * GB, Machine([CPU], 4, {}), [])
    assert isinstance(answer, Grant)
    assert answer.memory_bytes == 15 * GB


def test_memory_is_not_handed_out_twice() -> None:
    assert isinstance(place(6 * GB, lease(memory=8 * GB)), Grant)
    waits = place(8 * GB, lease(memory=8 * GB))
    assert isinstance(waits, Refusal)
    assert not waits.forever
    assert "other jobs" in waits.reason


def test_what_other_programs_hold_counts() -> None:
    answer = place(8 * GB, cpu=4 * GB)
    assert isinstance(answer, Refusal)
    assert "other programs" in answer.reason


@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8, 16, 64])
def test_jobs_never_get_more_threads_than_cores_and_the_pages_keep_one_of_three(cores: int) -> None:
    held: list[Lease] = []
    while isinstance(answer := place(1, *held, cores=cores), Grant):
        held.append(lease(memory=1, threads=answer.threads))
    assert 1 <= len(held) <= max(1, cores // 2)
    assert sum(one.threads for one in held) <= (cores if cores <= 2 else cores - 1)


def test_light_jobs_run_beside_a_heavy_one_but_not_without_end() -> None:
    held = [lease(threads=1)]
    while isinstance(answer := place(0, *held, cores=2), Grant):
        assert answer.threads == 0
        held.append(lease(memory=answer.memory_bytes, threads=0))
    assert len(held) == 1 + LIGHT_JOBS


def test_a_gpu_is_for_one_job_and_the_cpu_for_what_fits_no_gpu() -> None:
    first = place(2 * GB, gpu=True)
    assert isinstance(first, Grant)
    assert first.device is GPU
    second = place(2 * GB, lease("cuda:0"), gpu=True)
    assert isinstance(second, Refusal)
    assert "GPU" in second.reason
    busy = place(2 * GB, gpu=True, **{"cuda:0": GB})
    assert isinstance(busy, Refusal)
    answer = leases.place(
        replace(harness.job(), resources=Resources(30 * GB, gpu=True)),
        30 * GB,
        Machine([GPU, replace(CPU, memory_bytes=64 * GB)], 4, {}),
        [],
    )
    assert isinstance(answer, Grant)
    assert answer.device.kind == "cpu"


def test_this_machine_is_seen() -> None:
    devices = leases.detect()
    assert devices[-1].kind == "cpu"
    assert devices[-1].memory_bytes == leases.memory_limit() > 0
    assert leases.cores() >= 1
    assert 0 < leases.observe(devices).free["cpu"] <= devices[-1].memory_bytes


def test_gpus_are_read_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in program: the columns that the real one prints, a GPU that does not tell its memory among them."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, NVIDIA A, 81559'\necho '1, NVIDIA B, [N/A]'\necho '2, NVIDIA C, 24576'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [(device.id, device.name) for device in leases.detect()[:-1]] == [
        ("cuda:0", "NVIDIA A"),
        ("cuda:2", "NVIDIA C"),
    ]
    assert leases.detect()[0].memory_bytes == 81559 << 20
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert [device.id for device in leases.detect()[:-1]] == ["cuda:2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert len(leases.detect()) == 1


def test_threads_that_wait_sleep_unless_somebody_has_chosen() -> None:
    assert leases.patient({"PATH": "/bin"}) == {"OMP_WAIT_POLICY": "PASSIVE"}
    assert leases.patient({"OMP_WAIT_POLICY": "ACTIVE"}) == {"OMP_WAIT_POLICY": "ACTIVE"}
