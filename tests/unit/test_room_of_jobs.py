"""Room of one owner's jobs: what they are to write counts while they wait and run, and none grows past what is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput, InvalidInputs, QuotaExceeded
from studio.core.params import parse
from studio.core.settings import Settings
from studio.data import owned
from studio.jobs import artifacts
from studio.jobs.job import Job, JobState
from studio.recipes import RECIPES
from studio.recipes.allowance import Allowance
from studio.service import Studio, Wishes
from tests.unit.recipes.tiny import make_context
from tests.unit.test_owned import ANN, BEN, KB, STEPS, result, rows, studio_of, upload


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    for name, value in {"PUBLIC": "true", "MAX_OWNER_MB": "1", "OFFLINE": "true", "ZYGOTE": "false"}.items():
        monkeypatch.setenv(f"STUDIO_{name}", value)  # for the processes of jobs
    made = studio_of(tmp_path / "home", public=True, max_owner_mb=1)
    yield made
    made.close()


def kept(studio: Studio, job: Job) -> int:
    return owned.reserved(studio.settings, job.owner, owned.mark(job.id))


def left(studio: Studio) -> list[str]:
    """What lies in the room of results, and what jobs have half done."""
    found = [path.name for path in studio.settings.artifacts_dir.glob("*")]
    for job in studio.settings.jobs_dir.glob("*"):
        found += [
            path.name for path in job.iterdir() if path.name not in ("attempts", "checkpoints", "log", "plan.json")
        ]
    return found


def test_what_a_job_is_to_write_counts_until_it_ends(public: Studio, tmp_path: Path) -> None:
    ref = upload(public, tmp_path, 380 * KB)
    before = owned.used(public.settings, ANN.owner)
    first = public.transform(ANN, ref, STEPS)
    assert kept(public, first) == round(1.1 * public.dataset(ANN, ref).info.bytes) + 50_000
    assert owned.used(public.settings, ANN.owner) == before + kept(public, first)
    second = public.transform(ANN, ref, STEPS)
    assert kept(public, second) == 10**6 - before - kept(public, first), "as much as there is"
    with pytest.raises(InvalidInputs) as caught:
        public.transform(ANN, ref, STEPS)
    assert [problem.field for problem in caught.value.problems] == ["dataset"]
    assert "of the 1.0 MB that they may take; 0.6 MB are kept for jobs that wait or run." in str(caught.value)
    with pytest.raises(InvalidInput, match="are kept for jobs"):
        public.upload(ANN, rows(tmp_path, 50), "rows.csv")
    assert public.create_dataset(BEN, "Small", "text\nx\n").splits == {"train": 1}
    public.cancel(ANN, second.id)
    assert kept(public, second) == 0
    assert upload(public, tmp_path, 100 * KB)


def test_what_ended_unseen_is_forgotten(public: Studio, tmp_path: Path) -> None:
    ref = upload(public, tmp_path, 100 * KB)
    owned.reserve(public.settings, ANN.owner, owned.mark("job-of-old"), 10**6)
    job = public.transform(ANN, ref, STEPS)
    assert owned.used(public.settings, ANN.owner) < 500 * KB
    assert kept(public, job) > 0


def test_the_same_key_keeps_room_once(public: Studio, tmp_path: Path) -> None:
    ref = upload(public, tmp_path, 100 * KB)
    first = public.transform(ANN, ref, STEPS, wishes=Wishes("key"))
    used = owned.used(public.settings, ANN.owner)
    assert public.transform(ANN, ref, STEPS, wishes=Wishes("key")).id == first.id
    assert owned.used(public.settings, ANN.owner) == used


def test_jobs_of_one_owner_never_pass_the_limit_together(public: Studio, tmp_path: Path) -> None:
    ref = upload(public, tmp_path, 380 * KB)
    jobs = [public.transform(ANN, ref, STEPS) for _ in range(2)]
    public.start()
    ended = [public.wait(ANN, job.id, 120) for job in jobs]
    assert [job.state for job in ended] == [JobState.SUCCEEDED, JobState.FAILED]
    assert "Your uploads and results take" in ended[1].error
    assert "and this takes 0.4 MB more. Delete data sets or results" in ended[1].error
    assert left(public) == [ended[0].artifact]
    public.close()
    assert [kept(public, job) for job in jobs] == [0, 0]
    assert owned.used(public.settings, ANN.owner) <= 10**6


def test_a_job_that_fits_when_others_were_deleted_can_be_tried_again(public: Studio, tmp_path: Path) -> None:
    ref, other = upload(public, tmp_path, 300 * KB), upload(public, tmp_path, 500 * KB)
    job = public.transform(ANN, ref, STEPS)
    public.start()
    assert public.wait(ANN, job.id, 120).state is JobState.FAILED
    assert left(public) == []
    public.delete_dataset(ANN, other)
    public.retry(ANN, job.id)
    done = public.wait(ANN, job.id, 120)
    assert (done.state, done.artifact) == (JobState.SUCCEEDED, job.id)


def test_a_job_stops_while_it_grows(public: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.recipes.allowance.EVERY", 0.0)
    result(public, "model", 800 * KB, ANN.owner)
    params = parse(RECIPES["transform"].params, {"dataset": "kit:wine", "recipe": "steps:\n- {step: shuffle}\n"})
    context, _ = make_context(public.settings, params, recipe="transform")
    spec = context.spec.from_json({**context.spec.to_json(), "owner": ANN.owner}, {})
    context.spec, context.allowance = spec, Allowance(spec, public.settings, stores=True)
    part = spec.workdir / "passes" / "part"
    part.parent.mkdir()
    part.write_bytes(b"\0" * 150 * KB)
    (spec.workdir / "checkpoints").mkdir()
    (spec.workdir / "checkpoints" / "state").write_bytes(b"\0" * 900 * KB)
    context.progress(1, 2, "half")
    assert owned.reserved(public.settings, ANN.owner, owned.mark(spec.job)) // KB == 150
    (context.stage() / "data.parquet").write_bytes(b"\0" * 250 * KB)
    with pytest.raises(QuotaExceeded, match=r"0.8 MB of the 1.0 MB that they may take, and this takes 0.2 MB more"):
        context.progress(2, 2, "all")
    assert owned.reserved(public.settings, ANN.owner, owned.mark(spec.job)) // KB == 150
    Allowance(spec, public.settings, stores=True).clear()
    context.discard()
    assert sorted(path.name for path in spec.workdir.iterdir()) == ["checkpoints"]
    assert [path.name for path in artifacts.list_artifacts(public.settings.artifacts_dir)[0].path.parent.iterdir()] == [
        "model"
    ]
    assert owned.used(public.settings, ANN.owner) < 801 * KB


def test_those_at_home_keep_nothing(tmp_path: Path) -> None:
    studio = studio_of(tmp_path / "home", max_owner_mb=1)
    ref = upload(studio, tmp_path, 100 * KB)
    studio.transform(ANN, ref, STEPS)
    assert not (studio.settings.home / "reserved").exists()
    studio.close()


def test_every_recipe_that_stores_foresees_how_much(public: Studio, tmp_path: Path) -> None:
    ref = upload(public, tmp_path, 100 * KB)
    size = public.dataset(ANN, ref).info.bytes
    work = public.start_annotation(ANN, ref, {"kind": "label", "column": "text", "classes": ["a", "b"]})
    values: dict[str, dict[str, Any]] = {
        "transform": {"dataset": ref, "recipe": "steps:\n- {step: shuffle}\n"},
        "predict": {"task": "text-classification", "model": "kit:sentiment", "dataset": ref, "limit": 1_000},
        "annotate": {"work": work.id},
        "check": {"dataset": ref},
        "text-classification": {"dataset": ref},
    }
    assert set(values) == {name for name in RECIPES if RECIPES[name].stores}
    found = {}
    for name, given in values.items():
        params = parse(RECIPES[name].params, given)
        found[name] = RECIPES[name].leaves(params, Settings(home=public.settings.home), ANN.owner)
    assert found["transform"] == found["annotate"] == size
    assert found["predict"] == pytest.approx(size, rel=0.01), "half of the rows, twice"
    assert 5 * 10**6 < found["text-classification"] < 10**7
    assert found["check"] > 0
