"""What "show code" shows runs unchanged, in every language and for every task, and gives what the studio gave.

One process per language runs the programs of all tasks, each in a folder of its own with the example's files beside.
"""

import ast
import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import InferenceClient

from studio.core.types import MEDIA, Caller
from studio.inference import calls
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES, Task, with_media
from studio.tasks.bodies import encoded
from tests.contract.test_tasks import hubs, same
from tests.unit.web.serving import Served

NAMES = sorted(TASKS)
LOCAL = Caller("local")
SUFFIXES = {"Python": ".py", "InferenceClient": ".py", "curl": ".sh", "JavaScript": ".mjs"}
PYTHON = """
import builtins, json, os, sys, traceback
for folder in sys.argv[2:]:
    said, found = [], {}
    os.chdir(folder)
    show = builtins.print
    builtins.print = lambda *values, **_: said.extend(values)
    try:
        exec(compile(open("ask.py").read(), folder, "exec"), {"__name__": "__main__"})
        found["said"] = READ
    except BaseException:
        found["error"] = traceback.format_exc()
    builtins.print = show
    json.dump(found, open(os.path.join(folder, "found.json"), "w"))
"""
FIRST = {
    "Python": "repr(said[0]) if said else ''",
    "InferenceClient": "(type(said[0][0] if isinstance(said[0], list) else said[0]).__name__, read(said[0]))"
    " if said else ('', None)",
}
READ_OBJECTS = """
from studio.inference.hosted import plain
from studio.tasks.bodies import encoded
read = lambda value: encoded(plain(value))
"""
NODE = """
import { readFileSync, writeFileSync } from "node:fs";
for (const folder of process.argv.slice(2)) {
  process.chdir(folder);
  const said = [], log = console.log, found = {};
  console.log = (...values) => said.push(...values);
  try { await import(`file://${folder}/ask.mjs`); found.said = said[0] ?? ""; }
  catch (error) { found.error = String(error.stack); }
  console.log = log;
  writeFileSync(`${folder}/found.json`, JSON.stringify(found));
}
"""
BASH = 'for folder in "$@"; do (cd "$folder" && bash ask.sh >said.txt 2>error.txt; echo $? >code.txt); done'


@dataclass(frozen=True)
class Ran:
    """One program after its run: what it printed, or what stopped it, and the files that it has written."""

    folder: Path
    said: Any
    error: str
    files: tuple[Path, ...]


Runs = Mapping[str, Mapping[str, Ran]]


def example_of(task: Task) -> dict[str, Any]:
    """The first example's inputs, media by the bare names of their files."""
    files = {slot.name for slot in task.inputs if slot.modality in MEDIA}
    return {n: Path(value).name if n in files else value for n, value in task.examples[0].inputs.items()}


