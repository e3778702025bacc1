"""The verbs of the starter kit: through the service, the terminal and REST, with a real job and a real index."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from studio.core.errors import Conflict, Forbidden, HubUnreachable, NotFound
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data.views import View
from studio.inference import menus
from studio.jobs import artifacts
from studio.jobs.artifacts import Manifest, ModelReference
from studio.jobs.job import Job, JobState
from studio.service import Studio
from studio.starter import kit
from studio.tasks import TASKS
from tests.unit.plugged import plugged
from tests.unit.starter.index import Index, index
from tests.unit.starter.test_install import listed
from tests.unit.starter.test_kit import write_kit
from tests.unit.test_cli import Terminal
from tests.unit.web.serving import Served, serve

__all__ = ["index"]

LOCAL = Caller("local", "You", admin=True)
VISITOR = Caller("session:ann", "Guest")


@pytest.fixture(autouse=True)
def _toys() -> Iterator[None]:
    with plugged():
        yield


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As the environment says it, because the runner reads it there."""
    for name, value in {"HOME": str(tmp_path / "home"), "OFFLINE": "true", "ZYGOTE": "false"}.items():
        monkeypatch.setenv(f"STUDIO_{name}", value)
    monkeypatch.setenv("STUDIO_KIT", str(write_kit(tmp_path / "kit")))
    return listed(Settings(), tmp_path)


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    made = Studio(settings)
    yield made
    made.close()


@pytest.fixture
def offered(index: Index) -> Index:
    import toy_builder  # type: ignore[import-not-found]

    index.add("toy-words", "1.0", toy_builder.CONTENT)
    return index


def statuses(studio: Studio) -> dict[str, str]:
    return {one.entry.id: one.status for one in studio.kit(LOCAL)}


def ended(studio: Studio, job: Job) -> Job:
    studio.start()
    return studio.wait(LOCAL, job.id, 90)


def test_a_job_fetches_it_and_menus_have_it_without_a_restart(studio: Studio, offered: Index) -> None:
    assert [info.ref for info in studio.datasets(LOCAL)] == []
    first = studio.kit_add(LOCAL, "toy-extra")
    assert studio.kit_add(LOCAL, "kit:toy-extra").id == first.id, "pressing twice starts one"
    with pytest.raises(Conflict, match="needs it"):
        studio.kit_remove(LOCAL, "toy-extra")
    job = ended(studio, first)
    assert (job.state, job.error, job.title) == (JobState.SUCCEEDED, "", "Fetch kit:toy-extra")
    assert statuses(studio)["kit:toy-extra"] == "installed"
    assert [info.ref for info in studio.datasets(LOCAL)] == ["kit:toy-extra"]
    assert studio.view(LOCAL, "kit:toy-extra", View(limit=1)).rows == [["toys for everybody", "toy"]]
    text, _ = studio.log(LOCAL, job.id)
    assert "Fetching toy-words==1.0 (1.9 of 1.9 MB)" in text
    studio.kit_remove(LOCAL, "toy-extra")
    assert statuses(studio)["kit:toy-extra"] == "available"


def test_a_fetch_that_fails_says_why_in_one_sentence(studio: Studio, index: Index) -> None:
    job = ended(studio, studio.kit_add(LOCAL, "toy-extra"))
    assert job.state is JobState.FAILED
    assert "No package index that pip knows here has toy-words==1.0" in job.error


def test_an_extra_that_a_result_is_based_on_stays(studio: Studio, offered: Index) -> None:
    assert ended(studio, studio.kit_add(LOCAL, "toy-extra")).state is JobState.SUCCEEDED
    staging = artifacts.stage(studio.settings.artifacts_dir)
    base = ModelReference(id="kit:toy-extra")
    manifest = Manifest(
        id="r", kind="adapter", title="R", recipe="t", params={}, owner="local", job="j", created_at=1, base_model=base
    )
    artifacts.commit(staging, manifest)
    with pytest.raises(Conflict, match="is the base of r"):
        studio.kit_remove(LOCAL, "toy-extra")


def test_in_public_only_the_owner_changes_what_everybody_sees(settings: Settings) -> None:
    studio = Studio(settings.model_copy(update={"public": True}))
    for call in (
        lambda: studio.kit_add(VISITOR, "toy-extra"),
        lambda: studio.kit_remove(VISITOR, "toy-extra"),
        lambda: studio.submit(VISITOR, "kit-add", {"name": "toy-extra"}),
    ):
        with pytest.raises(Forbidden, match="Only the owner of this installation"):
            call()
    assert statuses(studio)["kit:toy-extra"] == "available"
    assert studio.kit_add(Caller("hf:teacher", "teacher", admin=True), "toy-extra").state is JobState.QUEUED
    studio.close()


