"""What is over, deleted or still being written: jobs, results, uploads and logs."""

import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import (
    Conflict,
    NotFound,
)
from studio.jobs import artifacts
from studio.jobs.job import Attempt, Job, JobState, Lease
from studio.service import Studio
from tests.unit.service.given import ANN, LOCAL, TEACHER, TOY, add_artifact, end


def test_a_result_goes_with_all_that_names_it(public: Studio) -> None:
    job = end(public, public.submit(ANN, TOY, {}), JobState.SUCCEEDED)
    result = add_artifact(public, ANN.owner)
    public.store.add_artifact(job.id, result)
    with sqlite3.connect(public.settings.database) as connection:
        connection.execute("UPDATE job SET artifact = ? WHERE id = ?", (result, job.id))
    connection.close()
    assert public.job(ANN, job.id).artifact == result
    public.delete_artifact(ANN, result)
    assert public.artifacts(ANN) == []
    assert list(public.settings.artifacts_dir.iterdir()) == []
    assert (public.job(ANN, job.id).artifact, public.store.artifacts(job.id)) == ("", [])
    with pytest.raises(NotFound):
        public.delete_artifact(ANN, result)
    public.delete_artifact(TEACHER, add_artifact(public, ANN.owner))
    assert public.artifacts(ANN) == []


def test_a_result_that_is_needed_is_not_deleted(studio: Studio) -> None:
    result, made = add_artifact(studio, "local"), add_artifact(studio, "local", "made")
    values: list[dict[str, Any]] = [
        {"artifact": result, "repo_id": "me/result"},
        {"model": {"base_model": f" artifact:{result}"}},
    ]
    for number, params in enumerate(values):
        job = studio.store.add(Job(f"needs-{number}", "publish", "", params, "local", f"key-{number}"))
        with pytest.raises(Conflict, match=rf"{job.id} is queued and needs it"):
            studio.delete_artifact(LOCAL, result)
        studio.cancel(LOCAL, job.id)
    adapter = artifacts.load(studio.settings.artifacts_dir, made)
    base = artifacts.ModelReference(id=f"artifact:{result}")
    artifacts.write_manifest(adapter.path, adapter.manifest.model_copy(update={"base_model": base}))
    with pytest.raises(Conflict, match="base of made"):
        studio.delete_artifact(LOCAL, result)
    saving = studio.store.add(Job("toy-1", TOY, "", {}, "local", "the job that makes it"))
    with pytest.raises(Conflict, match="toy-1 is queued"):
        studio.delete_artifact(LOCAL, made)
    studio.cancel(LOCAL, saving.id)
    studio.delete_artifact(LOCAL, made)
    studio.delete_artifact(LOCAL, result)
    assert studio.artifacts(LOCAL) == []


def test_an_upload_that_is_needed_is_not_deleted(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\ngood,a\nbad,b\n")
    ref = studio.upload(LOCAL, file, file.name).ref
    job = studio.store.add(Job("train-1", TOY, "", {"data": {"dataset": ref}}, "local", "key"))
    for name in (ref, ref.removeprefix("upload:")):
        with pytest.raises(Conflict, match="train-1 is queued"):
            studio.delete_dataset(LOCAL, name)
    studio.cancel(LOCAL, job.id)
    studio.delete_dataset(LOCAL, ref)
    assert ref not in [info.ref for info in studio.datasets(LOCAL)]
    for gone in (ref, "kit:debian-topics"):
        with pytest.raises(NotFound):
            studio.delete_dataset(LOCAL, gone)


def test_what_is_over_cannot_be_cancelled_and_what_is_not_cannot_be_retried_or_deleted(studio: Studio) -> None:
    job = studio.submit(LOCAL, TOY, {})
    with pytest.raises(Conflict, match="only a failed or cancelled job"):
        studio.retry(LOCAL, job.id)
    with pytest.raises(Conflict, match="cancel it first"):
        studio.delete(LOCAL, job.id)
    done = end(studio, job, JobState.SUCCEEDED)
    with pytest.raises(Conflict, match="nothing to cancel"):
        studio.cancel(LOCAL, done.id)
    with pytest.raises(Conflict):
        studio.retry(LOCAL, done.id)
    failed = end(studio, studio.submit(LOCAL, TOY, {}), JobState.FAILED)
    assert studio.retry(LOCAL, failed.id).state is JobState.QUEUED


def test_deleting_takes_the_folder_and_leaves_the_artifact(studio: Studio) -> None:
    job = end(studio, studio.submit(LOCAL, TOY, {}), JobState.SUCCEEDED)
    folder = studio.settings.jobs_dir / job.id
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "log").write_text("text")
    result = add_artifact(studio, "local")
    studio.delete(LOCAL, job.id)
    assert not folder.exists()
    assert studio.artifact(LOCAL, result).id == result
    with pytest.raises(NotFound):
        studio.job(LOCAL, job.id)


def test_a_log_in_pages_loses_no_character(studio: Studio) -> None:
    job = studio.submit(LOCAL, TOY, {})
    lease = Lease(job.id, 1, "cpu", 0, 1, "boot:1:1:x", time.time(), time.time() + 30)
    assert studio.store.claim(job, lease, [])
    folder = studio.settings.jobs_dir / job.id / "attempts" / "1"
    folder.mkdir(parents=True)
    studio.store.launched(replace(job, attempt=1), Attempt(job.id, 1, str(folder)))
    text = "déjà vu: 汉字 🙂\n" * 20
    log = folder.parent.parent / "log"
    log.write_bytes(text.encode() + "🙂".encode()[:2])  # half a character: it is still being written
    read, offset = "", 0
    while (page := studio.log(LOCAL, job.id, offset, limit=7))[1] != offset:
        read, offset = read + page[0], page[1]
    assert read == text
    log.write_bytes(text.encode() + "🙂".encode())
    assert studio.log(LOCAL, job.id, offset)[0] == "🙂"
    assert studio.log(LOCAL, job.id, 10**9) == ("", 10**9)
