"""The Model Context Protocol over real HTTP, by its own client: every task and verb is a tool."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from mcp import Client

from studio.core.settings import Settings
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES
from studio.web.tools import VERBS
from tests.unit.plugged import plugged
from tests.unit.web.serving import Served, serve

TEXT = "A chess program with a strong engine"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with plugged():
        yield from serve(Settings(home=tmp_path_factory.mktemp("mcp") / "home", offline=True, zygote=False))


def call(served: Served, name: str, **arguments: Any) -> Any:
    async def ask() -> Any:
        async with Client(f"{served.url}/mcp") as client:
            return await client.call_tool(name, arguments)

    return anyio.run(ask)


def told(answer: Any) -> Any:
    assert not answer.is_error, answer.content
    return json.loads(answer.content[0].text)


def test_every_task_and_verb_is_a_tool(served: Served) -> None:
    async def ask() -> Any:
        async with Client(f"{served.url}/mcp") as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in anyio.run(ask)}
    assert set(tools) == {task.replace("-", "_") for task in TASKS} | set(VERBS)
    for tool in tools.values():
        assert tool.description.endswith(".")
        assert tool.input_schema["type"] == "object"
    assert tools["text_classification"].input_schema["required"] == ["inputs"]


def test_texts_and_pictures_are_answered(served: Served) -> None:
    labels = told(call(served, "text_classification", inputs=TEXT, parameters={"top_k": 2}))
    assert len(labels) == 2
    assert labels[0]["score"] >= labels[1]["score"] > 0
    picture = base64.b64encode((EXAMPLES / "cat.jpg").read_bytes()).decode()
    assert "cat" in told(call(served, "image_classification", inputs=picture))[0]["label"].lower()


def test_models_are_told_and_compared(served: Served) -> None:
    facts = told(call(served, "model_facts", task="text-classification", model="kit:topic-classifier"))
    assert (facts["problem"], facts["format"]) == ("", "safetensors")
    assert (
        "fill-mask" in told(call(served, "model_facts", task="text-classification", model="kit:fill-mask"))["problem"]
    )
    asked = {"task": "text-classification", "inputs": TEXT, "parameters": {"top_k": 1}}
    one, other = told(call(served, "compare_models", models=["kit:topic-classifier", "kit:fill-mask"], **asked))
    assert one["output"][0][0]["score"] > 0
    assert "fill-mask" in other["error"]
    assert "kit:topic-classifier" in told(call(served, "recent_models", task="text-classification"))
    offline = call(served, "search_models", task="text-classification", words="bert")
    assert offline.is_error
    assert "offline" in offline.content[0].text
    assert told(call(served, "list_providers", task="text-classification", model="kit:spam")) == []


def test_data_and_jobs_are_told(served: Served) -> None:
    rows = told(call(served, "view_dataset", ref="kit:debian-topics", limit=2))
    assert len(rows["rows"]) == 2
    job = told(call(served, "submit_job", recipe="toy-recipe", params={"count": 1}))
    assert told(call(served, "get_job", id=job["id"]))["recipe"] == "toy-recipe"
    assert job["id"] in {one["id"] for one in told(call(served, "list_jobs"))}
    assert "text" in told(call(served, "read_log", id=job["id"]))
    assert {one["name"] for one in told(call(served, "list_recipes"))} >= {"toy-recipe", "publish"}
    assert told(call(served, "list_models", task="text-classification"))[0]["ref"].startswith("kit:")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("bogus", {}, "Unknown tool 'bogus'"),
        ("text_classification", {}, "'inputs' is a required property"),
        ("text_classification", {"inputs": TEXT, "parameters": {"top_k": 0}}, "top_k"),
        ("text_classification", {"inputs": TEXT, "parameters": []}, "parameters"),
        ("text_classification", {"inputs": TEXT, "model": "kit:nope"}, "kit:nope"),
        ("image_classification", {"inputs": "no base64!"}, "base64"),
        ("view_dataset", {"ref": "kit:debian-topics", "offset": "x"}, "offset"),
        ("view_dataset", {"ref": "kit:debian-topics", "bogus": 1}, "bogus"),
        ("get_job", {"id": "nope"}, "nope"),
        ("submit_job", {"recipe": "nope"}, "Known: "),
    ],
)
def test_mistakes_are_told(served: Served, name: str, arguments: dict[str, Any], words: str) -> None:
    answer = call(served, name, **arguments)
    assert answer.is_error
    assert words in answer.content[0].text
    assert "Traceback" not in answer.content[0].text