@pytest.fixture(scope="module")
def runs(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Language → task → what its program did."""
    root = tmp_path_factory.mktemp("snippets")
    folders: dict[str, dict[str, Path]] = {language: {} for language in SUFFIXES}
    for name in NAMES:
        task = TASKS[name]
        params = dict(task.examples[0].params)
        code = served.studio.snippets(LOCAL, name, example_of(task), params, f"artifact:{name}", served.url + "/")
        assert set(code) == set(SUFFIXES)
        for language, program in code.items():
            folder = root / language / name
            folder.mkdir(parents=True)
            (folder / f"ask{SUFFIXES[language]}").write_text(program, encoding="utf-8")
            for slot in task.inputs:
                if slot.modality in MEDIA and slot.name in task.examples[0].inputs:
                    file = EXAMPLES / task.examples[0].inputs[slot.name]
                    (folder / file.name).write_bytes(file.read_bytes())
            folders[language][name] = folder
    return {language: execute(language, folders[language], root) for language in SUFFIXES}


def execute(language: str, folders: Mapping[str, Path], root: Path) -> dict[str, Ran]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_HUB_OFFLINE")}
    environment |= {"OMP_NUM_THREADS": "1"} | ({"HF_HUB_OFFLINE": "1"} if language == "Python" else {})
    given = [str(folder) for folder in folders.values()]
    before = {name: set(folder.iterdir()) for name, folder in folders.items()}
    if language == "curl":
        command = ["bash", "-c", BASH, "bash", *given]
    elif language == "JavaScript":
        (root / "all.mjs").write_text(NODE)
        command = ["node", str(root / "all.mjs"), *given]
    else:
        script = READ_OBJECTS * (language == "InferenceClient") + PYTHON.replace("READ", FIRST[language])
        command = [sys.executable, "-c", script, "", *given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return {name: look(language, folder, before[name]) for name, folder in folders.items()}


def look(language: str, folder: Path, before: set[Path]) -> Ran:
    own = {"found.json", "said.txt", "error.txt", "code.txt"}
    files = tuple(path for path in folder.iterdir() if path not in before and path.name not in own)
    if language == "curl":
        failed = (folder / "code.txt").read_text().strip() != "0"
        said = (folder / "said.txt").read_text()
        return Ran(folder, said, (folder / "error.txt").read_text() + said if failed else "", files)
    found = json.loads((folder / "found.json").read_text())
    return Ran(folder, found.get("said"), found.get("error", ""), files)


@pytest.fixture(scope="module")
def answers(served: Served) -> Callable[[str], Any]:
    """What REST answers to a task's first example: JSON, or the bytes of a file."""
    known: dict[str, Any] = {}

    def answer(name: str) -> Any:
        if name not in known:
            task = TASKS[name]
            inputs = encoded(with_media(task, task.examples[0].inputs))
            body = {
                "inputs": inputs if len(task.inputs) > 1 else next(iter(inputs.values())),
                "parameters": dict(task.examples[0].params),
                "model": f"artifact:{name}",
            }
            with served.client() as client:
                found = client.post(f"/tasks/{name}", json=body)
            assert found.status_code == 200, found.text
            known[name] = found.json() if "json" in found.headers["content-type"] else found.content
        return known[name]

    return answer


def bare(value: Any) -> Any:
    """Without the fields that are None, which the Hub's client leaves out or puts in."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items() if one is not None}
    return [bare(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", NAMES)
def test_python_runs_without_the_studio(runs: Runs, name: str) -> None:
    ran = runs["Python"][name]
    assert ran.error == ""
    assert ran.files or ran.said is not None
    if ran.said:
        assert ast.literal_eval(ran.said) is not ran


@pytest.mark.parametrize("language", ["curl", "JavaScript"])
@pytest.mark.parametrize("name", NAMES)
def test_programs_get_what_rest_answers(runs: Runs, answers: Callable[[str], Any], language: str, name: str) -> None:
    ran, wanted = runs[language][name], answers(name)
    assert ran.error == ""
    if isinstance(wanted, bytes):
        assert [file.read_bytes() for file in ran.files] == [wanted]
    else:
        assert same(json.loads(ran.said), wanted)
        assert ran.files == ()


@pytest.mark.parametrize("name", NAMES)
def test_the_hubs_client_reads_the_answer(runs: Runs, answers: Callable[[str], Any], name: str) -> None:
    ran, wanted = runs["InferenceClient"][name], answers(name)
    assert ran.error == ""
    kind, said = ran.said
    if isinstance(wanted, bytes):
        assert len(ran.files) == 1
        assert ran.files[0].stat().st_size > 40
    elif name not in calls.CALLS:
        assert not hasattr(InferenceClient, name.replace("-", "_"))
        assert same(said, wanted)
    else:
        element = hubs(name, "OutputElement") or hubs(name, "Output")
        plain = {"str", "float", "ndarray", "ChatCompletionOutput"}
        assert kind in {getattr(element, "__name__", ""), *plain}
        assert_same_figures(bare(said), bare(wanted))


def assert_same_figures(ours: Any, theirs: Any) -> None:
    """The client unwraps lists of one, and takes single texts out of their objects."""
    while isinstance(theirs, list) and len(theirs) == 1 and not same(ours, theirs):
        theirs = theirs[0]
    if isinstance(ours, dict) and "choices" in ours:  # the answer of /v1
        ours, theirs = ours["choices"][0]["message"], {name: theirs[name] for name in ("role", "content")}
    if isinstance(ours, str) and isinstance(theirs, dict):
        theirs = next(iter(theirs.values()))
    if isinstance(ours, list) and len(ours) == 1 and isinstance(theirs, dict):
        ours = ours[0]
    assert same(pictures_aside(ours), pictures_aside(theirs))


def pictures_aside(value: Any) -> Any:
    """Masks come as decoded pictures: written anew they are other bytes of the same pixels."""
    if isinstance(value, dict):
        return {name: "picture" if name == "mask" else pictures_aside(one) for name, one in value.items()}
    return [pictures_aside(one) for one in value] if isinstance(value, list) else value


def test_what_users_write_breaks_no_program(served: Served, tmp_path: Path) -> None:
    """Quotes, dollar signs, line ends, a heredoc's own end, control characters: all reach the model as they are."""
    nasty = "it's \"$HOME\" `id` \\n $(id)\nJSON\n'''\t\0 \u2028 </script> {x} %s"
    code = served.studio.snippets(
        LOCAL, "text-classification", {"inputs": nasty}, {"top_k": 1}, "artifact:text-classification", served.url
    )
    folders = {}
    for language in ("InferenceClient", "curl", "JavaScript"):
        folders[language] = tmp_path / language
        folders[language].mkdir()
        (folders[language] / f"ask{SUFFIXES[language]}").write_text(code[language], encoding="utf-8")
    with served.client() as client:
        body = {"inputs": nasty, "parameters": {"top_k": 1}, "model": "artifact:text-classification"}
        wanted = client.post("/tasks/text-classification", json=body).json()
    for language, folder in folders.items():
        ran = execute(language, {"x": folder}, tmp_path)["x"]
        assert ran.error == ""
        said = ran.said[1] if language == "InferenceClient" else json.loads(ran.said)
        assert_same_figures(bare(said), wanted)


def test_what_the_client_cannot_say_goes_over_plain_http(served: Served) -> None:
    shots = {"inputs": "a", "examples": {"input": ["a"], "output": ["b"]}}
    code = served.studio.snippets(LOCAL, "text-generation", shots, {}, "artifact:text-generation", served.url)
    assert "httpx.post" in code["InferenceClient"]


def test_bytes_become_names_of_files(served: Served) -> None:
    content = base64.b64decode("iVBORw0KGgo=")
    code = served.studio.snippets(
        LOCAL, "image-classification", {"inputs": content}, {}, "artifact:image-classification", served.url
    )
    assert all("image.png" in program for program in code.values())
