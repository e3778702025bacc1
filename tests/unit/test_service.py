"""The verbs: who may do what, what is refused and how, and what is kept from whom. Real store, real processes."""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import psutil
import pytest
from pydantic import SecretStr

from studio.core.errors import (
    Conflict,
    InvalidInput,
    InvalidInputs,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
    UnknownName,
)
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.jobs import artifacts
from studio.jobs.artifacts import Manifest
from studio.jobs.job import Attempt, Job, JobState, Lease
from studio.jobs.scheduler import SIGN_IN
from studio.jobs.store import Ending
from studio.service import Studio, Wishes
from studio.tracking import reader
from tests.hubserver.server import HubServer
from tests.unit.plugged import plugged

LOCAL = Caller("local", "You", admin=True)
ANN = Caller("session:ann", "Guest")
BEN = Caller("session:ben", "Guest")
TEACHER = Caller("hf:teacher", "teacher", admin=True)
TOY = "toy-recipe"


@pytest.fixture(scope="module", autouse=True)
def _toys() -> Iterator[None]:
    with plugged():
        yield


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False))
    yield made
    made.close()


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False, public=True, max_queued=3))
    yield made
    made.close()


def until(claim: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return found


def add_artifact(studio: Studio, owner: str, name: str = "result") -> str:
    staging = artifacts.stage(studio.settings.artifacts_dir)
    (staging / "count.txt").write_text("3")
    manifest = Manifest(
        id=name, kind="model", title="A result", recipe=TOY, params={}, owner=owner, job="toy-1", created_at=1
    )
    return artifacts.commit(staging, manifest).id


def end(studio: Studio, job: Job, state: JobState) -> Job:
    """Bring a queued job to its end by the store's own steps, without processes."""
    lease = Lease(job.id, job.attempt + 1, "cpu", 0, 1, "boot:1:1:x", time.time(), time.time() + 30)
    assert studio.store.claim(job, lease, studio.store.leases())
    assert studio.store.settle(replace(job, state=JobState.ADMITTED, attempt=job.attempt + 1), Ending(state))
    return studio.job(LOCAL, job.id)


# -- submitting


def test_an_unknown_recipe_or_engine_lists_the_known(studio: Studio) -> None:
    with pytest.raises(UnknownName, match=r"'nope'. Known: text-classification, predict, .*, publish, kit-add"):
        studio.submit(LOCAL, "nope", {})
    with pytest.raises(UnknownName, match=r"Unknown engine 'moon'. Known: local"):
        studio.submit(LOCAL, TOY, {}, Wishes(engine="moon"))


def test_bad_values_are_named_by_their_dotted_fields(studio: Studio) -> None:
    values = {"dataset": "kit:debian-topics", "epochs": 0, "rank": -1}
    with pytest.raises(InvalidInputs) as caught:
        studio.submit(LOCAL, "text-classification", values)
    fields = [problem.field for problem in caught.value.problems]
    assert len(fields) == 2
    assert all("." in field for field in fields)
    with pytest.raises(InvalidInputs, match=r"count: 2 is not usable\..*twice"):
        studio.submit(LOCAL, TOY, {"toy_count": 1, "count": 2})
    with pytest.raises(InvalidInputs, match=r"nope: 1 is not usable.*Known: count"):
        studio.submit(LOCAL, TOY, {"nope": 1})
    assert [problem.field for problem in studio.validate(LOCAL, TOY, {"nope": 1})] == ["nope"]
    assert studio.jobs(LOCAL) == []


def test_the_same_key_is_the_same_job_even_when_nothing_else_would_do(public: Studio) -> None:
    first = public.submit(ANN, TOY, {"count": 1}, Wishes("click"))
    for _ in range(2):
        public.submit(ANN, TOY, {})
    with pytest.raises(QuotaExceeded, match="at most 3"):
        public.submit(ANN, TOY, {})
    assert public.submit(ANN, TOY, {"count": 1}, Wishes("click")).id == first.id
    assert public.submit(ANN, TOY, {"count": "nonsense"}, Wishes("click")).id == first.id
    assert public.submit(BEN, TOY, {"count": 1}, Wishes("click")).id != first.id


def test_many_at_once_neither_pass_the_quota_nor_double_a_key(public: Studio) -> None:
    def one(number: int) -> str:
        try:
            return public.submit(ANN, TOY, {}, Wishes("same" if number % 2 else "")).id
        except QuotaExceeded:
            return ""

    with ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(one, range(24)))
    assert len(public.jobs(ANN)) == len(set(ids) - {""}) == 3
    assert len({ids[number] for number in range(1, 24, 2)} - {""}) <= 1


def test_a_recipe_may_have_a_limit_of_its_own(public: Studio) -> None:
    one, _ = (public.submit(ANN, "fetch", {"source": f"http://93.184.216.34/{n}.csv"}) for n in range(2))
    with pytest.raises(QuotaExceeded, match="2 jobs of this kind"):
        public.submit(ANN, "fetch", {"source": "http://93.184.216.34/2.csv"})
    public.submit(ANN, TOY, {})
    public.submit(BEN, "fetch", {"source": "http://93.184.216.34/2.csv"})
    public.cancel(ANN, one.id)
    public.submit(ANN, "fetch", {"source": "http://93.184.216.34/2.csv"})


