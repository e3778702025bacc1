"""Making data sets: through the service, the terminal, REST and as tools, with real jobs."""

import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from studio.core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import features, labels
from studio.data.records import Dataset
from studio.jobs.job import Job
from tests.unit.plugged import plugged
from tests.unit.test_cli import Terminal
from tests.unit.web.answers import refused
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call, told

LOCAL = Caller("local", "You", admin=True)
VISITOR = Caller("session:ann", "Guest")
ROWS = [{"text": f"Ann is in Rome, {n}", "better": f"yes {n}", "worse": f"no {n}", "sure": n % 5} for n in range(10)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("making")
    with plugged(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("HF_TOKEN", raising=False)
        patch.setattr(constants, "HF_TOKEN_PATH", str(folder / "no-token"))
        yield from serve(Settings(home=folder / "home", offline=True, zygote=False))


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def ref(served: Served) -> str:
    about = {"license": "mit", "languages": ["en"], "description": "Rows of a test."}
    return served.studio.create_dataset(LOCAL, "My rows / one", ROWS, about).ref


def finished(served: Served, job: Job) -> Dataset:
    done = served.studio.wait(LOCAL, job.id, 120)
    assert done.state.value == "succeeded", done.error
    return served.studio.dataset(LOCAL, f"artifact:{done.artifact}")


def test_rows_become_a_data_set_with_a_card(served: Served, ref: str) -> None:
    info = served.studio.dataset(LOCAL, ref).info
    assert (info.title, info.license, info.languages) == ("My rows - one", "mit", ("en",))
    assert (info.splits, [column.name for column in info.columns]) == ({"train": 10}, list(ROWS[0]))
    card = served.studio.dataset_card(LOCAL, ref)
    assert "license: mit" in card
    assert "Rows of a test." in card
    assert served.studio.lint_card(card, "dataset") == []
    changed = served.studio.describe_dataset(LOCAL, ref, {"title": "New"})
    assert (changed.title, changed.license) == ("New", "mit")
    with pytest.raises(NotFound):
        served.studio.describe_dataset(VISITOR, ref, {"title": "Mine"})


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,b\n1,x\n", ["a", "b"]),
        ("a\tb\n1\tx\n", ["a", "b"]),
        ('{"a": 1}\n{"a": 2}\n', ["a"]),
        ('[{"a": 1, "b": null}, {"a": 2, "b": "x"}]', ["a", "b"]),
    ],
)
def test_pasted_text_is_recognised(served: Served, text: str, columns: list[str]) -> None:
    info = served.studio.create_dataset(LOCAL, "Pasted", text)
    assert [column.name for column in info.columns] == columns


@pytest.mark.parametrize(
    ("title", "rows", "about", "field"),
    [
        ("T", "", {}, "rows"),
        ("T", [], {}, "rows"),
        ("T", ["x"], {}, "rows"),
        ("T", [{}], {}, "rows"),
        ("T", [{"a": object()}], {}, "rows"),
        ("T", "a,b\n1\n", {}, "rows"),
        ("", "a\n1\n", {}, "title"),
        ("T", "a\n1\n", {"license": "mine"}, "license"),
        ("T", "a\n1\n", {"languages": ["English"]}, "languages"),
        ("T", "a\n1\n", {"nothing": 1}, "nothing"),
    ],
)
def test_what_cannot_be_made_names_its_field(
    served: Served, title: str, rows: Any, about: dict[str, Any], field: str
) -> None:
    before = len(served.studio.datasets(LOCAL))
    with pytest.raises((InvalidInput, InvalidInputs)) as raised:
        served.studio.create_dataset(LOCAL, title, rows, about)
    error = raised.value
    problems = error.problems if isinstance(error, InvalidInputs) else (error,)
    assert [problem.field for problem in problems if isinstance(problem, InvalidInput)] == [field]
    assert len(served.studio.datasets(LOCAL)) == before


