"""Whose token a job gets, and where it never lies: pushes, private data, signing in."""

from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest
from pydantic import SecretStr

from studio.core.errors import (
    InvalidInput,
    SignInRequired,
    StudioError,
)
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.jobs.job import Job, JobState
from studio.jobs.scheduler import SIGN_IN
from studio.service import Studio, Wishes
from tests.hubserver.server import HubServer
from tests.unit.service.given import ANN, LOCAL, TOY, add_artifact
from tests.waiting import wait


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
        push = wait(lambda: next((job for job in studio.jobs(LOCAL) if job.recipe == "publish"), None), "the push")
        assert studio.job(LOCAL, made.id).state is JobState.SUCCEEDED
        wait(lambda: studio.job(LOCAL, push.id).waiting_for == SIGN_IN, "the push to wait")
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
