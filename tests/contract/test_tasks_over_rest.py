"""Every task over real HTTP: its examples as JSON, raw files, the Hub's own client, and what is refused."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from studio.core.types import MEDIA
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES, Task, with_media
from tests.unit.web.serving import Served

NAMES = sorted(TASKS)


@dataclass(frozen=True)
class Asked:
    task: Task
    url: str
    client: httpx.Client

    def post(self, **given: Any) -> httpx.Response:
        return self.client.post(self.url, **given)


@pytest.fixture(params=NAMES)
def asked(request: pytest.FixtureRequest, served: Served) -> Iterator[Asked]:
    name = str(request.param)
    with served.client() as client:
        yield Asked(TASKS[name], f"{served.url}/api/tasks/{name}?model=artifact:{name}", client)


def as_body(task: Task, number: int = 0) -> dict[str, Any]:
    """An example as JSON."""
    example = task.examples[number]
    inputs = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in with_media(task, example.inputs).items()
    }
    return {"inputs": inputs if len(inputs) > 1 else next(iter(inputs.values())), "parameters": dict(example.params)}


def test_examples_are_answered(asked: Asked) -> None:
    answer = asked.post(json=as_body(asked.task))
    assert answer.status_code == 200, answer.text
    assert float(answer.headers["X-Compute-Time"]) > 0
    if "json" in answer.headers["content-type"]:
        json.dumps(answer.json(), allow_nan=False)
    else:
        assert len(answer.content) > 40


def test_a_file_may_be_the_body(asked: Asked) -> None:
    needed = [slot for slot in asked.task.inputs if not slot.optional]
    example = asked.task.examples[0]
    if needed[0].modality not in MEDIA or len(needed) > 1 or example.params:
        return
    content = (EXAMPLES / example.inputs[needed[0].name]).read_bytes()
    raw = asked.post(content=content, headers={"Content-Type": "application/octet-stream"})
    assert raw.status_code == 200, raw.text
    assert raw.content == asked.post(json=as_body(asked.task)).content


def test_mistakes_are_named(asked: Asked) -> None:
    body = as_body(asked.task)
    unknown = asked.post(json={**body, "parameters": {**body["parameters"], "bogus": 1}})
    assert (unknown.status_code, unknown.json()["problems"][0]["field"]) == (422, "bogus")
    strange: tuple[Any, ...] = (None, {}, 7)
    for inputs in strange:
        wrong = asked.post(json={**body, "inputs": inputs})
        assert wrong.status_code == 422, wrong.text
        assert wrong.json()["problems"][0]["field"] in {slot.name for slot in asked.task.inputs}
    nan = asked.post(content=b'{"inputs": NaN}', headers={"Content-Type": "application/json"})
    assert nan.status_code == 422
