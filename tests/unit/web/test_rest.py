"""REST over real HTTP: every route, its errors and what it answers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient, constants
from huggingface_hub.errors import HfHubHTTPError

from studio.recipes import RECIPES
from studio.tasks import TASKS
from tests.unit.service.given import add_artifact
from tests.unit.web.answers import CSV, TEXT, finished, refused
from tests.unit.web.serving import Served


def test_a_job_from_its_start_to_its_deletion(client: httpx.Client) -> None:
    answer = client.post("/jobs", json={"recipe": "toy-recipe", "params": {"count": 2}})
    assert answer.status_code == 201
    job = answer.json()
    assert job.keys() >= {"id", "state", "progress", "params", "title", "owner", "artifact", "error"}
    done = finished(client, job["id"])
    assert (done["state"], done["progress"]["fraction"]) == ("succeeded", 1.0)
    log = client.get(f"/jobs/{job['id']}/log")
    assert "counted 2" in log.text
    rest = client.get(f"/jobs/{job['id']}/log", params={"offset": log.headers["X-Next-Offset"]})
    assert (rest.text, rest.headers["X-Next-Offset"]) == ("", log.headers["X-Next-Offset"])
    assert client.get("/jobs", params={"search": job["id"], "state": "succeeded"}).json() == [done]
    refused(client.post(f"/jobs/{job['id']}/cancel"), 409, "nothing to cancel")
    refused(client.post(f"/jobs/{job['id']}/retry"), 409, "only a failed or cancelled job")
    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    refused(client.get(f"/jobs/{job['id']}"), 404, "There is no job")
    assert client.get(f"/artifacts/{done['artifact']}").json()["title"] == "Counted to 2"


def test_the_same_idempotency_key_is_the_same_job(client: httpx.Client) -> None:
    body, headers = {"recipe": "toy-recipe", "params": {"count": 1}}, {"Idempotency-Key": "click"}
    first, second = (client.post("/jobs", json=body, headers=headers).json()["id"] for _ in range(2))
    assert first == second
    assert client.post("/jobs", json=body).json()["id"] != first


BAD: list[tuple[str, str, Any, int, str, str | None]] = [
    (
        "POST",
        "/jobs",
        {"recipe": "nope"},
        404,
        f"Known: {', '.join(RECIPES)}",
        None,
    ),
    ("POST", "/jobs", {"recipe": "toy-recipe", "params": {"count": 0}}, 422, "greater than or equal to 1", "count"),
    ("POST", "/jobs", {"recipe": "toy-recipe", "params": {"nope": 0}}, 422, "Known: count", "nope"),
    ("POST", "/jobs", {"recipe": "toy-recipe", "engine": "moon"}, 404, "Known: local", None),
    ("POST", "/jobs", {"recipe": "toy-recipe", "push": "x"}, 422, "owner/name", "push"),
    ("POST", "/jobs", {"params": {}}, 422, "recipe", "recipe"),
    ("POST", "/jobs", [], 422, "", None),
    ("GET", "/jobs/nope", None, 404, "There is no job 'nope'", None),
    ("GET", "/jobs/nope/log", None, 404, "There is no job", None),
    ("GET", "/jobs?limit=0", None, 422, "limit", "limit"),
    ("GET", "/jobs?state=nope", None, 422, "queued", None),
    ("POST", "/jobs/nope/cancel", None, 404, "There is no job", None),
    ("POST", "/jobs/nope/retry", None, 404, "There is no job", None),
    ("DELETE", "/jobs/nope", None, 404, "There is no job", None),
    ("GET", "/artifacts/nope", None, 404, "There is no artifact", None),
    ("GET", "/artifacts/a%00b", None, 404, "There is no artifact", None),
    ("GET", "/artifacts/..%2Fjobs", None, 404, "", None),
    ("GET", "/artifacts/nope/card", None, 404, "There is no artifact", None),
    ("POST", "/artifacts/nope/publish", {"repo_id": "a/b"}, 404, "There is no artifact", None),
    ("POST", "/artifacts/nope/publish", {}, 422, "repo_id", "repo_id"),
    ("GET", "/datasets/view?ref=kit:nope", None, 404, "kit:debian-topics", None),
    ("GET", "/datasets/view?ref=kit:debian-topics&split=nope", None, 404, "Known: train, validation, test", None),
    ("GET", f"/datasets/view?ref=kit:debian-topics&offset={10**30}", None, 422, "offset", "offset"),
    ("GET", "/datasets/view?ref=kit:debian-topics&limit=-1", None, 422, "limit", "limit"),
    ("GET", "/datasets/view", None, 422, "ref", "ref"),
    ("POST", "/tasks/nope", {"inputs": "x"}, 404, "Known: text-classification, ", None),
    ("POST", "/tasks/text-classification", {}, 422, "inputs", "inputs"),
    ("POST", "/tasks/text-classification", {"inputs": "x", "parameters": {"top_k": 0}}, 422, "top_k", "top_k"),
    ("POST", "/tasks/text-classification", {"inputs": "x", "parameters": {"nope": 0}}, 422, "Known: ", "nope"),
    ("POST", "/tasks/text-classification", {"inputs": "x", "model": "kit:nope"}, 404, "kit:minilm-l6", None),
    ("POST", "/tasks/text-classification", {"inputs": "x", "model": "nope"}, 422, "owner/name", "model"),
    ("GET", "/no/such/path", None, 404, "Not Found", None),
    ("PUT", "/jobs", {}, 405, "Not Allowed", None),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "text", "field"), BAD)
def test_what_is_wrong_has_one_shape(
    client: httpx.Client, method: str, path: str, body: Any, status: int, text: str, field: str | None
) -> None:
    refused(client.request(method, path, json=body), status, text, field)


def test_malformed_json_is_named_and_nothing_of_the_inside_shows(client: httpx.Client) -> None:
    answer = client.post("/jobs", content=b'{"recipe": ', headers={"content-type": "application/json"})
    refused(answer, 422, "body: JSON decode error")
    assert "Traceback" not in answer.text
    assert client.post("/jobs", content=b"\xff", headers={"content-type": "application/json"}).status_code in (400, 422)
    assert client.post("/jobs", content=b"[" * 100_000, headers={"content-type": "application/json"}).status_code < 500


def test_a_bug_gives_an_id_and_no_details(
    local: Served, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(local.studio, "jobs", broken)
    answer = client.get("/jobs")
    refused(answer, 500, "Something went wrong (id ")
    assert "secret detail" not in answer.text
    number = answer.json()["error"].split("id ")[1].rstrip(").")
    assert any(number in record.getMessage() for record in caplog.records)


def test_foreign_pages_may_not_call(client: httpx.Client) -> None:
    for origin in ("https://evil.example", "null"):
        answer = client.post("/jobs", json={"recipe": "toy-recipe"}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert client.get("/jobs", headers={"Origin": str(client.base_url).removesuffix("/api/")}).status_code == 200


def test_an_upload_is_the_raw_body(client: httpx.Client) -> None:
    answer = client.post("/datasets", params={"name": "reviews.csv"}, content=CSV)
    assert answer.status_code == 201
    info = answer.json()
    assert (info["splits"], info["title"]) == ({"train": 2}, "reviews.csv")
    assert info["ref"] in [entry["ref"] for entry in client.get("/datasets").json()]
    rows = client.get("/datasets/view", params={"ref": info["ref"], "limit": 1, "offset": 1}).json()
    assert (rows["rows"], rows["total"]) == ([["bad", "b"]], 2)
    assert len(client.get("/datasets/view", params={"ref": "kit:debian-topics"}).json()["rows"]) == 100
    refused(client.get("/datasets/view", params={"ref": "kit:debian-topics", "limit": 101}), 422, "limit", "limit")


def test_an_upload_that_is_too_large_or_no_data_is_refused(client: httpx.Client) -> None:
    large = b"text,label\n" + b"good,a\n" * 200_000

    def parts() -> Iterator[bytes]:  # its size is not known in advance
        yield from (large[at : at + 65536] for at in range(0, len(large), 65536))

    contents: list[Any] = [large, parts()]
    for content in contents:
        refused(client.post("/datasets", params={"name": "a.csv"}, content=content), 422, "larger than 1 MB", "file")
    refused(client.post("/datasets", params={"name": "a.exe"}, content=b"MZ\0\0"), 422, "a.exe", "file")
    refused(client.post("/datasets", params={"name": "a.csv"}, content=b"\0\1"), 422, "a.csv", "file")
    refused(client.post("/datasets", params={"name": "a.csv"}, content=b""), 422, "a.csv", "file")
    refused(client.post("/datasets", content=CSV), 422, "name", "name")


def test_results_and_uploads_are_deleted(local: Served, client: httpx.Client) -> None:
    result = add_artifact(local.studio, "local", "doomed")
    ref = client.post("/datasets", params={"name": "a.csv"}, content=CSV).json()["ref"]
    for path in (f"/artifacts/{result}", f"/datasets/{ref}"):
        assert client.delete(path).status_code == 204
        refused(client.delete(path), 404, "There is no")
    refused(client.get(f"/artifacts/{result}"), 404, "There is no artifact")
    assert ref not in [info["ref"] for info in client.get("/datasets").json()]
    refused(client.delete("/datasets/kit:debian-topics"), 404, "There is no upload")


def test_runs_and_their_curves_are_read(client: httpx.Client) -> None:
    job = client.post("/jobs", json={"recipe": "toy-recipe", "params": {"count": 4}}).json()
    finished(client, job["id"])
    assert "toy-recipe" in client.get("/projects").json()
    runs = {run["name"]: run for run in client.get("/runs", params={"project": "toy-recipe"}).json()}
    run = runs[job["id"]]
    assert (run["latest"], run["last_step"], run["config"]) == ({"number": 4.0}, 4, {"count": 4})
    project = {"project": "toy-recipe"}
    assert client.get(f"/runs/{job['id']}/metrics", params=project).json() == ["number"]
    curve = client.get(f"/runs/{job['id']}/series", params=project | {"metric": "number"}).json()
    assert (curve["steps"], curve["values"]) == ([1, 2, 3, 4], [1, 2, 3, 4])
    refused(client.get(f"/runs/{job['id']}/series", params=project | {"metric": "no"}), 404, "It has: number")
    refused(client.get("/runs", params={"project": "no-such"}), 404, "There is no project")
    refused(client.get("/runs"), 422, "project", "project")


def test_models_are_listed_by_what_they_are_for(client: httpx.Client) -> None:
    answering = [model["ref"] for model in client.get("/models", params={"task": "text-classification"}).json()]
    bases = [model["ref"] for model in client.get("/models").json()]
    assert "kit:topic-classifier" in answering
    assert "kit:minilm-l6" in bases
    assert "kit:topic-classifier" not in bases
    refused(client.get("/models", params={"task": "nope"}), 404, "Unknown task 'nope'")


def test_a_model_is_looked_at_before_it_is_loaded(client: httpx.Client) -> None:
    asked = {"task": "text-classification", "model": "kit:topic-classifier"}
    facts = client.get("/models/facts", params=asked).json()
    assert (facts["problem"], facts["source"], facts["format"], facts["device"] != "") == (
        "",
        "kit",
        "safetensors",
        True,
    )
    assert facts["memory_bytes"] > facts["bytes"] > 0
    problem = client.get("/models/facts", params=asked | {"model": "artifact:nope"}).json()["problem"]
    assert problem == "There is no artifact 'nope'."
    refused(client.get("/models/facts", params=asked | {"task": "nope"}), 404, "Unknown task 'nope'")
    refused(client.get("/models/search", params={"task": "text-classification"}), 503, "offline")
    refused(client.get("/models/search", params={"task": "text-classification", "sort": "x"}), 422, "sort")
    assert client.get("/models/providers", params=asked).json() == []


def test_models_are_compared(client: httpx.Client) -> None:
    body = {"inputs": TEXT, "parameters": {"top_k": 1}, "models": ["kit:topic-classifier", "kit:ner"]}
    one, other = client.post("/tasks/text-classification/compare", json=body).json()
    assert (one["model"], one["error"], one["bytes"] > 0, one["seconds"] > 0) == (
        "kit:topic-classifier",
        "",
        True,
        True,
    )
    alone = client.post("/tasks/text-classification", json={"inputs": TEXT, "parameters": {"top_k": 1}})
    assert one["output"][0][0]["label"] == alone.json()[0][0]["label"]
    assert (other["output"], "token-classification" in other["error"]) == (None, True)
    recent = client.get("/models/recent", params={"task": "text-classification"}).json()
    assert recent[0] == "kit:topic-classifier"
    refused(client.post("/tasks/text-classification/compare", json=body | {"models": []}), 422, "between 1 and 4")
    refused(client.post("/tasks/nope/compare", json=body), 404, "Unknown task 'nope'")
    refused(client.post("/tasks/image-classification/compare", json=body | {"inputs": "no picture"}), 422, "base64")


def test_a_batch_is_a_job_and_its_result_a_data_set(client: httpx.Client) -> None:
    params = {"task": "toy-task", "model": "kit:topic-classifier", "dataset": "kit:debian-topics", "limit": 20}
    refused(client.post("/jobs", json={"recipe": "predict", "params": params | {"column": "nope"}}), 422, "column")
    job = client.post("/jobs", json={"recipe": "predict", "params": params})
    assert job.status_code == 201, job.text
    found = finished(client, job.json()["id"])
    ref = f"artifact:{found['artifact']}"
    rows = client.get("/datasets/view", params={"ref": ref}).json()
    assert rows["total"] == 20
    assert {"text", "label", "score", "error"} <= set(rows["columns"])
    assert ref in [one["ref"] for one in client.get("/datasets").json()]
    assert client.delete(f"/datasets/{ref}").status_code == 204
    assert ref not in [one["ref"] for one in client.get("/datasets").json()]


def test_a_card_is_read_and_kept(local: Served, client: httpx.Client) -> None:
    add_artifact(local.studio, "local", "with-card")
    card = client.get("/artifacts/with-card/card")
    assert card.headers["content-type"] == "text/markdown; charset=utf-8"
    assert card.text.startswith("---")
    headers = {"content-type": "text/markdown"}
    saved = client.put("/artifacts/with-card/card", content="# Mine, ünïcode", headers=headers)
    assert saved.status_code == 200
    assert {problem["level"] for problem in saved.json()} <= {"error", "warning", "info"}
    assert client.get("/artifacts/with-card/card").text == "# Mine, ünïcode"
    for content in (b"\xff\xfe", b""):
        assert client.put("/artifacts/with-card/card", content=content, headers=headers).status_code == 422
    assert client.get("/artifacts/with-card/card").text == "# Mine, ünïcode"
    refused(client.put("/artifacts/nope/card", content="x", headers=headers), 404, "There is no artifact")


def test_publishing_without_a_token_asks_to_sign_in(
    local: Served, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    add_artifact(local.studio, "local", "unsigned")
    answer = client.post("/artifacts/unsigned/publish", json={"repo_id": "me/x"})
    refused(answer, 401, "hf auth login")


def test_the_hubs_own_client_works_unchanged(
    local: Served, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # as in a process of its own
    hub_client = InferenceClient(model=f"{local.url}/api/tasks/text-classification")
    labels = hub_client.text_classification(TEXT, top_k=2)
    assert len(labels) == 2
    assert 1 >= labels[0].score >= labels[1].score > 0
    every = hub_client.text_classification(TEXT)
    assert sum(label.score for label in every) == pytest.approx(1, abs=1e-3)
    with pytest.raises(HfHubHTTPError) as caught:
        hub_client.text_classification("")
    assert caught.value.response.status_code == 422
    toy = client.post("/tasks/toy-task", json={"inputs": "HELLO", "parameters": {"threshold": 0.5}})
    assert toy.json() == [[{"label": "LOUD", "score": 1.0}]]
    assert float(toy.headers["X-Compute-Time"]) >= 0


def test_tables_and_the_hub_are_told(client: httpx.Client) -> None:
    recipes = {recipe["name"]: recipe for recipe in client.get("/recipes").json()}
    assert recipes["toy-recipe"]["parameters"]["properties"]["count"]["maximum"] == 1000
    tasks = {task["id"]: task for task in client.get("/tasks").json()}
    assert "top_k" in tasks["text-classification"]["parameters"]["properties"]
    hub = client.get("/hub", params={"refresh": True}).json()
    assert (hub["reachable"], "offline" in hub["reason"]) == (False, True)


def test_the_schema_describes_every_route(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.")
    assert schema["servers"] == [{"url": "/api"}]
    assert len(schema["paths"]) == 63 + len(TASKS)
    assert {f"/tasks/{task}" for task in TASKS} < set(schema["paths"])
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)
            assert operation["description"], (path, method)
            assert set(operation["responses"]) & {"200", "201", "204"}, (path, method)
            assert "4XX" in operation["responses"], (path, method)
            declared = {given["name"] for given in operation.get("parameters", ()) if given["in"] == "path"}
            assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
    assert "requestBody" in schema["paths"]["/datasets"]["post"]
