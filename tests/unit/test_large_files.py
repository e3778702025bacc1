"""Large files of one's own machine over every way in: looks answer at once, and say which verb opens all of it."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli import looking, opening
from studio.core.errors import InvalidInputs, Unopened
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import beginnings
from studio.data.finding import Search
from studio.jobs.files import PROGRESS, read_json
from studio.jobs.job import Job, JobState
from studio.recipes import fetch
from studio.service import Studio
from tests.unit.data.test_beginnings import table
from tests.unit.recipes.test_fetch import params_of, run
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call, told

LOCAL = Caller("local", "You", admin=True)
ROWS = 10_000
SAID = "Add it first: it runs as a job."


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "SMALL", 300_000)
    monkeypatch.setattr(beginnings, "LONGEST", 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", offline=True, zygote=False)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    path.write_bytes(table(ROWS))
    return path


@pytest.fixture
def packed(large: Path) -> Path:
    path = large.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(large, "train.csv")
    return path


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    yield from serve(settings)


def test_over_http_and_as_tools(served: Served, large: Path, packed: Path) -> None:
    with served.client() as client:
        info = client.get("/datasets/info", params={"ref": str(large)}).json()
        assert info["partial"].endswith("; add it to see and use all of it, which runs as a job.")
        assert 0 < info["splits"]["train"] < ROWS
        page = client.get("/datasets/view", params={"ref": str(large), "limit": 1}).json()
        assert (page["total"], page["partial"]) == (info["splits"]["train"], info["partial"])
        for path, more in (("info", {}), ("view", {}), ("row", {"number": 0}), ("statistics", {})):
            answer = client.get(f"/datasets/{path}", params={"ref": str(packed), **more})
            assert (answer.status_code, SAID in answer.json()["error"]) == (409, True), path
        asked = {"ref": str(packed), "query": "SELECT 1"}
        assert client.post("/datasets/sql", json=asked).status_code == 409
        assert client.get("/datasets/configs", params={"ref": str(packed)}).json() == ["default"]
        body = {"recipe": "check", "params": {"dataset": str(packed)}}
        refused = client.post("/jobs", json=body)
        assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "dataset")
        assert SAID in refused.json()["error"]
        started = client.post("/datasets/add", json={"source": str(packed)})
        assert started.status_code == 201
        done = served.studio.wait(LOCAL, started.json()["id"], 120)
        ref = client.get(f"/jobs/{done.id}").json()["dataset"]
        assert client.get("/datasets/info", params={"ref": ref}).json()["splits"] == {"train": ROWS}
    assert told(call(served, "view_dataset", ref=str(large)))["partial"] == info["partial"]
    assert SAID in str(call(served, "view_dataset", ref=str(packed)))


def test_in_a_terminal(
    large: Path, packed: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(settings.home))
    looking.view(str(large))
    assert "; add it to see and use all of it, which runs as a job." in capsys.readouterr().err
    opening.shown(str(large))
    assert "+ rows\n" in capsys.readouterr().out, "nobody knows how many there are in all"
    with pytest.raises(Unopened, match=SAID):
        opening.shown(str(packed))


def test_no_search_and_no_job_says_more_than_it_knows(settings: Settings, large: Path, packed: Path) -> None:
    studio = Studio(settings)
    found = studio.search(LOCAL, str(large), Search(query="left 11", by="text"))
    assert found.page.partial
    with pytest.raises(InvalidInputs, match=SAID):
        studio.check(LOCAL, str(packed))
    with pytest.raises(Unopened, match=SAID):
        studio.transform(LOCAL, str(packed), "steps:\n- {step: shuffle}\n")
    studio.close()


def test_a_folder_is_opened_in_its_place(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "train.csv").write_bytes(table(ROWS))
    studio = Studio(settings)
    assert studio.dataset(LOCAL, str(folder)).info.partial
    assert not studio.takes_long(LOCAL, str(folder))
    assert studio.add(LOCAL, str(folder)).recipe == fetch.NAME
    context = run(settings, source=str(folder))
    assert "10,000 rows" in (read_json(context.attempt_dir / PROGRESS) or {})["message"]
    assert studio.dataset(LOCAL, str(folder)).info.splits == {"train": ROWS}
    done = Job("job-1", fetch.NAME, "", {"source": str(folder)}, "local", "", JobState.SUCCEEDED)
    assert fetch.result(done) == str(folder)
    named = fetch.validate(params_of(source=str(folder), name="mine"), settings, "local")
    assert [problem.field for problem in named] == ["name"]
    theirs = fetch.validate(params_of(source=str(folder)), settings, "hf:ann")
    assert [(problem.field, "upload the file" in problem.expected) for problem in theirs] == [("source", True)]
    studio.close()
