"""Opening data sets over real HTTP and as tools: what they are, their configurations, and taking new ones in."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data.content import FORMATS
from tests.unit.data.test_archives import packed
from tests.unit.web.answers import finished, refused
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call, told

README = "---\nconfigs:\n- {config_name: b, data_files: b.csv}\n- {config_name: a, data_files: a.csv}\n---\n"
PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve(Settings(home=tmp_path_factory.mktemp("opening") / "home", offline=True, zygote=False))


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "a.csv").write_text("text\nx\n")
    (tmp_path / "b.csv").write_text("n\n1\n2\n")
    return tmp_path


def test_what_a_data_set_is(client: httpx.Client, served: Served, folder: Path) -> None:
    info = client.get("/datasets/info", params={"ref": str(folder)}).json()
    assert (info["splits"], info["config"], info["configs"]) == ({"train": 2}, "b", ["b", "a"])
    assert client.get("/datasets/configs", params={"ref": str(folder)}).json() == ["b", "a"]
    other = client.get("/datasets/info", params={"ref": str(folder), "config": "a"}).json()
    assert (other["splits"], other["ref"]) == ({"train": 1}, f"{folder}#a")
    assert told(call(served, "show_dataset", ref=str(folder), config="a")) == other
    assert told(call(served, "list_configs", ref="kit:debian-topics")) == ["default"]
    refused(client.get("/datasets/info", params={"ref": str(folder), "config": "c"}), 404, "Known: b, a")
    refused(client.get("/datasets/info", params={"ref": "kit:debian-topics", "config": "c"}), 404, "Known: default")
    refused(client.get("/datasets/info", params={"ref": "nonsense"}), 422, "owner/name#config", "dataset")


def test_adding_what_lies_here(client: httpx.Client, served: Served, folder: Path) -> None:
    body, headers = {"source": str(folder / "b.csv"), "name": "numbers"}, {"Idempotency-Key": "click"}
    answer, again = (client.post("/datasets/add", json=body, headers=headers) for _ in range(2))
    assert (answer.status_code, answer.json()["recipe"], answer.json()["dataset"]) == (201, "fetch", "")
    assert again.json()["id"] == answer.json()["id"]
    ref = finished(client, answer.json()["id"])["dataset"]
    infos = {info["ref"]: info for info in client.get("/datasets").json()}
    assert (infos[ref]["title"], infos[ref]["splits"]) == ("numbers.csv", {"train": 2})
    job = told(call(served, "add_dataset", source=str(folder / "a.csv")))
    finished(client, job["id"])
    ref = told(call(served, "get_job", id=job["id"]))["dataset"]
    assert client.get("/datasets/info", params={"ref": ref}).json()["splits"] == {"train": 1}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "at least 1 character"),
        ("/nowhere.csv", "no such file"),
        ("http://127.0.0.1/a.csv", "open web"),
        ("http://169.254.169.254/latest/meta-data/", "open web"),
        ("ftp://example.org/a.csv", "no such file"),
        ("sql:shop#orders", "Unknown database"),
    ],
)
def test_what_cannot_be_added(client: httpx.Client, source: str, said: str) -> None:
    before = client.get("/jobs").json()
    refused(client.post("/datasets/add", json={"source": source}), 422, said, "source")
    refused(client.post("/datasets/add", json={"source": str(PAGE), "name": " "}), 422, "Write a name", "name")
    assert client.get("/jobs").json() == before


def test_a_zip_is_an_upload(client: httpx.Client) -> None:
    content = packed({"train.csv": "text\nx\n", "test.csv": "text\ny\nz\n"})
    info = client.post("/datasets", params={"name": "a.zip"}, content=content).json()
    assert info["splits"] == {"train": 1, "test": 2}
    bad = packed({"../x.csv": "text\nx\n"})
    refused(client.post("/datasets", params={"name": "a.zip"}, content=bad), 422, "leads out", "file")


def test_visitors_reach_neither_files_nor_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.core.errors import Forbidden, InvalidInput, InvalidInputs
    from studio.service import Studio

    monkeypatch.setenv("STUDIO_DATABASES", json.dumps({"shop": "postgresql://reader:word@127.0.0.1:1/shop"}))
    studio = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False, public=True))
    guest = Caller("session:1", "Guest")
    try:
        for source in ("/etc/passwd", "~/x.csv", "file:///etc/passwd"):
            with pytest.raises(InvalidInputs, match="upload the file"):
                studio.add(guest, source)
        with pytest.raises(Forbidden):
            studio.add(guest, " sql:shop#orders")
        with pytest.raises(InvalidInputs, match="Only the owner of this installation"):
            studio.submit(guest, "fetch", {"source": "sql:shop#orders"})
        with pytest.raises(Forbidden):
            studio.databases(guest)
        with pytest.raises(InvalidInput, match="one's own machine"):
            studio.dataset_configs(guest, "/etc")
    finally:
        studio.close()


def test_every_format_stands_in_the_docs() -> None:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    written = {row[1].strip(): set(row[2].replace("`", "").split()) for row in rows if len(row) == 5}
    endings: dict[str, set[str]] = {}
    for ending, format_ in FORMATS.items():
        endings.setdefault(format_, set()).add(ending)
    assert {name: found for name, found in written.items() if name in endings} == endings
