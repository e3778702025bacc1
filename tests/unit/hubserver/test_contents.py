"""Commits, trees, references and pull requests, with the library's client."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RemoteEntryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.hubserver import HubServer


@pytest.fixture
def model(hub_server: HubServer) -> HubServer:
    """A Hub with alice/m."""
    hub_server.add_repo("alice/m", {"a.txt": b"a", "sub/b.txt": b"b", "sub/deep/w.bin": b"\0\1\2"})
    return hub_server


def post(server: HubServer, path: str, body: bytes | str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/x-ndjson"}
    return httpx.post(server.endpoint + path, content=body, headers=headers)


def ndjson(*items: tuple[str, dict[str, object]]) -> str:
    return "\n".join(json.dumps({"key": key, "value": value}) for key, value in items)


def test_commit_adds_deletes_and_copies_in_one_step(model: HubServer, hub_api: HfApi) -> None:
    info = hub_api.create_commit(
        "alice/m",
        [
            CommitOperationAdd("new.json", b"{}"),
            CommitOperationDelete("a.txt"),
            CommitOperationCopy("sub/deep/w.bin", "copy.bin"),
            CommitOperationCopy("sub/b.txt", "copy.txt"),
        ],
        commit_message="Change",
        commit_description="Why",
    )
    files = model.files("alice/m")
    files.pop(".gitattributes")
    assert files == {
        "new.json": b"{}", "sub/b.txt": b"b", "sub/deep/w.bin": b"\0\1\2", "copy.bin": b"\0\1\2", "copy.txt": b"b"
    }  # fmt: skip
    newest = hub_api.list_repo_commits("alice/m")[0]
    assert (newest.commit_id, newest.title, newest.message, newest.authors) == (info.oid, "Change", "Why", ["alice"])
    hub_api.delete_folder("sub", "alice/m")
    assert sorted(model.files("alice/m")) == [".gitattributes", "copy.bin", "copy.txt", "new.json"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (("deletedFile", {"path": "missing.txt"}), 404),
        (("lfsFile", {"path": "w.bin", "oid": "0" * 64, "size": 1}), 400),
        (("file", {"path": "../out.txt", "content": "x"}), 400),
        (("file", {"path": "a.txt/inside", "content": "x"}), 400),
        (("file", {"path": "x.txt", "content": "%%%", "encoding": "base64"}), 400),
        (("file", {"path": "README.md", "content": "---\nlicense: nonsense\n---\n"}), 400),
        (("copyFile", {"path": "x"}), 400),
    ],
)
def test_bad_operation_leaves_everything_as_it_was(
    model: HubServer, operation: tuple[str, dict[str, object]], status: int
) -> None:
    before = model.repo("alice/m").find("main")
    good: tuple[str, dict[str, object]] = ("file", {"path": "good.txt", "content": "good"})
    answer = post(model, "/api/models/alice/m/commit/main", ndjson(("header", {"summary": "s"}), good, operation))
    assert answer.status_code == status, answer.text
    assert model.repo("alice/m").find("main") == before


def test_commit_without_header_or_json_is_refused(model: HubServer) -> None:
    for body in (ndjson(("deletedFile", {"path": "a.txt"})), "not json"):
        assert post(model, "/api/models/alice/m/commit/main", body).status_code == 400


def test_commit_on_an_outdated_parent_is_refused(model: HubServer, hub_api: HfApi) -> None:
    parent = model.repo("alice/m").find("main").oid
    operations = [CommitOperationAdd("x.txt", b"x")]
    hub_api.create_commit("alice/m", operations, commit_message="one", parent_commit=parent)
    operations = [CommitOperationAdd("y.txt", b"y")]
    with pytest.raises(HfHubHTTPError) as error:
        hub_api.create_commit("alice/m", operations, commit_message="two", parent_commit=parent)
    assert error.value.response.status_code == 412


def test_preupload_tells_mode_ignore_and_id(model: HubServer) -> None:
    def item(path: str, sample: bytes, size: int | None = None) -> dict[str, object]:
        return {"path": path, "sample": base64.b64encode(sample).decode(), "size": size or len(sample)}

    body = {
        "gitIgnore": "*.log\n# comment\ncache/\n",
        "files": [
            item("a.txt", b"changed"),
            item("sub/deep/w.bin", b"\0"),
            item("big.txt", b"text", 20_000_000),
            item("binary.dat", b"\0\1"),
            item("x.log", b"l"),
            item("cache/x.txt", b"c"),
        ],
    }
    answer = post(model, "/api/models/alice/m/preupload/main", json.dumps(body)).json()["files"]
    modes = {file["path"]: (file["uploadMode"], file["shouldIgnore"]) for file in answer}
    assert modes == {
        "a.txt": ("regular", False), "sub/deep/w.bin": ("lfs", False), "big.txt": ("lfs", False),
        "binary.dat": ("lfs", False), "x.log": ("regular", True), "cache/x.txt": ("regular", True),
    }  # fmt: skip
    oids = {file["path"]: file.get("oid") for file in answer}
    assert oids["a.txt"] == hashlib.sha1(b"blob 1\0a").hexdigest()
    assert oids["sub/deep/w.bin"] == hashlib.sha256(b"\0\1\2").hexdigest()
    assert oids["x.log"] is None


def test_object_ids_are_gits(model: HubServer, hub_api: HfApi, tmp_path: Path) -> None:
    """Files and folders have the ids that git itself gives them (large files as their pointers)."""
    entries = {item.path: item for item in hub_api.list_repo_tree("alice/m", recursive=True)}
    for path, data in model.files("alice/m").items():
        item = entries[path]
        assert isinstance(item, RepoFile)
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if item.lfs is not None:
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{item.lfs.sha256}\nsize {len(data)}\n"
            assert item.lfs.pointer_size == len(pointer)
            data = pointer.encode()
        target.write_bytes(data)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "core.attributesFile=/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    # the attributes name a filter that is not installed here: pointers go in as they are
    git("-c", "filter.lfs.clean=", "-c", "filter.lfs.required=false", "add", "--all")
    lines = git("ls-tree", "-r", "-t", git("write-tree").strip()).splitlines()
    listed = {line.split("\t")[1]: line.split()[2] for line in lines}
    ours = {path: item.blob_id if isinstance(item, RepoFile) else item.tree_id for path, item in entries.items()}
    assert ours == listed


def test_tree_is_listed_by_folder_and_in_pages(model: HubServer, hub_api: HfApi) -> None:
    top = list(hub_api.list_repo_tree("alice/m", expand=True))
    assert [item.path for item in top] == ["sub", ".gitattributes", "a.txt"]
    assert isinstance(top[0], RepoFolder)
    assert top[0].last_commit is not None
    assert top[0].last_commit["title"] == "Add files"
    assert [item.path for item in hub_api.list_repo_tree("alice/m", "sub")] == ["sub/deep", "sub/b.txt"]
    with pytest.raises(RemoteEntryNotFoundError):
        list(hub_api.list_repo_tree("alice/m", "none"))
    whole = [item.path for item in hub_api.list_repo_tree("alice/m", recursive=True)]
    model.hub.page_size = 2
    assert [item.path for item in hub_api.list_repo_tree("alice/m", recursive=True)] == whole
    assert model.count("GET", "/tree/") >= 4
    infos = hub_api.get_paths_info("alice/m", ["a.txt", "sub", "none"])
    assert [item.path for item in infos] == ["a.txt", "sub"]


def test_branches_and_tags(model: HubServer, hub_api: HfApi) -> None:
    start = model.repo("alice/m").find("main").oid
    hub_api.create_branch("alice/m", branch="dev/one")
    hub_api.upload_file(path_or_fileobj=b"d", path_in_repo="d.txt", repo_id="alice/m", revision="dev/one")
    assert "d.txt" in model.files("alice/m", revision="dev/one")
    assert "d.txt" not in model.files("alice/m")
    hub_api.create_tag("alice/m", tag="v1", revision="dev/one")
    attempts: list[Callable[[], None]] = [
        lambda: hub_api.create_branch("alice/m", branch="dev/one"),
        lambda: hub_api.create_tag("alice/m", tag="v1"),
    ]
    for create in attempts:
        with pytest.raises(HfHubHTTPError) as error:
            create()
        assert error.value.response.status_code == 409
    hub_api.create_branch("alice/m", branch="dev/one", exist_ok=True)
    refs = hub_api.list_repo_refs("alice/m")
    assert {branch.name for branch in refs.branches} == {"main", "dev/one"}
    assert [(tag.name, tag.ref) for tag in refs.tags] == [("v1", "refs/tags/v1")]
    assert hub_api.model_info("alice/m", revision="v1").sha != start
    assert hub_api.model_info("alice/m", revision=start[:10]).sha == start
    hub_api.delete_tag("alice/m", tag="v1")
    hub_api.delete_branch("alice/m", branch="dev/one")
    with pytest.raises(RevisionNotFoundError):
        hub_api.model_info("alice/m", revision="v1")


def test_pull_request_from_a_stranger_is_merged(model: HubServer, hub_api: HfApi) -> None:
    info = hub_api.create_commit(
        "alice/m",
        [CommitOperationAdd("a.txt", b"better\n"), CommitOperationDelete("sub/b.txt")],
        commit_message="Better",
        create_pr=True,
        token=model.other_token,
    )
    assert (info.pr_num, info.pr_revision) == (1, "refs/pr/1")
    details = hub_api.get_discussion_details("alice/m", 1)
    assert (details.status, details.author, details.target_branch) == ("open", "bob", "main")
    assert details.conflicting_files == []
    assert details.diff is not None
    assert "+better" in details.diff
    assert [event.type for event in details.events] == ["comment", "commit"]
    refs = hub_api.list_repo_refs("alice/m", include_pull_requests=True)
    assert [pull.ref for pull in refs.pull_requests or []] == ["refs/pr/1"]

    hub_api.comment_discussion("alice/m", 1, "Thanks")
    hub_api.rename_discussion("alice/m", 1, "Best")
    hub_api.merge_pull_request("alice/m", 1)
    assert model.files("alice/m")["a.txt"] == b"better\n"
    assert "sub/b.txt" not in model.files("alice/m")
    merged = hub_api.get_discussion_details("alice/m", 1)
    assert (merged.status, merged.title) == ("merged", "Best")
    assert merged.merge_commit_oid == model.repo("alice/m").find("main").oid


def test_conflicting_pull_request_is_not_merged(model: HubServer, hub_api: HfApi) -> None:
    pull = hub_api.create_pull_request("alice/m", title="Draft")
    assert pull.status == "draft"
    assert pull.git_reference == "refs/pr/1"
    hub_api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id="alice/m", revision="refs/pr/1")
    hub_api.upload_file(path_or_fileobj=b"2", path_in_repo="a.txt", repo_id="alice/m")
    assert hub_api.get_discussion_details("alice/m", 1).conflicting_files == ["a.txt"]
    with pytest.raises(HfHubHTTPError) as error:
        hub_api.merge_pull_request("alice/m", 1)
    assert error.value.response.status_code == 409
    hub_api.change_discussion_status("alice/m", 1, "closed")
    hub_api.create_discussion("alice/m", title="Question", description="Why?", token=model.other_token)
    assert [item.num for item in hub_api.get_repo_discussions("alice/m")] == [2, 1]
    assert [item.num for item in hub_api.get_repo_discussions("alice/m", discussion_status="open")] == [2]
    assert [item.num for item in hub_api.get_repo_discussions("alice/m", discussion_type="pull_request")] == [1]


def test_search_filters_sorts_and_pages(hub_server: HubServer, hub_api: HfApi) -> None:
    card = b"---\npipeline_tag: text-classification\ntags: [tiny]\nlicense: mit\nbase_model: acme/base\n---\n"
    for index, name in enumerate(["alice/bert-a", "alice/bert-b", "acme/bert-c", "acme/vit"]):
        repo = hub_server.add_repo(name, {"README.md": card} if "bert" in name else {})
        repo.downloads = index

    def ids(**query: object) -> list[str]:
        return [model.id for model in hub_api.list_models(**query)]  # type: ignore[arg-type]

    assert ids(author="alice", sort="downloads") == ["alice/bert-b", "alice/bert-a"]
    assert ids(search="bert", sort="downloads", limit=2) == ["acme/bert-c", "alice/bert-b"]
    assert sorted(ids(filter=["tiny", "license:mit"])) == ["acme/bert-c", "alice/bert-a", "alice/bert-b"]
    assert ids(filter="text-classification", author="acme") == ["acme/bert-c"]
    assert ids(pipeline_tag="image-classification") == []
    hub_server.hub.page_size = 1
    assert ids(sort="created_at") == ["acme/vit", "acme/bert-c", "alice/bert-b", "alice/bert-a"]
    found = next(iter(hub_api.list_models(author="acme", search="bert", full=True, cardData=True)))
    assert found.pipeline_tag == "text-classification"
    assert found.card_data is not None
    assert found.card_data.base_model == "acme/base"
    assert "base_model:acme/base" in (found.tags or [])
    with pytest.raises(BadRequestError):
        ids(sort="beauty")


def test_model_info_tells_files_and_parameters(hub_server: HubServer, hub_api: HfApi) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(24)
    files = {"model.safetensors": weights, "config.json": b'{"model_type": "bert", "x": 1}'}
    hub_server.add_repo("alice/m", files)
    info = hub_api.model_info("alice/m", files_metadata=True)
    siblings = {item.rfilename: item for item in info.siblings or []}
    assert set(siblings) == {".gitattributes", "config.json", "model.safetensors"}
    large = siblings["model.safetensors"].lfs
    assert large is not None
    assert large["sha256"] == hashlib.sha256(weights).hexdigest()
    assert siblings["config.json"].size == len(files["config.json"])
    assert info.safetensors is not None
    assert info.safetensors.parameters == {"F32": 6}
    assert info.config == {"model_type": "bert"}
    assert hub_api.model_info("alice/m", expand=["downloads", "tags"]).siblings is None
    assert hub_api.dataset_info(hub_server.add_repo("alice/d", {}, "dataset").id).id == "alice/d"


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [("bytes=2-4", 206, b"cde"), ("bytes=4-", 206, b"ef"), ("bytes=-2", 206, b"ef"), ("bytes=9-", 416, None)],
)
@pytest.mark.parametrize("path", ["a.txt", "a.bin"])
def test_ranges(hub_server: HubServer, path: str, asked: str, status: int, body: bytes | None) -> None:
    hub_server.add_repo("alice/m", {path: b"abcdef"})
    url = f"{hub_server.endpoint}/alice/m/resolve/main/{path}"
    answer = httpx.get(url, headers={"Range": asked}, follow_redirects=True)
    assert answer.status_code == status
    assert body is None or answer.content == body


def test_storage_addresses_need_their_signature(hub_server: HubServer) -> None:
    hub_server.add_repo("alice/m", {"a.bin": b"abc"}, private=True)
    sha256 = hashlib.sha256(b"abc").hexdigest()
    assert httpx.get(f"{hub_server.endpoint}/cdn/{sha256}").status_code == 403
    assert httpx.put(f"{hub_server.endpoint}/lfs/{sha256}", content=b"abc").status_code == 403
    assert httpx.post(f"{hub_server.endpoint}/cas/v2/shards", content=b"").status_code == 401


def test_lfs_refuses_content_that_is_not_what_was_announced(hub_server: HubServer) -> None:
    hub_server.add_repo("alice/m", {})
    oid = hashlib.sha256(b"right").hexdigest()
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": 5}]}
    batch = post(hub_server, "/alice/m.git/info/lfs/objects/batch", json.dumps(body)).json()
    actions = batch["objects"][0]["actions"]
    assert httpx.put(actions["upload"]["href"], content=b"wrong").status_code == 400
    verify = {"oid": oid, "size": 5}
    assert post(hub_server, "/alice/m.git/info/lfs/objects/verify", json.dumps(verify)).status_code == 404
    assert httpx.put(actions["upload"]["href"], content=b"right").status_code == 200
    assert post(hub_server, "/alice/m.git/info/lfs/objects/verify", json.dumps(verify)).status_code == 200
    again = post(hub_server, "/alice/m.git/info/lfs/objects/batch", json.dumps(body)).json()
    assert "actions" not in again["objects"][0]
