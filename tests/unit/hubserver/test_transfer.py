"""Uploads and downloads by the real client in a process of its own, with Xet and with plain LFS."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.hubserver import FOREVER, Fault, HubServer

from .client import run_client

both = pytest.mark.parametrize("xet", [True, False], ids=["xet", "lfs"])

UPLOAD = """
    from huggingface_hub import HfApi
    print(HfApi().upload_folder(repo_id="alice/m", folder_path="{folder}").oid)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder: text, noise, compressible bytes and floats (which Xet packs in its three ways)."""
    place = tmp_path / "model"
    (place / "weights").mkdir(parents=True)
    (place / "README.md").write_text("---\nlicense: mit\n---\n# M\n")
    (place / "config.json").write_text('{"model_type": "bert"}')
    (place / "empty.txt").write_text("")
    source = random.Random(7)
    (place / "model.safetensors").write_bytes(source.randbytes(400_000) + b"abcd" * 100_000)
    (place / "weights" / "floats.bin").write_bytes(
        b"".join(struct.pack("<f", source.gauss(0, 0.02)) for _ in range(150_000))
    )
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_attributes(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path != ".gitattributes"}


@both
def test_folder_comes_back_as_it_was_sent(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path, tmp_path: Path, xet: bool
) -> None:
    hub_server.add_repo("alice/m", {})
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=xet)
    assert without_attributes(hub_server.files("alice/m")) == contents(folder)
    assert hub_server.count("POST", "/cas/v1/xorbs/") == (1 if xet else 0)
    assert hub_server.count("PUT", "/lfs/") == (0 if xet else 2)

    target = tmp_path / "down"
    download = f"""
        from huggingface_hub import hf_hub_download, snapshot_download
        snapshot_download("alice/m", local_dir={str(target)!r})
        print(hf_hub_download("alice/m", "weights/floats.bin"))
    """
    cached = run_client(download, hub_environment, xet=xet).strip()
    down = {path: data for path, data in contents(target).items() if not path.startswith(".")}
    assert down == contents(folder)
    assert Path(cached).read_bytes() == (folder / "weights" / "floats.bin").read_bytes()
    assert (hub_server.count("GET", "/cas/v1/reconstructions/") > 0) is xet
    assert (hub_server.count("GET", "/cdn/") > 0) is not xet


@pytest.mark.parametrize("up", [True, False], ids=["sent by xet", "sent by lfs"])
def test_each_way_down_serves_what_came_up_the_other_way(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path, up: bool
) -> None:
    hub_server.add_repo("alice/m", {})
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=up)
    download = 'from huggingface_hub import hf_hub_download; print(hf_hub_download("alice/m", "model.safetensors"))'
    path = run_client(download, hub_environment, xet=not up).strip()
    assert Path(path).read_bytes() == (folder / "model.safetensors").read_bytes()


@both
def test_unchanged_folder_makes_no_commit(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path, xet: bool
) -> None:
    hub_server.add_repo("alice/m", {})
    first = run_client(UPLOAD.format(folder=folder), hub_environment, xet=xet)
    again = run_client(UPLOAD.format(folder=folder), hub_environment, xet=xet)
    assert first == again
    assert hub_server.count("POST", "/commit/main") == 1


@both
def test_upload_that_was_cut_goes_on_with_what_is_missing(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path, xet: bool
) -> None:
    hub_server.add_repo("alice/m", {})
    before = hub_server.repo("alice/m").find("main").oid
    hub_server.faults.add(Fault("POST", r"/commit/main$", "status", times=FOREVER, status=403))
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=xet, expect=1)
    assert hub_server.repo("alice/m").find("main").oid == before
    sent = [item for item in hub_server.requests if item.path.startswith(("/lfs/", "/cas/v1/xorbs/"))]
    assert sent

    hub_server.faults.clear()
    hub_server.requests.clear()
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=xet)
    assert without_attributes(hub_server.files("alice/m")) == contents(folder)
    assert not [item for item in hub_server.requests if item.path.startswith(("/lfs/", "/cas/v1/xorbs/"))]


def test_lfs_upload_cut_in_mid_file_is_sent_again(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path
) -> None:
    hub_server.add_repo("alice/m", {})
    hub_server.faults.add(Fault("PUT", r"^/lfs/", "cut_request", after=100_000))
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=False)
    assert hub_server.faults.pending == 0
    assert without_attributes(hub_server.files("alice/m")) == contents(folder)
    assert hub_server.count("PUT", "/lfs/") == 3


def test_xet_upload_cut_in_mid_xorb_is_sent_again(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path
) -> None:
    hub_server.add_repo("alice/m", {})
    hub_server.faults.add(Fault("POST", r"^/cas/v1/xorbs/", "cut_request", after=100_000))
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=True)
    assert hub_server.faults.pending == 0
    assert without_attributes(hub_server.files("alice/m")) == contents(folder)


def test_download_cut_in_mid_file_resumes_with_a_range(hub_server: HubServer, hub_environment: dict[str, str]) -> None:
    # the client writes pieces of 10 MiB: less than that it would begin anew
    data = random.Random(3).randbytes(12_000_000)
    hub_server.add_repo("alice/m", {"w.bin": data})
    hub_server.faults.add(Fault("GET", r"^/cdn/", "cut_response", after=11_000_000))
    download = 'from huggingface_hub import hf_hub_download; print(hf_hub_download("alice/m", "w.bin"))'
    path = run_client(download, hub_environment, xet=False).strip()
    assert Path(path).read_bytes() == data
    assert [item.status for item in hub_server.requests if item.path.startswith("/cdn/")] == [200, 206]


def test_large_lfs_file_comes_in_parts(hub_server: HubServer, hub_environment: dict[str, str], folder: Path) -> None:
    hub_server.hub.multipart_bytes = 300_000
    hub_server.add_repo("alice/m", {})
    run_client(UPLOAD.format(folder=folder), hub_environment, xet=False)
    assert without_attributes(hub_server.files("alice/m")) == contents(folder)
    assert hub_server.count("PUT", r"^/lfs/\w+/\d+$") == 3 + 2
    assert hub_server.count("POST", "/complete$") == 2


@both
def test_pull_request_leaves_main_alone(
    hub_server: HubServer, hub_environment: dict[str, str], folder: Path, xet: bool
) -> None:
    hub_server.add_repo("alice/m", {"config.json": b"{}"})
    code = f"""
        from huggingface_hub import HfApi
        info = HfApi().upload_folder(repo_id="alice/m", folder_path={str(folder)!r}, create_pr=True)
        print(info.pr_url, info.pr_revision)
    """
    url, revision = run_client(code, hub_environment, xet=xet).split()
    assert url == f"{hub_server.endpoint}/alice/m/discussions/1"
    assert revision == "refs/pr/1"
    assert without_attributes(hub_server.files("alice/m")) == {"config.json": b"{}"}
    assert without_attributes(hub_server.files("alice/m", revision="refs/pr/1")) == contents(folder)


def test_model_card_is_validated_and_pushed(hub_server: HubServer, hub_environment: dict[str, str]) -> None:
    hub_server.add_repo("alice/m", {})
    code = """
        from huggingface_hub import ModelCard
        ModelCard("---\\nlicense: mit\\n---\\n# Good").push_to_hub("alice/m")
        print(ModelCard.load("alice/m").data.license)
        try:
            ModelCard("---\\nlicense: nonsense\\n---\\n# Bad").push_to_hub("alice/m")
        except ValueError as error:
            print("refused:", error)
    """
    printed = run_client(code, hub_environment, xet=False)
    assert printed.startswith("mit\nrefused: ")
    assert '"license\\" must be one of' in printed
    assert hub_server.files("alice/m")["README.md"].endswith(b"# Good")