def test_damage_is_found_and_what_is_not_here_is_no_damage(studio: Studio) -> None:
    assert studio.kit_verify(LOCAL) == []
    file = studio.settings.kit / "greetings" / "train.csv"
    file.write_bytes(file.read_bytes().replace(b"hello", b"hullo"))
    (problem,) = studio.kit_verify(LOCAL)
    assert "has been changed" in problem
    assert studio.kit_verify(LOCAL, "toy-extra") == []


def test_without_the_hub_the_kits_model_is_the_default(settings: Settings) -> None:
    whole = settings.model_copy(update={"kit": kit.KIT})
    assert menus.default_model("text-classification", whole, reachable=False) == "kit:topic-classifier"
    assert TASKS["text-classification"].models[0] == "kit:topic-classifier"


def test_where_neither_has_a_model_it_says_so(settings: Settings) -> None:
    with pytest.raises(HubUnreachable, match=r"`studio kit add toy-extra`|no model on this machine"):
        menus.default_model("text-classification", settings, reachable=False)


def test_the_terminal_lists_verifies_adds_and_removes(settings: Settings, offered: Index) -> None:
    terminal = Terminal(settings.home, {"STUDIO_KIT": str(settings.kit)})
    listed = terminal.json("kit", "list", "--json")
    assert [(one["id"], one["status"]) for one in listed] == [
        ("kit:greetings", "bundled"),
        ("kit:toy-extra", "available"),
    ]
    assert terminal.good("kit", "verify").strip() == "1 entry is whole."
    added = terminal.run("kit", "add", "toy-extra", "--wait")
    assert (added.returncode, added.stdout.strip()) == (0, "kit:toy-extra"), added.stderr
    assert "Fetching toy-words==1.0" in added.stderr
    assert "kit:toy-extra\tdataset\tinstalled" in terminal.good("kit", "list")
    assert terminal.run("kit", "add", "greetings").returncode == 2
    assert "Unknown starter kit entry 'kit:nope'" in terminal.run("kit", "add", "nope").stderr
    terminal.good("kit", "remove", "toy-extra")
    assert "not installed" in terminal.run("kit", "remove", "toy-extra").stderr


def test_build_makes_an_entry_from_its_script(settings: Settings, offered: Index, tmp_path: Path) -> None:
    terminal = Terminal(settings.home, {"STUDIO_KIT": str(settings.kit)})
    assert terminal.good("kit", "build", "toy-extra", "--out", str(tmp_path / "out")).strip() == "kit:toy-extra"
    assert kit.verify("kit:toy-extra", tmp_path / "out") == []
    assert not (settings.extras_dir / "toy-extra").exists()
    assert "Unknown builder 'nope'" in terminal.run("kit", "build", "nope").stderr
    terminal.good("kit", "build", "toy-extra")
    announced = kit.any_entry("kit:toy-extra", settings.kit)
    installed = kit.entry("kit:toy-extra", settings).bytes
    assert (announced.files, announced.extra and announced.extra.installed) == ((), installed)


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    yield from serve(settings)


def test_rest_lists_adds_and_removes(served: Served, offered: Index) -> None:
    with served.client() as client:
        assert [one["status"] for one in client.get("/kit").json()] == ["bundled", "available"]
        job = client.post("/kit/toy-extra")
        assert job.status_code == 201, job.text
        _until_over(client, job.json()["id"])
        assert [one["status"] for one in client.get("/kit").json()] == ["bundled", "installed"]
        assert client.delete("/kit/toy-extra").status_code == 204
        gone = client.delete("/kit/toy-extra")
        assert (gone.status_code, gone.json()["error"]) == (404, "kit:toy-extra is not installed.")
        refused = client.post("/kit/greetings")
        assert refused.status_code == 422
        assert refused.json()["problems"][0]["field"] == "name"


def _until_over(client: httpx.Client, job_id: str) -> None:
    end = time.monotonic() + 90
    while (job := client.get(f"/jobs/{job_id}").json())["state"] not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < end, job
        time.sleep(0.1)
    assert job["state"] == "succeeded", job["error"]


def test_unknown_entries_are_not_found(studio: Studio) -> None:
    with pytest.raises(NotFound, match="not installed"):
        studio.kit_remove(LOCAL, "toy-extra")