def test_labels_to_a_data_set(served: Served, ref: str) -> None:
    studio = served.studio
    plan = {"name": "mood", "kind": "label", "column": "text", "classes": ["bad", "good"], "confidence": "sure"}
    work = studio.start_annotation(LOCAL, ref, plan)
    seen = []
    for _ in range(4):
        turn = studio.next_row(LOCAL, work.id)
        assert turn.row is not None
        assert turn.cells == {"text": ROWS[turn.row]["text"]}
        seen.append(turn.row)
        studio.annotate(LOCAL, work.id, turn.row, "good" if turn.row else None)
    assert seen == [0, 5, 1, 6]  # the least sure first
    assert studio.undo_annotation(LOCAL, work.id).row == 6
    assert (studio.annotation(LOCAL, work.id).done, studio.annotation(LOCAL, work.id).skipped) == (2, 1)
    made = finished(served, studio.export_annotations(LOCAL, work.id))
    [file] = made.files["train"]
    table = pq.read_table(file)
    assert table.column("mood").to_pylist() == [1, 1]
    assert table.column("text").to_pylist() == [ROWS[1]["text"], ROWS[5]["text"]]
    assert labels.names(made, "train") == {"mood": ("bad", "good")}
    lineage = studio.lineage(LOCAL, made.info.ref)
    assert [(one.ref, one.made_by) for one in lineage] == [(made.info.ref, "annotate"), (ref, "")]
    assert made.info.license == "mit"
    whole = finished(served, studio.export_annotations(LOCAL, work.id, {"unmarked": True, "title": "All"}))
    assert (whole.info.title, whole.info.splits) == ("All", {"train": 10})
    studio.delete_annotation(LOCAL, work.id)
    with pytest.raises(NotFound):
        studio.annotation(LOCAL, work.id)


def test_several_labels_and_spans_and_preferences(served: Served, ref: str) -> None:
    studio = served.studio
    plan = {"name": "topics", "kind": "label", "column": "text", "classes": ["a", "b"], "several": True}
    work = studio.start_annotation(LOCAL, ref, plan)
    studio.annotate(LOCAL, work.id, 0, ["b", "a"])
    studio.annotate(LOCAL, work.id, 1, [])
    made = finished(served, studio.export_annotations(LOCAL, work.id))
    assert pq.read_table(made.files["train"][0]).column("topics").to_pylist() == [[0, 1], []]

    plan = {"name": "names", "kind": "span", "column": "text", "classes": ["who", "where"]}
    work = studio.start_annotation(LOCAL, ref, plan)
    spans = [{"start": 0, "end": 3, "label": "who"}, {"start": 10, "end": 14, "label": "where"}]
    studio.annotate(LOCAL, work.id, 2, spans)
    for row, value in ((2, [{"start": 0, "end": 99, "label": "who"}]), (99, spans)):
        with pytest.raises(InvalidInput):
            studio.annotate(LOCAL, work.id, row, value)
    made = finished(served, studio.export_annotations(LOCAL, work.id))
    assert pq.read_table(made.files["train"][0]).column("names").to_pylist() == [spans]
    made = finished(served, studio.export_annotations(LOCAL, work.id, {"form": "bio"}))
    table = pq.read_table(made.files["train"][0])
    assert table.column("tokens").to_pylist() == [["Ann", "is", "in", "Rome", ",", "2"]]
    assert table.column("names").to_pylist() == [[1, 0, 0, 3, 0, 0]]
    told_there = features.of(made, "train", table.schema)
    assert told_there["names"] == features.list_of(features.class_label(["O", "B-who", "I-who", "B-where", "I-where"]))

    plan = {"name": "pick", "kind": "preference", "column": "better", "other": "worse", "prompt": "text"}
    work = studio.start_annotation(LOCAL, ref, plan)
    for row, choice in enumerate(["first", "second", "tie", None]):
        studio.annotate(LOCAL, work.id, row, choice)
    made = finished(served, studio.export_annotations(LOCAL, work.id))
    assert pq.read_table(made.files["train"][0]).to_pylist() == [
        {"prompt": ROWS[0]["text"], "chosen": "yes 0", "rejected": "no 0"},
        {"prompt": ROWS[1]["text"], "chosen": "no 1", "rejected": "yes 1"},
    ]
    with pytest.raises(InvalidInputs, match="trl, column"):
        studio.export_annotations(LOCAL, work.id, {"form": "bio"})
    with pytest.raises(InvalidInputs, match="no place"):
        studio.export_annotations(LOCAL, work.id, {"unmarked": True})


