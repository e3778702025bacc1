"""`/api/validate-yaml`: the metadata of a card, with the Hub's kinds of errors and warnings.

The rules follow what the Hub answers in spirit: errors reject a push, warnings do not. They are not its full schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import json_body
from .errors import HubError
from .storage import RepoKind
from .vocabulary import LANGUAGES, LICENSES, PIPELINE_TAGS, SPACE_COLORS, SPACE_SDKS

_BLOCK = re.compile(r"^\s*---[ \t]*\r?\n(.*?)(?:\r?\n)?---[ \t]*(?:\r?\n|$)", re.DOTALL)
_REPO_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")


@dataclass
class CardReport:
    """The metadata of a card and what is wrong with it."""

    metadata: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_card(content: str, kind: RepoKind) -> CardReport:
    """Read a README's YAML block and check it as the Hub does for this kind of repository."""
    report = CardReport()
    block = _BLOCK.match(content)
    if block is None:
        report.warnings.append("empty or missing yaml metadata in repo card")
        return report
    try:
        metadata = YAML(typ="safe", pure=True).load(block.group(1))
    except YAMLError as error:
        report.errors.append(f"YAML Metadata Error: {' '.join(str(error).split())}")
        return report
    if metadata is None:
        report.warnings.append("empty or missing yaml metadata in repo card")
        return report
    if not isinstance(metadata, dict):
        report.errors.append("YAML Metadata Error: the metadata must be a mapping")
        return report
    report.metadata = metadata
    for check in (*_COMMON, *_BY_KIND[kind]):
        check(metadata, report)
    return report


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _license(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("license")
    if value is None:
        return
    for item in _items(value):
        if item not in LICENSES:
            report.errors.append(f'"license" must be one of [{", ".join(sorted(LICENSES))}], not {item!r}')
    if value == "other" and not metadata.get("license_name"):
        report.warnings.append('"license_name" is recommended where "license" is "other"')


def _language(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("language")
    if value is None:
        return
    for index, item in enumerate(_items(value)):
        where = f'"language[{index}]"' if isinstance(value, list) else '"language"'
        if not isinstance(item, str):
            report.errors.append(f"{where} must be a string")
        elif item != item.lower():
            report.errors.append(f"{where} must only contain lowercase characters")
        elif item not in LANGUAGES and not re.fullmatch(r"[a-z]{3}", item):
            report.errors.append(
                f'{where} with value "{item}" is not valid. It must be an ISO 639-1, 639-2 or 639-3 code (two/three'
                ' letters), or a special value like "code", "multilingual". If you want to use BCP-47 identifiers,'
                " you can specify them in language_bcp47."
            )


def _tags(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("tags")
    if value is None:
        return
    if not isinstance(value, list):
        report.errors.append('"tags" must be an array')
    elif not all(isinstance(tag, str) for tag in value):
        report.errors.append('"tags" must only contain strings')


def _repo_ids(name: str) -> Callable[[dict[str, Any], CardReport], None]:
    page = "models" if name == "base_model" else name

    def check(metadata: dict[str, Any], report: CardReport) -> None:
        if metadata.get(name) is None:
            return
        for index, item in enumerate(_items(metadata[name])):
            where = f'"{name}[{index}]"' if isinstance(metadata[name], list) else f'"{name}"'
            if not isinstance(item, str) or not _REPO_ID.match(item):
                message = f'{where} with value "{item}" is not valid. Use an id from https://hf.co/{page}.'
                # the Hub lets unknown datasets pass, they were free text once
                (report.errors if name == "base_model" else report.warnings).append(message)

    return check


def _pipeline_tag(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("pipeline_tag")
    if value is not None and value not in PIPELINE_TAGS:
        report.warnings.append(f'The pipeline tag "{value}" is not in the official list')


def _library(metadata: dict[str, Any], report: CardReport) -> None:
    if not isinstance(metadata.get("library_name", ""), str):
        report.errors.append('"library_name" must be a string')


def _model_index(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("model-index")
    if value is None:
        return
    if not isinstance(value, list):
        report.errors.append('"model-index" must be an array')
        return
    for index, model in enumerate(value):
        where = f"model-index[{index}]"
        if not isinstance(model, dict) or not isinstance(model.get("name"), str) or not model["name"]:
            report.errors.append(f'"{where}.name" is required and must be a string')
        elif not isinstance(model.get("results"), list):
            report.errors.append(f'"{where}.results" is required and must be an array')
        else:
            for number, result in enumerate(model["results"]):
                _result(f"{where}.results[{number}]", result, report)


def _result(where: str, result: object, report: CardReport) -> None:
    if not isinstance(result, dict):
        report.errors.append(f'"{where}" must be an object')
        return
    for part, required in (("task", ("type",)), ("dataset", ("type", "name"))):
        value = result.get(part)
        for name in required:
            if not isinstance(value, dict) or not value.get(name):
                report.errors.append(f'"{where}.{part}.{name}" is required')
    metrics = result.get("metrics")
    if not isinstance(metrics, list):
        report.errors.append(f'"{where}.metrics" is required and must be an array')
        return
    for number, metric in enumerate(metrics):
        if not isinstance(metric, dict) or not metric.get("type"):
            report.errors.append(f'"{where}.metrics[{number}].type" is required')
        elif metric.get("value") is None:
            report.errors.append(f'"{where}.metrics[{number}].value" is required')


def _task_categories(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("task_categories")
    if value is None:
        return
    if not isinstance(value, list):
        report.errors.append('"task_categories" must be an array')
        return
    for item in value:
        if item not in PIPELINE_TAGS:
            report.warnings.append(f'The task_categories "{item}" is not in the official list')


def _configs(metadata: dict[str, Any], report: CardReport) -> None:
    value = metadata.get("configs")
    if value is None:
        return
    if not isinstance(value, list):
        report.errors.append('"configs" must be an array')
        return
    for index, item in enumerate(value):
        if not isinstance(item, dict) or not item.get("config_name"):
            report.errors.append(f'"configs[{index}].config_name" is required')


def _space(metadata: dict[str, Any], report: CardReport) -> None:
    if metadata.get("sdk") not in SPACE_SDKS:
        report.errors.append(f'"sdk" must be one of [{", ".join(sorted(SPACE_SDKS))}]')
    for name in ("colorFrom", "colorTo"):
        if metadata.get(name) is not None and metadata[name] not in SPACE_COLORS:
            report.errors.append(f'"{name}" must be one of [{", ".join(sorted(SPACE_COLORS))}]')
    if len(str(metadata.get("short_description", ""))) > 60:
        report.errors.append('"short_description" length must be less than or equal to 60 characters long')


_Check = Callable[[dict[str, Any], CardReport], None]
_COMMON: tuple[_Check, ...] = (_license, _language, _tags)
_BY_KIND: dict[RepoKind, tuple[_Check, ...]] = {
    "model": (_repo_ids("base_model"), _repo_ids("datasets"), _pipeline_tag, _library, _model_index),
    "dataset": (_task_categories, _configs),
    "space": (_space,),
}


async def validate(request: Request) -> Response:
    """Check a card: 200 or 400, with the lists of errors and warnings."""
    body = await json_body(request)
    content, kind = body.get("content"), body.get("repoType", "model")
    if not isinstance(content, str):
        raise HubError(400, '"content" is required and must be a string')
    if kind not in _BY_KIND:
        raise HubError(400, f'"repoType" must be one of [{", ".join(_BY_KIND)}]')
    report = check_card(content, kind)
    answer = {
        "errors": [{"message": message} for message in report.errors],
        "warnings": [{"message": message} for message in report.warnings],
    }
    return JSONResponse(answer, status_code=400 if report.errors else 200)


ROUTES: list[BaseRoute] = [Route("/api/validate-yaml", validate, methods=["POST"])]
