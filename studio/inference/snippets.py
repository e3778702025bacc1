"""Code for "show code" that asks a served studio over REST: the Hub's Python client, curl, JavaScript.

Each is a whole program that runs unchanged and prints the answer, or writes it to a file where it is one. Media are
names of files beside it.
"""

import json
from collections.abc import Callable, Mapping
from shlex import quote as shell
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from studio.core.types import MEDIA, Modality
from studio.inference import calls
from studio.tasks.base import Task
from studio.tasks.snippets import arguments, quoted

FILES = {Modality.IMAGE: "image.png", Modality.AUDIO: "sound.wav", Modality.VIDEO: "video.mp4"}
ANSWERS = {Modality.IMAGE: "answer.png", Modality.AUDIO: "answer.wav", Modality.VIDEO: "answer.mp4"}
CHAT = "conversational"
SECONDS = 600


class Question:
    """What is asked, as the writers below need it."""

    def __init__(self, task: Task, inputs: Mapping[str, Any], params: BaseModel, model: str, url: str) -> None:
        self.task, self.base, self.model = task, url.rstrip("/"), model
        self.media = {slot.name for slot in task.inputs if slot.modality in MEDIA}
        self.inputs = dict(inputs)
        self.options: dict[str, Any] = params.model_dump(mode="json", exclude_defaults=True)
        query = urlencode({"model": model}, safe=":/@", quote_via=quote)
        self.url = f"{self.base}/api/tasks/{task.id}?{query}"
        self.answer = ANSWERS.get(task.output.modality, "")

    @property
    def raw(self) -> str:
        """The file that can be the whole body, or ""."""
        alone = len(self.inputs) == 1 and not self.options and set(self.inputs) <= self.media
        return str(next(iter(self.inputs.values()))) if alone else ""

    def body(self, file: Callable[[str], str], literal: Callable[[Any], str]) -> str:
        """The body as an object of a language whose objects look like JSON's."""
        parts = {
            name: file(value) if name in self.media and isinstance(value, str) else literal(value)
            for name, value in self.inputs.items()
        }
        inputs = next(iter(parts.values()))
        if len(self.task.inputs) > 1:
            inputs = f"{{{', '.join(f'{literal(name)}: {part}' for name, part in parts.items())}}}"
        more = f', "parameters": {literal(self.options)}' if self.options else ""
        return f'{{"inputs": {inputs}{more}}}'


def named(task: Task, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with every medium as a file name: of one that was given as bytes, what a file could be called."""
    names = {slot.name: FILES.get(slot.modality, "") for slot in task.inputs}
    given = {name: value for name, value in inputs.items() if value is not None}
    return {name: names[name] if isinstance(value, bytes) else value for name, value in given.items()}


def written(task: Task, inputs: Mapping[str, Any], params: BaseModel, model: str, url: str) -> dict[str, str]:
    """Language → program, for a studio that is served at `url`; `inputs` as `named` gives them."""
    question = Question(task, inputs, params, model, url)
    return {"InferenceClient": _client(question), "curl": _curl(question), "JavaScript": _javascript(question)}


def _client(asked: Question) -> str:
    given = calls.arguments(asked.task.id, asked.inputs, asked.options)
    if given is None:
        return _httpx(asked)
    place = f"{asked.base}/v1" if asked.task.id == CHAT else asked.url
    if asked.task.id == CHAT:
        given["model"] = asked.model
    first, *others = given
    inside = arguments(quoted(given[first]), **{name: given[name] for name in others})
    call = f"client.{calls.CALLS[asked.task.id].method}({inside})"
    head = f"from huggingface_hub import InferenceClient\n\nclient = InferenceClient({quoted(place)})\n"
    if asked.task.output.modality is Modality.IMAGE:
        return f"{head}{call}.save({quoted(asked.answer)})\n"
    if asked.answer:
        return f"from pathlib import Path\n\n{head}Path({quoted(asked.answer)}).write_bytes({call})\n"
    return f"{head}print({call})\n"


def _httpx(asked: Question) -> str:
    """For what the Hub's client has no method for, or no argument."""
    files = bool(asked.media & set(asked.inputs))
    end = "print(answer.json())\n"
    if asked.answer:
        end = f"Path({quoted(asked.answer)}).write_bytes(answer.content)\n"
    library = "import base64\n" * (files and not asked.raw) + "from pathlib import Path\n" * bool(files or asked.answer)
    head = f"{library}\nimport httpx\n\n".lstrip("\n")
    if asked.raw:
        body = f'content=Path({quoted(asked.raw)}).read_bytes(), headers={{"Content-Type": "application/octet-stream"}}'
    else:
        head += f"body = {asked.body(_read, quoted)}\n"
        body = "json=body"
    return f"{head}answer = httpx.post({quoted(asked.url)}, {body}, timeout={SECONDS}).raise_for_status()\n{end}"


def _read(name: str) -> str:
    return f"base64.b64encode(Path({quoted(name)}).read_bytes()).decode()"


def _curl(asked: Question) -> str:
    command = f"curl -sS --fail-with-body {shell(asked.url)}"
    command += f" \\\n  --output {asked.answer}" if asked.answer else ""
    if asked.raw:
        kind = "Content-Type: application/octet-stream"
        return f"{command} \\\n  -H '{kind}' \\\n  --data-binary {shell(f'@{asked.raw}')}\n"
    command += " \\\n  -H 'Content-Type: application/json' \\\n  --data-binary @-"
    if not asked.media & set(asked.inputs):
        return f"{command} <<'JSON'\n{asked.body(str, _json)}\nJSON\n"
    lines, mark = [], "\0"
    for number, part in enumerate(asked.body(lambda name: f'"{mark}{name}{mark}"', _json).split(mark)):
        lines.append(f"  base64 < {shell(part)} | tr -d '\\n'" if number % 2 else f"  printf '%s' {shell(part)}")
    return "{\n" + "\n".join(lines) + "\n} | " + command + "\n"


def _javascript(asked: Question) -> str:
    used = ["readFile"] * bool(asked.media & set(asked.inputs)) + ["writeFile"] * bool(asked.answer)
    head = "// Node 20 or newer; save it as ask.mjs and run: node ask.mjs\n"
    head += f'import {{ {", ".join(used)} }} from "node:fs/promises";\n\n' if used else ""
    kind, body = "application/octet-stream", f"await readFile({_json(asked.raw)})"
    if not asked.raw:
        kind = "application/json"
        inside = asked.body(lambda name: f'(await readFile({_json(name)})).toString("base64")', _json)
        body = f"JSON.stringify({inside})"
    end = "console.log(JSON.stringify(await response.json(), null, 2));\n"
    if asked.answer:
        end = f"await writeFile({_json(asked.answer)}, Buffer.from(await response.arrayBuffer()));\n"
    return (
        f"{head}const response = await fetch({_json(asked.url)}, {{\n"
        f'  method: "POST",\n  headers: {{ "Content-Type": "{kind}" }},\n  body: {body},\n}});\n'
        f"if (!response.ok) throw new Error(await response.text());\n{end}"
    )


def _json(value: Any) -> str:
    """Also a literal of JavaScript. Control characters are escaped, lone surrogates replaced."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