def test_annotations_are_their_owners_and_of_one_state(served: Served, ref: str, tmp_path: Path) -> None:
    studio = served.studio
    plan = {"name": "mood", "kind": "label", "column": "text", "classes": ["bad", "good"]}
    work = studio.start_annotation(LOCAL, ref, plan)
    with pytest.raises(InvalidInputs, match="No row has an answer"):
        studio.export_annotations(LOCAL, work.id)
    for act in (studio.annotation, studio.next_row, studio.undo_annotation, studio.delete_annotation):
        with pytest.raises(NotFound):
            act(VISITOR, work.id)
    file = tmp_path / "rows.csv"
    file.write_text("text\na\nb\n")
    work = studio.start_annotation(LOCAL, str(file), plan)
    studio.annotate(LOCAL, work.id, 0, "bad")
    file.write_text("text\nnew\na\nb\n")
    with pytest.raises(Conflict, match="not what it was"):
        studio.annotate(LOCAL, work.id, 1, "bad")
    with pytest.raises(InvalidInputs, match="not what it was"):
        studio.export_annotations(LOCAL, work.id)


def test_over_rest(client: httpx.Client, served: Served) -> None:
    made = client.post("/datasets/create", json={"title": "Rest", "rows": ROWS, "license": "mit"})
    assert made.status_code == 201, made.text
    ref = made.json()["ref"]
    refused(client.post("/datasets/create", json={"title": "x", "rows": "", "license": "m"}), 422, "Paste", "rows")
    about = client.put("/datasets/about", json={"ref": ref, "description": "<b>x</b>"})
    assert about.json()["description"] == "<b>x</b>"
    assert client.get("/datasets/card", params={"ref": ref}).text.startswith("---\n")

    found = client.get("/datasets/export", params={"ref": ref, "format": "csv"})
    assert found.headers["content-disposition"] == 'attachment; filename="Rest.csv"'
    assert len(list(csv.DictReader(io.StringIO(found.text)))) == 10
    conditions = json.dumps([{"column": "sure", "op": "=", "value": 1}])
    asked = {"ref": ref, "format": "jsonl", "columns": ["sure"], "conditions": conditions}
    assert client.get("/datasets/export", params=asked).text == '{"sure":1}\n{"sure":1}\n'
    parquet = client.get("/datasets/export", params={"ref": ref, "format": "parquet"}).content
    assert pq.read_table(io.BytesIO(parquet)).num_rows == 10
    refused(client.get("/datasets/export", params={"ref": ref, "format": "xls"}), 422, "csv", "format")
    refused(client.get("/datasets/export", params={"ref": ref, "where": "nope = 1"}), 422, "nope", "where")

    plan = {"ref": ref, "name": "mood", "kind": "label", "column": "text", "classes": ["bad", "good"]}
    work = client.post("/annotations", json=plan).json()
    place = f"/annotations/{work['id']}"
    assert client.get(f"{place}/next").json()["row"] == 0
    assert client.put(f"{place}/rows/0", json={"value": "good"}).json()["done"] == 1
    refused(client.put(f"{place}/rows/0", json={"value": "nope"}), 422, "Use one of", "value")
    assert client.get(f"{place}/rows/0").json()["value"] == ["good"]
    assert client.get(f"{place}/next", params={"after": 0}).json()["row"] == 1
    assert [one["id"] for one in client.get("/annotations", params={"ref": ref}).json()] == [work["id"]]
    job = client.post(f"{place}/export", json={}).json()
    assert served.studio.wait(LOCAL, job["id"], 120).artifact
    assert client.post(f"{place}/undo").json()["row"] == 0
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
    push = client.post("/datasets/publish", json={"ref": ref, "repo_id": "alice/rows"})
    assert push.status_code == 401, "nobody is signed in"


