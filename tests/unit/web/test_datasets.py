"""Looking into data sets over real HTTP and as tools: views, SQL, rows, cells; what leaves, what is refused."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from studio.core.settings import Settings
from tests.unit.web.answers import refused
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call, told

CSV = "text,label,n\n<script>alert(1)</script>,a,1\ngood,b,2\nbad,b,3\n"
ENDLESS = "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve(Settings(home=tmp_path_factory.mktemp("looking") / "home", offline=True, zygote=False))


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def ref(client: httpx.Client) -> str:
    return str(client.post("/datasets", params={"name": "a.csv"}, content=CSV).json()["ref"])


def test_a_view_is_an_address(client: httpx.Client, ref: str) -> None:
    conditions = json.dumps([{"column": "label", "op": "is", "value": "b"}])
    asked: dict[str, Any] = {
        "ref": ref,
        "columns": ["n", "text"],
        "conditions": conditions,
        "sort": "n",
        "descending": True,
    }
    page = client.get("/datasets/view", params=asked).json()
    assert (page["columns"], page["rows"]) == (["n", "text"], [[3, "bad"], [2, "good"]])
    assert (page["numbers"], page["total"], page["matching"]) == ([2, 1], 3, 2)
    where = client.get("/datasets/view", params={"ref": ref, "where": "n > 1 AND label = 'b'", "limit": 1}).json()
    assert (where["numbers"], where["matching"]) == ([1], 2)
    quick = client.get("/datasets/view", params={"ref": ref, "where": "n > 1", "limit": 1, "counting": False}).json()
    assert quick["matching"] is None


def test_bad_views_name_their_field(client: httpx.Client, ref: str) -> None:
    cases: list[tuple[dict[str, Any], int, str | None, str]] = [
        ({"conditions": "{"}, 422, "conditions", "JSON"),
        ({"conditions": "[1]"}, 422, "conditions.0", "dictionary"),
        ({"conditions": '[{"column": "n"}]'}, 422, "conditions.0.op", "required"),
        ({"conditions": '[{"column": "n", "op": "like"}]'}, 422, "conditions.0.op", "For BIGINT there are"),
        ({"where": "nope = 1"}, 422, "where", "nope"),
        ({"where": "1; DROP VIEW data"}, 422, "where", "syntax error"),
        ({"sort": "nope"}, 404, None, "Known: text, label, n"),
        ({"limit": 101}, 422, "limit", "100"),
    ]
    for asked, status, field, words in cases:
        refused(client.get("/datasets/view", params={"ref": ref, **asked}), status, words, field)


def test_sql_is_answered_within_its_bounds(client: httpx.Client, ref: str) -> None:
    query = "SELECT label, sum(n) AS n FROM train GROUP BY label ORDER BY label"
    answer = client.post("/datasets/sql", json={"ref": ref, "query": query}).json()
    assert (answer["rows"], answer["more"]) == ([["a", 1], ["b", 5]], False)
    assert [column["name"] for column in answer["columns"]] == ["label", "n"]
    refused(client.post("/datasets/sql", json={"ref": ref, "query": "FROM '/etc/passwd'"}), 422, "no table", "query")
    refused(client.post("/datasets/sql", json={"ref": ref, "query": "SELECT 1", "limit": 2000}), 422, "1000", "limit")
    refused(client.post("/datasets/sql", json={"ref": "/etc/passwd2", "query": "SELECT 1"}), 404, "no file")


def test_rows_and_cells_are_shown_and_never_run(client: httpx.Client, ref: str) -> None:
    row = client.get("/datasets/row", params={"ref": ref, "number": 1}).json()
    assert [value["value"] for value in row["values"]] == ["good", "b", 2]
    cell = client.get("/datasets/cell", params={"ref": ref, "number": 0, "column": "text"})
    assert (cell.text, cell.headers["content-type"]) == ("<script>alert(1)</script>", "text/plain; charset=utf-8")
    assert cell.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in cell.headers["content-security-policy"]
    refused(client.get("/datasets/row", params={"ref": ref, "number": 3}), 422, "from 0 to 2", "number")
    refused(client.get("/datasets/cell", params={"ref": ref, "number": 0, "column": "x"}), 404, "Known: text, label, n")
    asked: dict[str, Any] = {"ref": ref, "number": 0, "column": "text", "inside": "0"}
    refused(client.get("/datasets/cell", params=asked), 422, "no such part", "inside")


def test_the_schema_shows_every_look(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, method in (("view", "get"), ("sql", "post"), ("row", "get"), ("cell", "get")):
        assert method in paths[f"/datasets/{path}"]


def test_tools_look_too(served: Served, ref: str) -> None:
    conditions = [{"column": "n", "op": "between", "value": [2, 3]}]
    page = told(call(served, "view_dataset", ref=ref, conditions=conditions, sort="n", descending=True))
    assert page["numbers"] == [2, 1]
    assert told(call(served, "query_dataset", ref=ref, query="SELECT max(n) FROM data"))["rows"] == [[3]]
    assert told(call(served, "read_row", ref=ref, number=2))["values"][0]["value"] == "bad"
    for name, given, words in (
        ("query_dataset", {"query": "ATTACH 'x'"}, "one SELECT"),
        ("view_dataset", {"conditions": [{"column": "n"}]}, "'op' is a required property"),
        ("read_row", {"number": -1}, "number"),
    ):
        answer = call(served, name, ref=ref, **given)
        assert answer.is_error
        assert words in answer.content[0].text


def test_who_hangs_up_stops_the_question(served: Served, ref: str) -> None:
    body = json.dumps({"ref": ref, "query": ENDLESS}).encode()
    host, port = served.url.removeprefix("http://").split(":")
    busy: list[Any] = []
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /api/datasets/sql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        end = time.monotonic() + 20
        while not busy and time.monotonic() < end:
            busy = [child for child in psutil.Process().children() if child.cpu_times().user > 1.0 and _asks(child)]
            time.sleep(0.05)
    assert busy
    busy[0].wait(5)  # killed well before the ten seconds are over


def _asks(process: psutil.Process) -> bool:
    return "studio.data.sandboxed" in process.cmdline()


def test_pages_go_on_while_a_question_runs(client: httpx.Client, served: Served, ref: str) -> None:
    def ask() -> None:
        with served.client() as other:
            refused(other.post("/datasets/sql", json={"ref": ref, "query": ENDLESS}), 422, "longer than 10 s", "query")

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    begin = time.monotonic()
    assert client.get("/datasets/view", params={"ref": ref}).status_code == 200
    assert time.monotonic() - begin < 5
    thread.join()