def test_the_quota_is_per_owner_and_of_public_studios_only(studio: Studio, public: Studio) -> None:
    jobs = [public.submit(ANN, TOY, {}) for _ in range(3)]
    public.submit(BEN, TOY, {})
    public.cancel(ANN, jobs[0].id)
    public.submit(ANN, TOY, {})
    with pytest.raises(QuotaExceeded):  # trying again is one more that waits
        public.retry(ANN, jobs[0].id)
    for _ in range(30):
        studio.submit(LOCAL, TOY, {})


# -- whose


def test_jobs_are_their_owners_and_the_admins(public: Studio) -> None:
    job = public.submit(ANN, TOY, {})
    verbs: list[Callable[[Caller], Any]] = [
        lambda who: public.job(who, job.id),
        lambda who: public.log(who, job.id),
        lambda who: public.wait(who, job.id, 0),
        lambda who: public.events(who, 0, job.id),
        lambda who: public.run_metrics(who, TOY, job.id),
        lambda who: public.series(who, TOY, job.id, "number"),
        lambda who: public.retry(who, job.id),
        lambda who: public.delete(who, job.id),
        lambda who: public.cancel(who, job.id),
    ]
    for verb in verbs:
        with pytest.raises(NotFound, match=f"There is no job '{job.id}'"):
            verb(BEN)
    assert public.jobs(BEN) == []
    assert public.events(BEN) == []
    for who in (ANN, TEACHER):
        assert [found.id for found in public.jobs(who)] == [job.id]
        assert public.job(who, job.id).owner == ANN.owner
        assert public.log(who, job.id) == ("", 0)
        assert [event.job for event in public.events(who, 0, job.id)] == [job.id]
    assert public.cancel(TEACHER, job.id).state is JobState.CANCELLED
    assert public.retry(TEACHER, job.id).owner == ANN.owner
    public.cancel(ANN, job.id)
    public.delete(TEACHER, job.id)
    assert public.jobs(ANN) == []


def test_artifacts_and_cards_are_their_owners_and_the_admins(public: Studio) -> None:
    result = add_artifact(public, ANN.owner)
    signed_in = replace(BEN, token=SecretStr("hf_ben"))
    verbs: list[Callable[[], Any]] = [
        lambda: public.artifact(BEN, result),
        lambda: public.card(BEN, result),
        lambda: public.save_card(BEN, result, "mine now"),
        lambda: public.delete_artifact(BEN, result),
        lambda: public.publish(signed_in, result, "ben/stolen"),
        lambda: public.predict(BEN, "text-classification", {"inputs": "a"}, {}, f"artifact:{result}"),
        lambda: public.snippets(BEN, "text-classification", {"inputs": "a"}, {}, f"artifact:{result}", "http://x"),
    ]
    for verb in verbs:
        with pytest.raises(NotFound, match=f"There is no artifact '{result}'"):
            verb()
    with pytest.raises(InvalidInputs, match="There is no artifact"):  # nor by way of the recipe
        public.submit(signed_in, "publish", {"artifact": result, "repo_id": "ben/stolen"})
    assert public.artifacts(BEN) == []
    assert [info.ref for info in public.models(BEN, "text-classification") if info.source == "artifact"] == []
    public.save_card(ANN, result, "# Mine")
    assert public.card(TEACHER, result) == "# Mine"
    assert public.card(ANN, result, fresh=True) != "# Mine"
    assert [artifact.id for artifact in public.artifacts(TEACHER)] == [result]


@pytest.mark.parametrize("name", ["", ".", "..", "../jobs", "/etc", ".staging-1", "a\0b", "x" * 300])
def test_ids_from_outside_lead_nowhere(public: Studio, name: str) -> None:
    add_artifact(public, ANN.owner)
    for verb in (public.artifact, public.job, public.card, public.delete_artifact, public.delete_dataset):
        with pytest.raises(NotFound):
            verb(TEACHER, name)


