"""Fetching a data set as a job: what is refused before, what is left, and going on after whatever stopped it."""

import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import JobCancelled
from studio.core.params import parse
from studio.core.settings import Settings
from studio.data import sources, uploads
from studio.jobs.context import JobContext
from studio.jobs.files import CANCEL, PROGRESS, read_json
from studio.jobs.job import Job, JobState
from studio.recipes import fetch
from studio.recipes.fetch import RECIPE, FetchParams
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.openweb import FILE, ROWS, Site, held
from tests.unit.data.conftest import hub
from tests.unit.data.test_fetching import site
from tests.unit.recipes.tiny import make_context

__all__ = ["hub", "site"]

URL = "http://open.example/rows.csv"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def params_of(**values: Any) -> FetchParams:
    return parse(FetchParams, values)


def run(settings: Settings, attempt: int = 1, **values: Any) -> JobContext:
    context, _ = make_context(settings, params_of(**values), attempt=attempt, recipe=fetch.NAME)
    RECIPE.run(params_of(**values), context)
    return context


def left(state: JobState = JobState.SUCCEEDED, **params: Any) -> str:
    """The reference of what `run` has left."""
    return fetch.result(Job("job-1", fetch.NAME, "", params, "local", "", state))


def test_a_web_address_becomes_a_data_set_once(
    site: Site, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    context = run(settings, source=URL, name="numbers")
    ref = left(source=URL)
    info = sources.resolve(ref, settings, "local").info
    assert (info.ref, info.title, info.splits) == (ref, "numbers.csv", {"train": ROWS})
    assert (read_json(context.attempt_dir / PROGRESS) or {})["message"] == f"{ref} is ready: 60,000 rows"
    assert "Fetching: " in capsys.readouterr().out
    run(settings, attempt=2, source=URL, name="numbers")  # killed before it could say that it was done
    assert len(site.asked) == 1
    assert [one.ref for one in uploads.list_all(settings, "local")] == [ref]


def test_only_a_finished_fetch_has_a_result() -> None:
    assert left(source=URL).startswith(uploads.PREFIX)
    assert left(source=" owner/name@main#de ") == "owner/name@main#de"
    assert left(JobState.RUNNING, source=URL) == ""
    assert fetch.result(Job("job-1", "predict", "", {}, "local", "", JobState.SUCCEEDED)) == ""


def test_a_cancelled_download_goes_on_where_it_was(site: Site, settings: Settings) -> None:
    gate = threading.Event()
    site.answers.append(held(gate))
    context, _ = make_context(settings, params_of(source=URL), recipe=fetch.NAME)

    def stop() -> None:
        parts = settings.home / "datasets" / "downloads"
        while sum(part.stat().st_size for part in parts.glob("*/part")) < len(FILE) // 2:
            time.sleep(0.01)
        (context.attempt_dir / CANCEL).touch()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(JobCancelled):
        RECIPE.run(params_of(source=URL), context)
    gate.set()
    assert uploads.list_all(settings, "local") == []
    run(settings, attempt=2, source=URL)
    assert int(site.asked[1]["range"].removeprefix("bytes=").rstrip("-")) >= len(FILE) // 2
    assert sources.resolve(left(source=URL), settings, "local").info.splits == {"train": ROWS}


def test_a_path_becomes_a_data_set(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("first\nsecond\n")
    run(settings, source=str(file))
    assert sources.resolve(left(source=str(file)), settings, "local").info.title == "lines.txt"


def test_all_of_a_data_set_of_the_hub(
    hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("studio.data.hubsets.SMALL", 0)
    monkeypatch.setattr("studio.data.beginnings.LONGEST", 1)
    hub.add_repo("alice/rows", {"train.csv": FILE}, "dataset")
    assert RECIPE.validate(params_of(source="alice/rows"), settings, "local") == []
    assert sources.resolve("alice/rows", settings, "local", whole=False).info.partial
    context = run(settings, source=" alice/rows ")
    assert "Downloading: " in capsys.readouterr().out
    assert "60,000 rows" in (read_json(context.attempt_dir / PROGRESS) or {})["message"]
    found = sources.resolve(left(source="alice/rows"), settings, "local", whole=False).info
    assert (found.splits, found.partial) == ({"train": ROWS}, "")
    assert problems(settings, source="alice/nothing")[0][0] == "source"


def test_a_download_from_the_hub_is_left_within_a_moment(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/rows", {"train.csv": FILE}, "dataset")
    hub.faults.add(Fault("GET", "^/cdn/|/resolve/", "silent", times=FOREVER))
    context, _ = make_context(settings, params_of(source="alice/rows"), recipe=fetch.NAME)
    threading.Timer(0.5, (context.attempt_dir / CANCEL).touch).start()
    started = time.perf_counter()
    with pytest.raises(JobCancelled):
        RECIPE.run(params_of(source="alice/rows"), context)
    assert time.perf_counter() - started < 4


def test_what_the_hub_has_converted_the_beginning_of_is_fetched_whole(
    hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.data.hubsets.SMALL", 1_000)
    repo = hub.add_repo("alice/lines", {"train.csv": FILE}, "dataset")
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["text 0"], "label": [0]}), sink)
    hub.add_repo("alice/made", {"default/partial-train/0000.parquet": sink.getvalue()}, "dataset")
    made = hub.hub.repos[("dataset", "alice/made")]
    repo.branches["refs/convert/parquet"] = made.find("main").oid
    repo.commits.update(made.commits)
    seen = sources.resolve("alice/lines", settings, "local", whole=False).info
    assert (seen.splits, seen.cut, "The beginning" in seen.partial) == ({"train": 1}, ("train",), True)
    run(settings, source="alice/lines")
    for whole in (False, True):
        found = sources.resolve("alice/lines", settings, "local", whole=whole).info
        assert (found.splits, found.cut, found.partial) == ({"train": ROWS}, (), "")


def test_too_large_for_a_download(hub: HubServer, settings: Settings) -> None:
    small = settings.model_copy(update={"max_dataset_mb": 1})
    hub.add_repo("alice/huge", {"train.csv": FILE * 2}, "dataset")
    assert [field for field, _ in problems(small, source="alice/huge")] == ["source"]
    assert "1.5 MB; at most 1 MB" in problems(small, source="alice/huge")[0][1]
    assert "Unknown configuration" in problems(small, source="alice/huge#nope")[0][1]
    assert hub.served("/resolve/") == 0


def problems(settings: Settings, owner: str = "local", **values: Any) -> list[tuple[str, str]]:
    return [(one.field, one.expected) for one in RECIPE.validate(params_of(**values), settings, owner)]


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"source": "http://127.0.0.1/a.csv"}, "source", "open web"),
        ({"source": "http://169.254.169.254/latest/meta-data/"}, "source", "open web"),
        ({"source": "https://ann:secret@open.example/a.csv"}, "source", "without a user name"),
        ({"source": "http://a.invalid/a.csv"}, "source", "no such host"),
        ({"source": "https://"}, "source", "no web address"),
        ({"source": "ftp://open.example/a.csv"}, "source", "no such file"),
        ({"source": "nowhere.csv"}, "source", "no such file"),
        ({"source": "  "}, "source", "no such file"),
        ({"source": "\0"}, "source", "no such file"),
        ({"source": "sql:shop"}, "source", "sql:NAME#TABLE"),
        ({"source": "sql:shop#orders"}, "source", "Unknown database"),
        ({"source": URL, "name": " "}, "name", "Write a name"),
        ({"source": URL, "name": "\u200b"}, "name", "Write a name"),
        ({"source": "owner/name", "name": "mine"}, "name", "keeps its own name"),
    ],
)
def test_what_is_refused_before_it_starts(
    site: Site, settings: Settings, values: dict[str, str], field: str, said: str
) -> None:
    found = problems(settings, **values)
    assert [name for name, _ in found] == [field]
    assert said in found[0][1]
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.exe", b"x", "ends in '.exe'"),
        ("rows", b"x", "has no ending"),
        ("rows.csv", b"", "empty"),
        ("rows.csv", b"PAR1....", "is a Parquet file"),
        ("rows.csv", b"text\n" + b"x" * 1_000_001, "at most 1 MB"),
    ],
)
def test_a_file_here_is_looked_at_before(
    settings: Settings, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    small = settings.model_copy(update={"max_upload_mb": 1})
    assert [(field, said in told) for field, told in problems(small, source=str(tmp_path / name))] == [("source", True)]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_DATABASES", json.dumps({"shop": "postgresql://reader:word@127.0.0.1:1/shop"}))


def test_visitors_reach_neither_files_nor_databases(settings: Settings, shop: None, tmp_path: Path) -> None:
    public = settings.model_copy(update={"public": True, "admins": ("ann",)})

    def table(owner: str) -> list[tuple[str, str]]:
        return problems(public, owner, source="sql:shop#orders")

    for owner in ("session:1", "hf:bob", "ann"):
        assert [field for field, _ in table(owner)] == ["source"]
    assert table("hf:ann") == table("local") == problems(settings, source="sql:shop#orders") == []
    (tmp_path / "a.csv").write_text("n\n1\n")
    for source in (str(tmp_path / "a.csv"), "/etc/passwd", "~/x.csv"):
        assert "upload the file" in problems(public, "hf:ann", source=source)[0][1]


def test_titles_tell_no_secret() -> None:
    titles = {source: params_of(source=source).title() for source in (URL + "?key=word", "a/b", "/home/x/y.csv")}
    assert list(titles.values()) == ["Fetch rows.csv from open.example", "Fetch a/b", "Fetch y.csv"]
    assert params_of(source=URL, name="mine").title() == "Fetch mine"
