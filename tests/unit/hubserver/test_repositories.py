"""Accounts, the life of a repository, and who may see and change it, with the library's client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RemoteEntryNotFoundError, RepositoryNotFoundError

from tests.hubserver import HubServer


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


def test_whoami_tells_user_organizations_and_role(hub_server: HubServer, hub_api: HfApi) -> None:
    me = hub_api.whoami()
    assert (me["name"], [org["name"] for org in me["orgs"]]) == ("alice", ["acme"])
    assert me["auth"]["accessToken"]["role"] == "write"
    assert hub_api.whoami(token=hub_server.read_token)["auth"]["accessToken"]["role"] == "read"
    with pytest.raises(HfHubHTTPError) as error:
        hub_api.whoami(token="hf_unknown")
    assert status_of(error) == 401


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_create_twice_rename_and_delete(hub_server: HubServer, hub_api: HfApi, kind: str) -> None:
    sdk = "gradio" if kind == "space" else None
    url = hub_api.create_repo("acme/first", repo_type=kind, space_sdk=sdk, private=True)
    assert (url.repo_id, url.repo_type) == ("acme/first", kind)
    assert hub_api.create_repo("acme/first", repo_type=kind, space_sdk=sdk, exist_ok=True) == url
    with pytest.raises(HfHubHTTPError) as error:
        hub_api.create_repo("acme/first", repo_type=kind, space_sdk=sdk)
    assert status_of(error) == 409
    assert error.value.response.json()["url"] == url

    hub_api.move_repo("acme/first", "alice/second", repo_type=kind)
    assert hub_api.repo_info("alice/second", repo_type=kind).private is True
    assert hub_api.repo_info("acme/first", repo_type=kind).id == "alice/second"
    hub_api.delete_repo("alice/second", repo_type=kind)
    assert not hub_api.repo_exists("alice/second", repo_type=kind)
    hub_api.delete_repo("alice/second", repo_type=kind, missing_ok=True)


def test_name_and_kind_are_separate(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/x", {"a.txt": b"model"})
    hub_server.add_repo("alice/x", {"a.txt": b"dataset"}, "dataset")
    assert hub_server.files("alice/x", "dataset")["a.txt"] == b"dataset"
    assert hub_api.list_repo_files("alice/x", repo_type="dataset") == [".gitattributes", "a.txt"]


@pytest.mark.parametrize("name", ["alice/--x", "alice/x.git", "alice/a b"])
def test_bad_names_are_refused(hub_server: HubServer, name: str) -> None:
    import httpx

    organization, _, short = name.partition("/")
    answer = httpx.post(
        f"{hub_server.endpoint}/api/repos/create",
        json={"name": short, "organization": organization},
        headers={"Authorization": f"Bearer {hub_server.token}"},
    )
    assert answer.status_code == 400
    assert "Invalid repo name" in answer.json()["error"]


def test_read_token_and_foreign_namespace_may_not_write(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/m", {})
    attempts: list[Callable[[], object]] = [
        lambda: hub_api.create_repo("alice/n", token=hub_server.read_token),
        lambda: hub_api.create_repo("bob/n"),
        lambda: hub_api.upload_file(
            path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/m", token=hub_server.read_token
        ),
        lambda: hub_api.upload_file(
            path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/m", token=hub_server.other_token
        ),
        lambda: hub_api.delete_repo("alice/m", token=hub_server.other_token),
    ]
    for attempt in attempts:
        with pytest.raises(HfHubHTTPError) as error:
            attempt()
        assert status_of(error) == 403
    assert list(hub_server.hub.repos) == [("model", "alice/m")]


@pytest.mark.parametrize("token", [False, "other"])
def test_private_repository_is_not_found_by_others(hub_server: HubServer, hub_api: HfApi, token: bool | str) -> None:
    hub_server.add_repo("alice/secret", {"a.txt": b"a"}, private=True)
    used = hub_server.other_token if token == "other" else False
    calls: list[Callable[[], object]] = [
        lambda: hub_api.model_info("alice/secret", token=used),
        lambda: hub_api.list_repo_files("alice/secret", token=used),
        lambda: hub_api.get_hf_file_metadata(url=f"{hub_server.endpoint}/alice/secret/resolve/main/a.txt", token=used),
    ]
    for call in calls:
        with pytest.raises(RepositoryNotFoundError) as error:
            call()
        assert status_of(error) == (404 if used else 401)
    assert [model.id for model in hub_api.list_models(token=used)] == []
    assert [model.id for model in hub_api.list_models()] == ["alice/secret"]
    assert hub_api.model_info("alice/secret", token=hub_server.read_token).private


def test_gated_repository_shows_itself_but_not_its_files(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/gated", {"a.txt": b"a"})
    hub_api.update_repo_settings("alice/gated", gated="manual")
    assert hub_api.model_info("alice/gated", token=hub_server.other_token).gated == "manual"
    url = f"{hub_server.endpoint}/alice/gated/resolve/main/a.txt"
    with pytest.raises(GatedRepoError):
        hub_api.get_hf_file_metadata(url=url, token=hub_server.other_token)
    with pytest.raises(GatedRepoError):
        hub_api.auth_check("alice/gated", token=hub_server.other_token)
    hub_server.repo("alice/gated").granted.add("bob")
    assert hub_api.get_hf_file_metadata(url=url, token=hub_server.other_token).size == 1


def test_settings_change_visibility(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/m", {})
    hub_api.update_repo_settings("alice/m", private=True)
    assert hub_server.repo("alice/m").private
    hub_api.auth_check("alice/m", write=True)
    with pytest.raises(RepositoryNotFoundError):
        hub_api.auth_check("alice/m", token=False)


def test_space_keeps_secrets_variables_and_hardware(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_api.create_repo("alice/app", repo_type="space", space_sdk="gradio", space_secrets=[{"key": "A", "value": "1"}])
    hub_api.add_space_secret("alice/app", "B", "hidden")
    assert sorted(hub_api.get_space_secrets("alice/app")) == ["A", "B"]
    assert hub_api.add_space_variable("alice/app", "V", "2")["V"].value == "2"
    assert hub_api.request_space_hardware("alice/app", "t4-small").hardware == "t4-small"  # type: ignore[arg-type]
    assert hub_api.pause_space("alice/app").stage == "PAUSED"
    assert hub_api.restart_space("alice/app").stage == "RUNNING"
    assert hub_server.repo("alice/app", "space").space.secrets == {"A": "1", "B": "hidden"}
    assert b"sdk: gradio" in hub_server.files("alice/app", "space")["README.md"]


def test_errors_carry_the_hubs_codes(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/m", {"a.txt": b"a"})
    with pytest.raises(RemoteEntryNotFoundError) as error:
        hub_api.get_hf_file_metadata(url=f"{hub_server.endpoint}/alice/m/resolve/main/b.txt")
    assert error.value.response.headers["X-Repo-Commit"] == hub_server.repo("alice/m").find("main").oid
    assert not hub_api.file_exists("alice/m", "b.txt")
    assert not hub_api.revision_exists("alice/m", "nowhere")
    assert not hub_api.repo_exists("alice/none")
    assert not hub_api.repo_exists("gpt2")