def test_uploads_and_paths_are_their_owners(public: Studio, studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\ngood,a\nbad,b\n")
    ref = public.upload(ANN, file, file.name).ref
    assert public.view(ANN, ref).total == 2
    for who in (BEN, TEACHER):
        with pytest.raises(NotFound):
            public.view(who, ref)
        with pytest.raises(NotFound):
            public.column(who, ref, "train", "text")
        with pytest.raises(NotFound):
            public.delete_dataset(who, ref)
        assert ref not in [info.ref for info in public.datasets(who)]
    problems = public.validate(BEN, "text-classification", {"dataset": ref})
    assert any("no upload" in str(problem) for problem in problems)
    with pytest.raises(InvalidInput, match="one's own machine"):
        public.view(ANN, str(file))
    assert studio.view(LOCAL, str(file)).total == 2


# -- deleting


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


# -- ending


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


# -- with processes


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


def test_a_wished_push_waits_for_a_token_and_goes_when_it_comes(
    tmp_path: Path, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    studio = Studio(Settings(home=tmp_path / "home", zygote=False))
    studio.start()
    try:
        made = studio.submit(LOCAL, TOY, {"count": 1}, Wishes(push="alice/toys"))
        push = until(lambda: next((job for job in studio.jobs(LOCAL) if job.recipe == "publish"), None), "the push")
        assert studio.job(LOCAL, made.id).state is JobState.SUCCEEDED
        until(lambda: studio.job(LOCAL, push.id).waiting_for == SIGN_IN, "the push to wait")
        monkeypatch.setenv("HF_TOKEN", hub_server.token)
        done = studio.wait(LOCAL, push.id, 60)
    finally:
        studio.close()
    log = studio.log(LOCAL, push.id)[0]
    assert done.attempt == 1
    assert (done.state, done.error) == (JobState.SUCCEEDED, ""), log
    assert "https" in log or hub_server.endpoint in log
    held = [file for file in tmp_path.rglob("*") if file.is_file() and hub_server.token.encode() in file.read_bytes()]
    assert held == []
    assert hub_server.token not in caplog.text + log + repr(studio.__dict__) + repr(LOCAL)


def test_a_push_that_could_never_be_is_refused_before_the_work(studio: Studio, public: Studio) -> None:
    with pytest.raises(InvalidInput, match=r"push: 'no slash' is not usable"):
        studio.submit(LOCAL, TOY, {}, Wishes(push="no slash"))
    with pytest.raises(SignInRequired, match="Sign in"):
        public.submit(ANN, TOY, {}, Wishes(push="ann/toys"))
    carl = Caller("hf:carl", "carl", token=SecretStr("hf_secret_of_carl"))
    job = public.submit(carl, TOY, {}, Wishes(push="carl/toys"))
    assert "hf_secret_of_carl" not in repr(carl) + repr(job) + repr(public.__dict__)


def test_the_newest_token_of_an_account_is_the_one_that_its_jobs_get(public: Studio) -> None:
    carl = Caller("hf:carl", "carl", token=SecretStr("first"))
    waiting = Job("publish-1", "publish", "", {}, carl.owner, "k", needs_token=True)
    assert public._secrets(waiting) is None
    public.jobs(carl)
    assert public._secrets(waiting) == {"HF_TOKEN": "first"}
    public.jobs(replace(carl, token=SecretStr("second")))
    assert public._secrets(waiting) == {"HF_TOKEN": "second"}
    assert public._secrets(replace(waiting, owner="hf:other")) is None
    assert public._secrets(replace(waiting, needs_token=False)) == {}
    training = replace(waiting, recipe="text-classification", needs_token=False)
    assert public._secrets(training) == {"HF_TOKEN": "second"}  # private data and models
    assert public._secrets(replace(training, owner="hf:other")) == {}
    assert public._secrets(replace(training, recipe=TOY)) == public._secrets(replace(training, recipe="gone")) == {}


def test_a_visitor_previews_and_checks_their_own_private_data(
    tmp_path: Path, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub_server.token)  # the operator's, which is no visitor's
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)  # as in a process of its own
    rows = "text,label\n" + "".join(f"a text {number},{'ab'[number % 2]}\n" for number in range(20))
    hub_server.add_repo("alice/private", {"train.csv": rows.encode()}, "dataset", private=True)
    studio = Studio(Settings(home=tmp_path / "home", public=True, zygote=False))
    alice = Caller("hf:alice", "alice", token=SecretStr(hub_server.token))
    bob = Caller("hf:bob", "bob", token=SecretStr(hub_server.other_token))
    values = {"dataset": "alice/private"}
    try:
        assert studio.view(alice, "alice/private").total == 20
        assert studio.validate(alice, "text-classification", values) == []
        for stranger in (bob, ANN):
            with pytest.raises(StudioError, match="alice/private"):
                studio.view(stranger, "alice/private")
            problems = studio.validate(stranger, "text-classification", values)
            assert [problem.field for problem in problems] == ["data.dataset"]
        job = studio.submit(alice, "text-classification", values)
        assert studio._secrets(job) == {"HF_TOKEN": hub_server.token}
    finally:
        studio.close()
    held = [file for file in tmp_path.rglob("*") if file.is_file() and hub_server.token.encode() in file.read_bytes()]
    assert held == []


def test_publishing_without_a_token_says_how_to_sign_in(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(SignInRequired, match="hf auth login"):
        studio.publish(LOCAL, add_artifact(studio, "local"), "me/result")


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
    until(lambda: not set(threading.enumerate()) - threads, "the threads to end", 10)
    until(lambda: not set(psutil.Process().children(recursive=True)) - children, "the processes to end", 10)
    with pytest.raises(StudioError, match="shutting down"):
        studio.inference.warm()
