"""Writer and reader against each other, and against what trackio itself writes and reads."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput, NotFound, StudioError
from studio.tracking import reader
from studio.tracking.writer import TrackioWriter


def trackio_storage(directory: Path) -> Any:
    from trackio import sqlite_storage, utils

    utils.TRACKIO_DIR = sqlite_storage.TRACKIO_DIR = directory
    return sqlite_storage.SQLiteStorage


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    writer = TrackioWriter(tmp_path, "demo", "job-1", {"learning_rate": 1e-3, "path": Path("x")})
    for step in range(100):
        writer.log({"train/loss": 1 / (step + 1), "train/epoch": step / 50}, step)
    writer.log({"eval/f1": 0.5}, 99)
    writer.finish()
    assert reader.projects(tmp_path) == ["demo"]
    (run,) = reader.runs(tmp_path, "demo")
    assert (run.project, run.name, run.last_step) == ("demo", "job-1", 99)
    assert run.config == {"learning_rate": 1e-3, "path": "x"}
    assert run.latest == {"train/loss": 0.01, "train/epoch": 1.98, "eval/f1": 0.5}
    assert abs(run.started_at - time.time()) < 60
    assert reader.metrics(tmp_path, "demo", "job-1") == ["eval/f1", "train/epoch", "train/loss"]
    curve = reader.series(tmp_path, "demo", "job-1", "train/loss")
    assert curve.steps == list(range(100))
    assert curve.values == [1 / (step + 1) for step in range(100)]


def test_trackio_reads_what_is_written(tmp_path: Path) -> None:
    writer = TrackioWriter(tmp_path, "demo", "job-1", {"seed": 3})
    writer.log({"loss": 2.0}, 1)
    writer.log({"loss": math.inf}, 2)
    writer.finish()
    storage = trackio_storage(tmp_path)
    assert storage.get_projects() == ["demo"]
    assert storage.get_runs("demo") == ["job-1"]
    assert [(row["step"], row["loss"]) for row in storage.get_logs("demo", "job-1")] == [(1, 2.0), (2, math.inf)]
    config = storage.get_run_config("demo", "job-1")
    assert config["seed"] == 3
    assert config["_Created"]


def test_what_trackio_writes_is_read(tmp_path: Path) -> None:
    storage = trackio_storage(tmp_path)
    storage.bulk_log("theirs", "first", [{"loss": 1.0, "note": "text"}, {"loss": float("nan")}], config={"lr": 0.1})
    storage.bulk_log("theirs", "second", [{"acc": 1}], steps=[5], run_id="abc")
    runs = {run.name: run for run in reader.runs(tmp_path, "theirs")}
    assert runs["first"].config == {"lr": 0.1}
    assert runs["first"].latest == {"loss": 1.0}
    assert runs["second"].last_step == 5
    curve = reader.series(tmp_path, "theirs", "first", "loss")
    assert (curve.steps, curve.values, curve.not_finite) == ([0], [1.0], 1)
    assert reader.metrics(tmp_path, "theirs", "second") == ["acc"]
    assert reader.series(tmp_path, "theirs", "abc", "acc").values == [1.0]


def test_a_resumed_run_goes_on_in_the_same_curve(tmp_path: Path) -> None:
    first = TrackioWriter(tmp_path, "demo", "job-1", {"a": 1})
    for step in range(1, 9):
        first.log({"loss": float(step)}, step)
    first.finish()
    (before,) = reader.runs(tmp_path, "demo")
    second = TrackioWriter(tmp_path, "demo", "job-1", {"a": 1})
    second.log({"loss": 60.0}, 6)  # went on from a checkpoint at step 5
    second.log({"loss": 70.0}, 7)
    second.finish()
    curve = reader.series(tmp_path, "demo", "job-1", "loss")
    assert curve.values == [1, 2, 3, 4, 5, 60, 70]
    (after,) = reader.runs(tmp_path, "demo")
    assert after.started_at == before.started_at
    assert [row["step"] for row in trackio_storage(tmp_path).get_logs("demo", "job-1")] == [1, 2, 3, 4, 5, 6, 7]


def test_of_a_repeated_step_the_last_written_wins(tmp_path: Path) -> None:
    writer = TrackioWriter(tmp_path, "demo", "job-1", {})
    for value in (1.0, 2.0, 3.0):
        writer.log({"loss": value}, 4)
    writer.finish()
    assert reader.series(tmp_path, "demo", "job-1", "loss").values == [3.0]


def test_a_sigkill_costs_the_last_second_only(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from studio.tracking.writer import TrackioWriter\n"
        "writer = TrackioWriter(pathlib.Path(sys.argv[1]), 'demo', 'job-1', {})\n"
        "assert 'gradio' not in sys.modules and 'torch' not in sys.modules\n"
        "writer.log({'loss': 1.0}, 1)\n"
        "print('logged', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "logged\n"
        deadline = time.monotonic() + 20
        while not reader.runs(tmp_path, "demo"):
            assert time.monotonic() < deadline, "nothing was written"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert reader.series(tmp_path, "demo", "job-1", "loss").values == [1.0]


def test_unknown_layouts_are_refused(tmp_path: Path) -> None:
    TrackioWriter(tmp_path, "demo", "job-1", {}).finish()
    for statement, message in (
        ("PRAGMA user_version = 99", "layout version 99; known are 1, 2"),
        ("ALTER TABLE metrics RENAME COLUMN step TO stride", "table metrics lacks step"),
    ):
        connection = sqlite3.connect(tmp_path / "demo.db")
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(StudioError, match=message):
            reader.runs(tmp_path, "demo")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StudioError, match="cannot be read"):
        reader.runs(tmp_path, "junk")


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    assert reader.projects(tmp_path / "none") == []
    for project in ("demo", "", "../demo"):
        with pytest.raises(NotFound):
            reader.runs(tmp_path, project)
    writer = TrackioWriter(tmp_path, "demo", "job-1", {})
    writer.log({"loss": 1.0}, 1)
    writer.finish()
    with pytest.raises(NotFound, match="no run"):
        reader.metrics(tmp_path, "demo", "job-2")
    with pytest.raises(NotFound, match="It has: loss"):
        reader.series(tmp_path, "demo", "job-1", "los")


def test_a_project_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="letters, digits"):
        TrackioWriter(tmp_path, "../up", "job-1", {})


def test_reading_leaves_the_folder_as_it_is(tmp_path: Path) -> None:
    writer = TrackioWriter(tmp_path, "demo", "job-1", {})
    writer.log({"loss": 1.0}, 1)
    writer.finish()
    before = (tmp_path / "demo.db").read_bytes()
    reader.series(tmp_path, "demo", "job-1", "loss")
    assert (tmp_path / "demo.db").read_bytes() == before


def test_only_the_wanted_runs_are_read(tmp_path: Path) -> None:
    for name in ("job-1", "job-2", "job-3"):
        writer = TrackioWriter(tmp_path, "demo", name, {"name": name})
        writer.log({"loss": 1.0}, 1)
        writer.finish()
    connection = sqlite3.connect(tmp_path / "demo.db")
    connection.execute("UPDATE configs SET run_id = 'an-id' WHERE run_name = 'job-1'")  # as foreign writers have it
    connection.execute("UPDATE metrics SET run_id = 'an-id' WHERE run_name = 'job-1'")
    connection.execute("UPDATE metrics SET metrics = 'damaged' WHERE run_name = 'job-3'")
    connection.commit()
    connection.close()
    found = reader.runs(tmp_path, "demo", {"job-1", "job-2", "nobody's"})
    assert {run.name: run.config for run in found} == {name: {"name": name} for name in ("job-1", "job-2")}
    assert reader.runs(tmp_path, "demo", ()) == []
    with pytest.raises(StudioError, match="cannot be read"):  # where everything is read, so is what is damaged
        reader.runs(tmp_path, "demo")