def test_whoever_leaves_a_download_ends_it(served: Served, client: httpx.Client, tmp_path: Path) -> None:
    import psutil
    import pyarrow as pa

    file = tmp_path / "long.parquet"
    pq.write_table(pa.table({"n": range(3_000_000), "text": ["some words " * 8] * 3_000_000}), file)
    address = urlsplit(served.url)
    query = urlencode({"ref": str(file), "format": "csv"})
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
        connection.sendall(f"GET /api/datasets/export?{query} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert b"200 OK" in connection.recv(4096)
    opened = [one.path for one in psutil.Process().open_files()]
    deadline = time.monotonic() + 20
    while str(file) in opened and time.monotonic() < deadline:
        time.sleep(0.1)
        opened = [one.path for one in psutil.Process().open_files()]
    assert str(file) not in opened
    assert client.get("/datasets").status_code == 200


def test_as_tools(served: Served) -> None:
    made = told(call(served, "create_dataset", title="Tool", rows="text\na\nb\n"))
    plan = {"name": "mood", "kind": "label", "column": "text", "classes": ["bad", "good"]}
    work = told(call(served, "start_annotation", ref=made["ref"], plan=plan))
    assert told(call(served, "next_row_to_annotate", id=work["id"]))["cells"] == {"text": "a"}
    assert told(call(served, "annotate_row", id=work["id"], row=0, value=["bad"]))["done"] == 1
    assert [one["id"] for one in told(call(served, "list_annotations", ref=made["ref"]))] == [work["id"]]
    job = told(call(served, "export_annotations", id=work["id"]))
    assert served.studio.wait(LOCAL, job["id"], 120).artifact
    assert call(served, "get_dataset_card", ref=made["ref"]).content[0].text.startswith("---")
    assert call(served, "publish_dataset", ref=made["ref"], repo_id="alice/x").is_error
    assert call(served, "annotate_row", id=work["id"], row=0, value="nope").is_error


def test_from_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    ref = terminal.good("datasets", "create", "Mine", "--license", "mit", stdin=b"text,n\na,1\nb,2\n").strip()
    assert terminal.good("datasets", "about", ref, "--title", "Ours", "--language", "en") == "Ours\n"
    assert "pretty_name: Ours" in terminal.good("datasets", "card", ref)
    for name in ("rows.csv", "rows.jsonl", "rows.parquet"):
        terminal.good("datasets", "export", ref, "-o", str(tmp_path / name), "--where", "n > 1")
    assert (tmp_path / "rows.jsonl").read_text() == '{"text":"b","n":2}\n'
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == 1
    for arguments in (("-o", str(tmp_path / "rows.xls")), ("-o", str(tmp_path / "no" / "rows.csv"))):
        assert terminal.run("datasets", "export", ref, *arguments).returncode in (1, 2)
    assert "zip" in terminal.run("datasets", "export", "kit:wine", "-o", str(tmp_path / "w.csv")).stderr
    terminal.good("datasets", "export", "kit:wine", "-o", str(tmp_path / "w.zip"), "--format", "csv")
    assert terminal.json("datasets", "annotations", "list", "--json") == []
    assert terminal.run("datasets", "annotations", "delete", "nothing").returncode == 1
    assert terminal.run("publish", ref, "alice/x", "--license", "mit").returncode == 1
