"""What the Hub, or a reader, would object to in the card of a model or a data set."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

from studio.core.settings import Settings
from studio.hub import front_matter, session
from studio.hub.failures import TOKEN, clean
from studio.hub.repos import RepoType
from studio.hub.vocabulary import LICENSES, PIPELINE_TAGS

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?|multilingual|code")
HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t#]*")
FENCE = re.compile(r"[ \t]*(```|~~~)")
EMPTY_WORDS = re.compile(r"more information (is )?needed", re.IGNORECASE)
PRIVATE_PATH = re.compile(r"(?<![\w/.])(/home/|/Users/|/root/|/tmp/|[A-Z]:\\Users\\)[^\s`'\")]*")
OUTSIDE = ("kit:", "artifact:", "upload:", "/", ".", "~")


@dataclass(frozen=True)
class CardProblem:
    """One objection. An error stops publishing; `line` counts from 1 within the card, 0 when it has no place."""

    level: Literal["error", "warning"]
    field: str
    message: str
    line: int = 0


Check = Callable[[Any, int], Iterator[CardProblem]]
NOT_FOUND = "the Hub can neither find nor run the model properly"
WANTED: Mapping[RepoType, Mapping[str, str]] = {
    "model": dict.fromkeys(("license", "library_name", "pipeline_tag"), NOT_FOUND),
    "dataset": {"license": "nobody knows what they may do with the data"},
}


def lint(text: str, kind: RepoType = "model") -> list[CardProblem]:
    """Every problem of a card, in order of appearance; none means that it may be published."""
    problems = [*_metadata(text, kind), *_body(text, kind), *_secrets(text)]
    return sorted(problems, key=lambda problem: (problem.line, problem.level))


def validate_online(
    text: str, settings: Settings, token: SecretStr | None = None, kind: RepoType = "model"
) -> list[CardProblem]:
    """Ask the Hub itself, which has the last say. Raises `HubUnreachable` and its like."""
    api = session.api(settings, token)

    def validate() -> tuple[int, dict[str, Any]]:
        from huggingface_hub import get_session
        from huggingface_hub.utils._http import hf_raise_for_status

        body = {"content": text, "repoType": kind}
        answer = get_session().post(f"{api.endpoint}/api/validate-yaml", json=body, headers=api._build_hf_headers())
        if answer.status_code != 400:
            hf_raise_for_status(answer)
        return answer.status_code, answer.json()

    status, found = session.ask(validate, settings.hub_deadline, "checking the card")
    problems = [_online("error", item) for item in found.get("errors") or ()]
    problems += [_online("warning", item) for item in found.get("warnings") or ()]
    if status == 400 and not any(problem.level == "error" for problem in problems):
        problems.append(
            CardProblem("error", "metadata", clean(str(found.get("error") or "The Hub refuses this card.")))
        )
    return problems


def _online(level: Literal["error", "warning"], item: Mapping[str, Any]) -> CardProblem:
    message = clean(str(item.get("message", item)))
    named = re.match(r'"?([\w-]+)', message)
    return CardProblem(level, named[1] if named else "metadata", message)


def _metadata(text: str, kind: RepoType) -> Iterator[CardProblem]:
    if not front_matter.has_block(text):
        yield CardProblem("error", "metadata", "The card must begin with a metadata block between two lines of ---.", 1)
        return
    raw, _ = front_matter.split(text)
    try:
        data = front_matter.load(raw)
    except front_matter.BadYaml as error:
        yield CardProblem("error", "metadata", f"This is not YAML: {error.problem}.", error.line)
        return
    if not isinstance(data, dict):
        yield CardProblem("error", "metadata", "The metadata must be a list of fields, one `name: value` a line.", 1)
        return
    for name, harm in WANTED[kind].items():
        if not data.get(name):
            yield CardProblem("warning", name, f"Without {name} {harm}.", 1)
    for name, check in CHECKS.items():
        if data.get(name) is not None:
            yield from check(data[name], _line(data, name))
    if data.get("license") == "other" and not data.get("license_name"):
        yield CardProblem("warning", "license", "`license: other` wants a license_name.", _line(data, "license"))


def _line(node: Any, key: Any) -> int:
    """The line of a key or item within the card; the block begins on line 2."""
    try:
        return int(node.lc.data[key][0]) + 2
    except (AttributeError, KeyError, TypeError):
        return 0


def _license(value: Any, line: int) -> Iterator[CardProblem]:
    for one in value if isinstance(value, list) else [value]:
        if one not in LICENSES:
            message = f"{one!r} is no licence id of the Hub; use for example apache-2.0, mit, cc-by-4.0, or other."
            yield CardProblem("error", "license", message, line)


def _pipeline_tag(value: Any, line: int) -> Iterator[CardProblem]:
    if value not in PIPELINE_TAGS:
        message = f"{value!r} is no task of the Hub; use for example text-classification."
        yield CardProblem("error", "pipeline_tag", message, line)


def _language(value: Any, line: int) -> Iterator[CardProblem]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, str) or not LANGUAGE.fullmatch(one):
            message = f"{one!r} is no language code; use two or three small letters such as en, de or zh-Hant."
            yield CardProblem("error", "language", message, line)


def _ids(field: str) -> Check:
    """Check ids of repositories; what lies only in this studio has none."""

    def check(value: Any, line: int) -> Iterator[CardProblem]:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one.startswith(OUTSIDE):
                yield CardProblem(
                    "error", field, f"{one!r} is not on the Hub; leave it out and say it in the text.", line
                )
            elif not isinstance(one, str) or not HUB_ID.fullmatch(one):
                yield CardProblem("error", field, f"{one!r} is no id on the Hub; write owner/name.", line)

    return check


def _words(field: str) -> Check:
    def check(value: Any, line: int) -> Iterator[CardProblem]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            yield CardProblem("error", field, f"{field} must be a list of words, one `- word` a line.", line)

    return check


def _relation(value: Any, line: int) -> Iterator[CardProblem]:
    known = ("adapter", "finetune", "merge", "quantized")
    if value not in known:
        yield CardProblem("error", "base_model_relation", f"{value!r} is not one of {', '.join(known)}.", line)


def _model_index(value: Any, line: int) -> Iterator[CardProblem]:
    """The shape that the Hub reads results from (huggingface/hub-docs, modelcard.md)."""
    if not isinstance(value, list) or not value:
        yield CardProblem("error", "model-index", "model-index must be a list of models.", line)
        return
    for model in value:
        if not isinstance(model, dict) or not isinstance(model.get("name"), str):
            yield CardProblem("error", "model-index", "Each entry of model-index needs a name.", line)
            continue
        results = model.get("results")
        if not isinstance(results, list) or not results:
            yield CardProblem("error", "model-index", "Each model of model-index needs a list of results.", line)
            continue
        for result in results:
            yield from _result(result, line)


def _result(result: Any, line: int) -> Iterator[CardProblem]:
    if not isinstance(result, dict):
        yield CardProblem("error", "model-index", "A result needs task, dataset and metrics.", line)
        return
    for part, keys in (("task", ("type",)), ("dataset", ("name", "type"))):
        held = result.get(part)
        missing = [key for key in keys if not isinstance(held, dict) or not isinstance(held.get(key), str)]
        if missing:
            at = _line(result, part) or line
            yield CardProblem("error", "model-index", f"{part} of a result needs {' and '.join(missing)}.", at)
    metrics = result.get("metrics")
    at = _line(result, "metrics") or line
    if not isinstance(metrics, list) or not metrics:
        yield CardProblem("error", "model-index", "A result needs a list of metrics.", at)
        return
    for metric in metrics:
        if not isinstance(metric, dict) or not isinstance(metric.get("type"), str) or metric.get("value") is None:
            yield CardProblem("error", "model-index", "Each metric of a result needs type and value.", at)


CHECKS: Mapping[str, Check] = {
    "license": _license,
    "pipeline_tag": _pipeline_tag,
    "language": _language,
    "base_model": _ids("base_model"),
    "base_model_relation": _relation,
    "datasets": _ids("datasets"),
    "metrics": _words("metrics"),
    "tags": _words("tags"),
    "model-index": _model_index,
}


@dataclass(frozen=True)
class _Heading:
    level: int
    title: str
    line: int


def _body(text: str, kind: RepoType) -> Iterator[CardProblem]:
    """Headings and sections; code blocks are passed over."""
    _, body = front_matter.split(text)
    first = text[: len(text) - len(body)].count("\n") + 1
    lines = body.split("\n")
    headings: list[_Heading] = []
    filled: set[int] = set()  # indexes of headings with something under them
    fenced = False
    for number, line in enumerate(lines, first):
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else HEADING.fullmatch(line.rstrip())
        if heading:
            headings.append(_Heading(len(heading[1]), heading[2], number))
        elif EMPTY_WORDS.search(line) and not fenced:
            title = headings[-1].title if headings else "body"
            yield CardProblem("warning", title, "This part still says that information is needed.", number)
            filled.add(len(headings) - 1)
        elif line.strip():
            filled.add(len(headings) - 1)
    yield from _structure(headings, filled, first, "model" if kind == "model" else "data set")


def _structure(headings: list[_Heading], filled: set[int], first: int, what: str) -> Iterator[CardProblem]:
    if not headings or headings[0].level != 1:
        yield CardProblem("warning", "headings", "The text should begin with one # title.", first)
    for index, heading in enumerate(headings):
        deeper = index + 1 < len(headings) and headings[index + 1].level > heading.level
        if index not in filled and not deeper:
            yield CardProblem("warning", heading.title, f'The section "{heading.title}" is empty.', heading.line)
        if index and heading.level > headings[index - 1].level + 1:
            message = f'"{heading.title}" skips a level of headings.'
            yield CardProblem("warning", "headings", message, heading.line)
        if index and heading.level == 1:
            yield CardProblem("warning", "headings", "There should be one # title only.", heading.line)
    titles = [heading.title.lower() for heading in headings]
    if not any("limitation" in title or "risk" in title for title in titles):
        message = f"Say under a heading “Limitations” what the {what} is not good for."
        yield CardProblem("warning", "limitations", message)


def _secrets(text: str) -> Iterator[CardProblem]:
    """What must not leave this machine."""
    for number, line in enumerate(text.split("\n"), 1):
        if any(len(found) > 20 for found in TOKEN.findall(line)):
            yield CardProblem("error", "secrets", "This looks like an access token; take it out.", number)
        private = PRIVATE_PATH.search(line)
        if private:
            message = f"{private[0]} is a folder of this machine and means nothing to others."
            yield CardProblem("warning", "paths", message, number)
