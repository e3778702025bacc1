"""Inference Providers by REST, MCP and the terminal, over real HTTP to a router of one's own."""

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client

from studio import cli
from studio.core.settings import Settings
from studio.hub import providers
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.unit.router import CHAT, MESSAGES, offer, routing
from tests.unit.web.serving import Served, serve

TASK = "text-classification"
LABELS = [[{"label": "good", "score": 1.0}]]
TEXT = {"inputs": "i love this film"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with routing(tmp_path_factory.mktemp("hub")) as server:
        offer(server, TASK, LABELS)
        offer(server, "conversational", CHAT, "together", "chat")
        yield server


def settings(tmp_path_factory: pytest.TempPathFactory, **more: Any) -> Settings:
    home = tmp_path_factory.mktemp("served") / "home"
    return Settings.model_validate({"home": home, "hub_deadline": 4, "zygote": False, **more})


@pytest.fixture(scope="module")
def local(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve(settings(tmp_path_factory))


@pytest.fixture(scope="module")
def public(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve(settings(tmp_path_factory, public=True))


@pytest.fixture
def token(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's own; in public mode it is nobody's."""
    monkeypatch.setenv("HF_TOKEN", hub.token)


@pytest.fixture
def signed_in(local: Served, token: None) -> Served:
    return local


@pytest.fixture(autouse=True)
def _no_faults(hub: HubServer) -> Iterator[None]:
    yield
    hub.faults.clear()


def post(served: Served, body: dict[str, Any], task: str = TASK, **query: str) -> httpx.Response:
    with served.client() as client:
        return client.post(f"/tasks/{task}", json=body, params=query)


def call(served: Served, name: str, **arguments: Any) -> Any:
    async def ask() -> Any:
        async with Client(f"{served.url}/mcp") as client:
            return await client.call_tool(name, arguments)

    return anyio.run(ask)


def typed(monkeypatch: pytest.MonkeyPatch, served: Served, *words: str) -> int:
    """Exit code of `studio …` in this process, in the served studio's own place."""
    for name in ("home", "hub_deadline", "zygote"):
        monkeypatch.setenv(f"STUDIO_{name.upper()}", str(getattr(served.studio.settings, name)))
    monkeypatch.setattr("sys.argv", ["studio", *words])
    with pytest.raises(SystemExit) as done:
        cli.main()
    return int(done.value.code or 0)


def test_who_serves_a_model_is_told_everywhere(
    signed_in: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"task": TASK, "model": "alice/model"}
    with signed_in.client() as client:
        assert client.get("/models/providers", params=asked).json() == ["hf-inference"]
        assert client.get("/models/providers", params={**asked, "task": "translation"}).json() == []
        assert client.get("/models/providers", params={**asked, "model": "alice/nothing"}).status_code == 404
    assert json.loads(call(signed_in, "list_providers", **asked).content[0].text) == ["hf-inference"]
    assert typed(monkeypatch, signed_in, "models", "providers", TASK, "alice/model") == 0
    assert capsys.readouterr().out == "hf-inference\n"


def test_a_provider_answers_everywhere(
    signed_in: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = {"model": "alice/model", "provider": "hf-inference"}
    for found in (post(signed_in, TEXT, **chosen), post(signed_in, TEXT | chosen)):
        assert found.json() == [[{"label": "good", "score": 1.0}]]
        assert found.headers["X-Compute-Type"] == "hf-inference"
    assert json.loads(call(signed_in, "text_classification", **TEXT, **chosen).content[0].text) == LABELS[0]
    words = ("predict", TASK, TEXT["inputs"], "--model", chosen["model"], "--provider", chosen["provider"])
    assert typed(monkeypatch, signed_in, *words) == 0
    assert json.loads(capsys.readouterr().out) == LABELS[0]


def test_a_stream_of_a_provider_is_the_whole_or_what_is_wrong(hub: HubServer, signed_in: Served) -> None:
    asked = {"inputs": MESSAGES["messages"], "stream": True, "model": "alice/chat", "provider": "together"}
    event = json.loads(post(signed_in, asked, "conversational").text.removeprefix("data: "))
    assert event["token"]["special"]
    hub.faults.add(Fault("POST", "/router", "status", FOREVER, 402))
    event = json.loads(post(signed_in, asked, "conversational").text.removeprefix("data: "))
    assert (event["error_type"], "no credit" in event["error"]) == ("QuotaExceeded", True)


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"model": "alice/model", "provider": "nobody"}, 422, "provider: 'nobody'"),
        ({"model": "alice/model", "provider": "together"}, 422, "provider: 'together'"),
        ({"model": "alice/nothing", "provider": "hf-inference"}, 404, "alice/nothing"),
        ({"model": "kit:spam", "provider": "hf-inference"}, 422, "run models of the Hub"),
        ({"provider": "hf-inference"}, 422, "run models of the Hub"),
        ({"model": "alice/model", "provider": "hf-inference", "parameters": {"top_k": 0}}, 422, "top_k"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    hub: HubServer, signed_in: Served, asked: dict[str, Any], status: int, words: str
) -> None:
    before = hub.count("POST", "/router")
    answer = post(signed_in, TEXT | asked)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    told = call(signed_in, "text_classification", **TEXT, **asked)
    assert (told.is_error, words in told.content[0].text) == (True, True), told
    assert hub.count("POST", "/router") == before


@pytest.mark.parametrize("fixtures", [("local",), ("public",), ("public", "token")], ids=" and ".join)
def test_nobody_is_asked_in_nobodys_name(
    hub: HubServer, request: pytest.FixtureRequest, fixtures: tuple[str, ...]
) -> None:
    served, *_ = [request.getfixturevalue(name) for name in fixtures]
    before = hub.count("POST", "/router")
    asked = {"model": "alice/model", "provider": "hf-inference"}
    answer = post(served, TEXT | asked)
    assert (answer.status_code, "Sign in to the Hub first" in answer.json()["error"]) == (401, True)
    told = call(served, "text_classification", **TEXT, **asked)
    assert (told.is_error, "Sign in to the Hub first" in told.content[0].text) == (True, True)
    assert hub.count("POST", "/router") == before


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Fault("POST", "/router", "status", FOREVER, 401), 401, "does not accept this token"),
        (Fault("POST", "/router", "status", FOREVER, 404), 404, "does not serve alice/model"),
        (Fault("POST", "/router", "status", FOREVER, 429, retry_after=60), 429, "try again in 60 s"),
        (Fault("POST", "/router", "silent", FOREVER), 504, "did not answer within 1 s"),
    ],
)
def test_a_refusal_has_its_status_and_its_reason(
    hub: HubServer, signed_in: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    fault: Fault, status: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(providers, "SECONDS", 1.0)
    hub.faults.add(fault)
    chosen = {"model": "alice/model", "provider": "hf-inference"}
    answer = post(signed_in, TEXT, **chosen)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    command = ("predict", TASK, "hello", "--model", "alice/model", "--provider", "hf-inference")
    assert typed(monkeypatch, signed_in, *command) == 1
    assert words in capsys.readouterr().err


def test_the_schemas_tell_of_providers_where_there_are_any(signed_in: Served) -> None:
    with signed_in.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    assert "/models/providers" in paths
    for path, there in (
        ("/tasks/text-classification", True),
        ("/tasks/mask-generation", False),
        ("/tasks/{task}", True),
    ):
        asked = paths[path]["post"]
        body = asked["requestBody"]["content"]["application/json"]["schema"]["properties"]
        query = [one["name"] for one in asked["parameters"]]
        assert ("provider" in body, "provider" in query) == (there, there), path

    async def tools() -> Any:
        async with Client(f"{signed_in.url}/mcp") as client:
            return (await client.list_tools()).tools

    schemas = {tool.name: tool.input_schema["properties"] for tool in anyio.run(tools)}
    assert "provider" in schemas["text_classification"]
    assert "provider" not in schemas["mask_generation"]
