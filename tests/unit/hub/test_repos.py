"""Repositories over real HTTP: what goes there, what comes back, and what each failure is called."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from pydantic import SecretStr

from studio.core.errors import (
    Conflict,
    Forbidden,
    HubError,
    HubUnreachable,
    InvalidInput,
    JobCancelled,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
)
from studio.core.settings import Settings
from studio.hub import downloads, repos
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer

REPO = "alice/topics"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "base").mkdir(parents=True)
    (made / "config.json").write_text('{"model_type": "bert"}')
    (made / "model.safetensors").write_bytes(os.urandom(1_500_000))
    (made / "base" / "model.safetensors").write_bytes(os.urandom(20_000))
    (made / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    return made


def send(
    folder: Path,
    settings: Settings,
    token: SecretStr,
    report: repos.Report = lambda done, total, message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> repos.PublishResult:
    return repos.upload(repos.Push(folder, REPO), token, settings, report, cancelled)


def test_a_folder_arrives_whole_and_in_one_commit(
    server: HubServer, settings: Settings, token: SecretStr, folder: Path
) -> None:
    assert repos.create_repo(REPO, token, settings)
    steps: list[tuple[int, int]] = []
    result = send(folder, settings, token, lambda done, total, message: steps.append((done, total)))
    expected = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    held = {path: content for path, content in server.files(REPO).items() if path != ".gitattributes"}
    assert held == expected
    assert set(result.files) == set(expected)
    assert result.skipped == ()
    assert result.url == f"{server.endpoint}/{REPO}"
    assert len([r for r in server.requests if r.method == "POST" and "/commit/" in r.path]) == 1
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1] == result.bytes


def test_sending_again_sends_nothing(server: HubServer, settings: Settings, token: SecretStr, folder: Path) -> None:
    repos.create_repo(REPO, token, settings)
    first = send(folder, settings, token)
    assert not repos.create_repo(REPO, token, settings)
    again = send(folder, settings, token)
    assert again.files == ()
    assert set(again.skipped) == set(first.files)
    assert again.commit == first.commit
    (folder / "config.json").write_text("{}")
    assert send(folder, settings, token).files == ("config.json",)


def test_links_are_not_followed(server: HubServer, settings: Settings, token: SecretStr, folder: Path) -> None:
    (folder / "passwd.txt").symlink_to("/etc/hostname")
    repos.create_repo(REPO, token, settings)
    assert "passwd.txt" not in send(folder, settings, token).files


@pytest.mark.parametrize(
    "name", ["", "topics", "a/b/c", "alice/", "alice/..", "alice/x--y", "alice/x.git", "alice/a b", "alice/" + "x" * 97]
)
def test_bad_names_are_refused_before_any_call(
    server: HubServer, settings: Settings, token: SecretStr, name: str
) -> None:
    with pytest.raises(InvalidInput, match="repo_id"):
        repos.create_repo(name, token, settings)
    assert server.requests == []


def test_a_public_repository_is_not_taken_for_private(server: HubServer, settings: Settings, token: SecretStr) -> None:
    repos.create_repo(REPO, token, settings, private=False)
    with pytest.raises(Conflict, match="is public"):
        repos.create_repo(REPO, token, settings, private=True)
    assert not repos.create_repo(REPO, token, settings, private=False)


def test_what_is_anothers_stays_anothers(server: HubServer, settings: Settings, token: SecretStr) -> None:
    HfApi(endpoint=server.endpoint, token=server.other_token).create_repo("bob/theirs")
    with pytest.raises((Conflict, Forbidden)) as raised:
        repos.create_repo("bob/theirs", token, settings)
    assert "bob/theirs" in str(raised.value)
    server.faults.add(Fault("POST", "/api/repos/create", "status", status=409))
    with pytest.raises(Conflict, match="somebody else"):
        repos.create_repo("bob/theirs", token, settings)


def test_a_read_token_is_told_so(server: HubServer, settings: Settings) -> None:
    with pytest.raises(Forbidden, match="only read"):
        repos.create_repo(REPO, SecretStr(server.read_token), settings)


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (401, SignInRequired, "expired"),
        (403, Forbidden, "write permission for alice/topics"),
        (404, NotFound, "not on the Hub"),
        (429, QuotaExceeded, "in 77 s"),
        (500, HubError, "fault of its own"),
        (418, HubError, "refused"),
    ],
)
def test_every_refusal_has_its_words(
    server: HubServer,
    settings: Settings,
    token: SecretStr,
    folder: Path,
    status: int,
    error: type[StudioError],
    text: str,
) -> None:
    repos.create_repo(REPO, token, settings)
    fault = Fault("POST", "/preupload/", "status", status=status, retry_after=77, times=FOREVER)
    server.faults.add(fault)
    with pytest.raises(error, match=text) as raised:
        send(folder, settings, token)
    assert server.token not in str(raised.value)
    assert "model.safetensors" not in server.files(REPO)
    server.faults.clear()
    assert "model.safetensors" in send(folder, settings, token).files


def test_one_hiccup_is_not_noticed(server: HubServer, settings: Settings, token: SecretStr, folder: Path) -> None:
    repos.create_repo(REPO, token, settings)
    server.faults.add(Fault("POST", "/preupload/", "status", status=503))
    assert len(send(folder, settings, token).files) == 4


def test_a_silent_hub_is_given_up_on(server: HubServer, settings: Settings, token: SecretStr, folder: Path) -> None:
    repos.create_repo(REPO, token, settings)
    server.faults.add(Fault("POST", "/commit/", "silent", times=FOREVER))
    quick = settings.model_copy(update={"hub_deadline": 0.7})
    began = time.monotonic()
    with pytest.raises(HubUnreachable):
        send(folder, quick, token)
    assert time.monotonic() - began < 8
    assert "model.safetensors" not in server.files(REPO)


def test_cancelling_does_not_wait_for_the_hub(
    server: HubServer, settings: Settings, token: SecretStr, folder: Path
) -> None:
    repos.create_repo(REPO, token, settings)
    server.faults.add(Fault("POST", "/preupload/", "silent"))
    flag = threading.Event()
    began = time.monotonic()
    with pytest.raises(JobCancelled):
        send(folder, settings, token, lambda done, total, message: flag.set(), flag.is_set)
    assert time.monotonic() - began < 2


def test_only_harmless_files_are_downloaded(
    server: HubServer, settings: Settings, token: SecretStr, folder: Path
) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling.py").write_text("import os")
    repos.create_repo(REPO, token, settings, private=False)
    send(folder, settings, token)
    snapshot = downloads.download_model(REPO, settings=settings)
    names = {file.name for file in snapshot.path.rglob("*") if file.is_file()}
    assert {"config.json", "model.safetensors", "README.md"} <= names
    assert not {"pytorch_model.bin", "modeling.py"} & names
    assert snapshot.license == "mit"
    assert (snapshot.path / "base" / "model.safetensors").read_bytes() == (
        folder / "base/model.safetensors"
    ).read_bytes()


def test_an_earlier_download_serves_without_a_hub(
    server: HubServer, settings: Settings, token: SecretStr, folder: Path
) -> None:
    repos.create_repo(REPO, token, settings, private=False)
    send(folder, settings, token)
    online = downloads.download_model(REPO, settings=settings)
    offline = downloads.download_model(REPO, settings=settings.model_copy(update={"offline": True}))
    assert offline == online
    server.faults.add(Fault("GET", "/api/models/", "cut_response", times=FOREVER))
    assert downloads.download_model(REPO, settings=settings).path == online.path
    with pytest.raises(HubUnreachable):  # whose copy it is cannot be told without asking
        downloads.download_model(REPO, settings=settings.model_copy(update={"public": True}))
    with pytest.raises(HubUnreachable, match="not on this machine"):
        downloads.download_model("alice/never", settings=settings)


def test_what_cannot_be_had_says_why(server: HubServer, settings: Settings, token: SecretStr, folder: Path) -> None:
    repos.create_repo(REPO, token, settings)
    send(folder, settings, token)
    with pytest.raises((NotFound, SignInRequired), match=REPO):
        downloads.download_model(REPO, settings=settings)
    with pytest.raises(NotFound, match="no such revision"):
        downloads.download_model(REPO, "nowhere", settings, token)
    with pytest.raises(NotFound, match="alice/never"):
        downloads.download_model("alice/never", settings=settings, token=token)
    with pytest.raises(InvalidInput, match="repo_id"):
        downloads.download_model("../../etc", settings=settings)
    assert downloads.download_model(REPO, settings=settings, token=token).path.is_dir()


def test_a_gated_model_says_so(server: HubServer, settings: Settings, token: SecretStr, folder: Path) -> None:
    repos.create_repo(REPO, token, settings, private=False)
    send(folder, settings, token)
    HfApi(endpoint=server.endpoint, token=server.token).update_repo_settings(REPO, gated="manual")
    with pytest.raises(Forbidden, match="gated"):
        downloads.download_model(REPO, settings=settings, token=SecretStr(server.other_token))


def test_a_dataset_brings_its_data_files_only(server: HubServer, settings: Settings, token: SecretStr) -> None:
    api = HfApi(endpoint=server.endpoint, token=server.token)
    api.create_repo("alice/rows", repo_type="dataset")
    for name, content in (("train.csv", b"text,label\na,b\n"), ("script.py", b"import os")):
        api.upload_file(path_or_fileobj=content, path_in_repo=name, repo_id="alice/rows", repo_type="dataset")
    snapshot = downloads.download_dataset("alice/rows", settings=settings)
    assert [file.name for file in snapshot.path.iterdir()] == ["train.csv"]
    assert downloads.download_dataset("alice/rows", snapshot.sha, settings=settings).path == snapshot.path


def test_what_is_too_large_is_refused_before_the_download(server: HubServer, settings: Settings) -> None:
    small = settings.model_copy(update={"max_dataset_mb": 1, "max_model_mb": 1})
    server.add_repo("alice/rows", {"a.csv": b"x" * 600_000, "b.csv": b"x" * 600_000, "film.mp4": b"0" * 9}, "dataset")
    server.add_repo("alice/fits", {"a.csv": b"x\n" * 400_000, "film.mp4": b"0" * 2_000_000}, "dataset")
    server.add_repo("alice/model", {"config.json": b"{}", "model.safetensors": b"0" * 1_500_000})
    with pytest.raises(InvalidInput, match=r"1\.2 MB; at most 1 MB .*STUDIO_MAX_DATASET_MB") as rows:
        downloads.download_dataset("alice/rows", settings=small)
    with pytest.raises(InvalidInput, match=r"1\.5 MB; at most 1 MB .*STUDIO_MAX_MODEL_MB") as model:
        downloads.download_model("alice/model", settings=small)
    assert (rows.value.field, rows.value.value, model.value.field) == ("dataset", "alice/rows", "model")
    assert server.count("GET", "/resolve/") == server.count("HEAD", "/resolve/") == 0
    assert downloads.download_dataset("alice/fits", settings=small).path.is_dir()  # what is not fetched does not count
    assert downloads.download_dataset("alice/rows", settings=settings).path.is_dir()


def test_private_data_is_read_in_the_name_of_whoever_asks(
    server: HubServer, settings: Settings, token: SecretStr
) -> None:
    public = settings.model_copy(update={"public": True})
    server.add_repo("alice/mine", {"train.csv": b"text\na\n"}, "dataset", private=True)
    assert downloads.download_dataset("alice/mine", settings=public.reading_as(token)).path.is_dir()
    for stranger in (public, public.reading_as(SecretStr(server.other_token))):
        with pytest.raises((NotFound, SignInRequired), match="alice/mine"):
            downloads.download_dataset("alice/mine", settings=stranger)


def test_a_sign_in_that_has_expired_keeps_nobody_from_public_things(server: HubServer, settings: Settings) -> None:
    server.add_repo("alice/open", {"train.csv": b"text\na\n"}, "dataset")
    server.add_repo("alice/mine", {"train.csv": b"text\na\n"}, "dataset", private=True)
    expired = settings.reading_as(SecretStr("hf_expired"))
    assert downloads.download_dataset("alice/open", settings=expired).path.is_dir()
    with pytest.raises(SignInRequired, match="Sign in"):
        downloads.download_dataset("alice/mine", settings=expired)
