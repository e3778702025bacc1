"""Jobs that have run, and what a studio leaves when it closes. Real processes."""

import threading
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil
import pytest

from studio.core.errors import (
    NotFound,
    StudioError,
)
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.jobs.job import Job, JobState
from studio.service import Studio
from studio.tracking import reader
from tests.unit.service.given import ANN, BEN, TEACHER, TOY
from tests.waiting import wait


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Job, Job]]:
    """A public studio in which Ann and Ben have each run a toy."""
    home = tmp_path_factory.mktemp("ran") / "home"
    studio = Studio(Settings(home=home, offline=True, zygote=False, public=True))
    studio.start()
    jobs = [studio.submit(who, TOY, {"count": 5}) for who in (ANN, BEN)]
    mine, other = (studio.wait(who, job.id, 60) for who, job in zip((ANN, BEN), jobs, strict=True))
    assert (mine.state, other.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED), mine.error
    yield studio, mine, other
    studio.close()


def test_a_job_leaves_log_events_artifact_and_curve(ran: tuple[Studio, Job, Job]) -> None:
    studio, mine, _ = ran
    assert "counted 5" in studio.log(ANN, mine.id)[0]
    assert [event.kind for event in studio.events(ANN, 0, mine.id)].count("artifact") == 1
    assert studio.artifact(ANN, mine.artifact).manifest.owner == ANN.owner
    assert studio.run_metrics(ANN, TOY, mine.id) == ["number"]
    assert studio.series(ANN, TOY, mine.id, "number").values == [1, 2, 3, 4, 5]


def test_runs_are_their_owners_and_nothing_is_read_for_nothing(
    ran: tuple[Studio, Job, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, mine, other = ran
    reads: list[tuple[str, set[str] | None]] = []
    original = reader.runs

    def counted(folder: Path, project: str, names: Collection[str] | None = None) -> list[reader.Run]:
        reads.append((project, None if names is None else set(names)))
        return original(folder, project, names)

    monkeypatch.setattr(reader, "runs", counted)
    assert [run.name for run in studio.runs(ANN, TOY)] == [mine.id]
    assert {run.name for run in studio.runs(TEACHER, TOY)} == {mine.id, other.id}
    assert reads == [(TOY, {mine.id}), (TOY, None)]  # only an admin's list takes in what is others'
    reads.clear()
    assert studio.projects(ANN) == studio.projects(TEACHER) == [TOY]
    assert studio.projects(Caller("session:nobody")) == []
    for project in (TOY, "no-such"):  # the same answer, whether others have it or not
        with pytest.raises(NotFound, match=f"There is no project '{project}'"):
            studio.runs(Caller("session:nobody"), project)
    assert reads == []


def test_close_leaves_no_thread_and_no_process_and_may_be_called_twice(tmp_path: Path) -> None:
    threads, children = set(threading.enumerate()), set(psutil.Process().children(recursive=True))
    studio = Studio(Settings(home=tmp_path / "home", offline=True))
    studio.start()
    studio.start()
    studio.inference.warm()
    running = set(psutil.Process().children()) - children
    assert len(running) == len(studio.engines) + 1, "a zygote for each engine, and the inference worker"
    studio.close()
    studio.close()
    wait(lambda: not set(threading.enumerate()) - threads, "the threads to end", 10)
    wait(lambda: not set(psutil.Process().children(recursive=True)) - children, "the processes to end", 10)
    with pytest.raises(StudioError, match="shutting down"):
        studio.inference.warm()
