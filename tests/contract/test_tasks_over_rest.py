"""Every task over real HTTP: its examples as JSON, raw files, the Hub's own client, and what is refused."""

import base64
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient

from studio.core.settings import Settings
from studio.core.types import MEDIA
from studio.jobs.artifacts import stage
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES, Task, with_media
from tests.contract.test_tasks import hubs
from tests.tiny import TINY
from tests.unit.inference.tiny import add_artifact
from tests.unit.web.serving import Served, serve

NAMES = sorted(TASKS)
CALLS = {  # the Hub's client: its method by task, and how it takes the example's inputs and parameters
    "audio-classification": "audio_classification(i['inputs'])",
    "automatic-speech-recognition": "automatic_speech_recognition(i['inputs'])",
    "document-question-answering": "document_question_answering(i['image'], i['question'], **p)",
    "feature-extraction": "feature_extraction(i['inputs'])",
    "fill-mask": "fill_mask(i['inputs'])",
    "image-classification": "image_classification(i['inputs'])",
    "image-segmentation": "image_segmentation(i['inputs'])",
    "image-to-image": "image_to_image(i['inputs'])",
    "image-to-text": "image_to_text(i['inputs'])",
    "object-detection": "object_detection(i['inputs'])",
    "question-answering": "question_answering(question=i['question'], context=i['context'])",
    "sentence-similarity": "sentence_similarity(i['source_sentence'], other_sentences=i['sentences'])",
    "summarization": "summarization(i['inputs'])",
    "table-question-answering": "table_question_answering(i['table'], i['query'])",
    "text-classification": "text_classification(i['inputs'])",
    "text-generation": "text_generation(i['inputs'], max_new_tokens=4)",
    "text-to-image": "text_to_image(i['inputs'], num_inference_steps=2)",
    "text-to-speech": "text_to_speech(i['inputs'])",
    "token-classification": "token_classification(i['inputs'])",
    "translation": "translation(i['inputs'])",
    "visual-question-answering": "visual_question_answering(i['image'], i['question'])",
    "zero-shot-classification": "zero_shot_classification(i['inputs'], p['candidate_labels'])",
    "zero-shot-image-classification": "zero_shot_image_classification(i['inputs'], p['candidate_labels'])",
}
SCRIPT = """
import sys, json, pathlib
from huggingface_hub import InferenceClient
i, p = json.loads(sys.argv[2]), json.loads(sys.argv[3])
found = InferenceClient(model=sys.argv[1]).{call}
rows = found if isinstance(found, list) else [found]
print(type(rows[0]).__name__, len(rows))
"""


@dataclass(frozen=True)
class Asked:
    task: Task
    url: str
    client: httpx.Client

    def post(self, **given: Any) -> httpx.Response:
        return self.client.post(self.url, **given)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(home=tmp_path_factory.mktemp("served") / "home", port=0, offline=True, zygote=False)
    for served in serve(settings):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # saving is not what is tested
            for name in NAMES:
                staged = stage(served.studio.settings.artifacts_dir)
                TINY[name](staged)
                add_artifact(served.studio.settings, staged, name, task=name)
        yield served


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


def test_the_hubs_client_reads_the_answer(asked: Asked, tmp_path: Path) -> None:
    if asked.task.id not in CALLS:
        assert not hasattr(InferenceClient, asked.task.id.replace("-", "_"))
        return
    example = asked.task.examples[0]
    files = {slot.name for slot in asked.task.inputs if slot.modality in MEDIA}
    inputs: dict[str, Any] = {
        name: str(EXAMPLES / value) if name in files else value for name, value in example.inputs.items()
    }
    code = SCRIPT.format(call=CALLS[asked.task.id])
    command = [sys.executable, "-c", code, asked.url, json.dumps(inputs), json.dumps(dict(example.params))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_HUB_OFFLINE")}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    kind, count = done.stdout.split()
    assert int(count) >= 1
    element = hubs(asked.task.id, "OutputElement") or hubs(asked.task.id, "Output")
    assert kind in {getattr(element, "__name__", ""), "str", "float", "ndarray", "bytes", "PngImageFile"}
