"""The studio's verbs for models, data, jobs and results as tools: what each is called, takes and tells."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from studio.core.types import Caller
from studio.hub.models import MOST, SORTS
from studio.recipes import RECIPES, fetch
from studio.service import ModelFilters, Studio
from studio.service.playground import AT_ONCE
from studio.tasks import TASKS
from studio.tasks.bodies import decoded
from studio.web import checks, dataset_tools, making, mending, opening, searching
from studio.web.models import compared
from studio.web.verbs import MODEL, NUMBER, TEXT, Verb


def _jobs(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return [_job(one) for one in studio.jobs(caller, (), str(given.get("search", "")), 50)]


def _job(job: Any) -> dict[str, Any]:
    return {"id": job.id, "title": job.title, "recipe": job.recipe, "state": job.state.value} | {
        "progress": asdict(job.progress),
        "error": job.error,
        "artifact": job.artifact,
        "dataset": fetch.result(job),
    }


def _submit(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return _job(studio.submit(caller, given["recipe"], given.get("params", {})))


def _search(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    filters = ModelFilters(**{name: given[name] for name in ("sort", "license", "max_bytes", "limit") if name in given})
    return [asdict(one) for one in studio.search_models(caller, given["task"], str(given.get("words", "")), filters)]


def _compare(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    task = TASKS[given["task"]]
    asked = decoded(task, given["inputs"]), given.get("parameters", {}), given["models"]
    return [compared(task, one) for one in studio.compare(caller, task.id, *asked)]


VERBS: dict[str, Verb] = {
    "list_models": Verb(
        "Models that answer for a task.",
        {"task": TEXT},
        lambda studio, caller, given: [asdict(one) for one in studio.models(caller, given["task"])],
        ("task",),
    ),
    "model_facts": Verb(
        "Size, memory, licence and more of a model before it is loaded, and why it cannot be used, if so.",
        {"task": TEXT, "model": MODEL},
        lambda studio, caller, given: asdict(studio.model_facts(caller, given["task"], given["model"])),
        ("task", "model"),
    ),
    "search_models": Verb(
        "Models of the Hub for a task.",
        {
            "task": TEXT,
            "words": TEXT,
            "sort": {"enum": list(SORTS)},
            "license": TEXT,
            "max_bytes": NUMBER,
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST},
        },
        _search,
        ("task",),
    ),
    "recent_models": Verb(
        "Models that the caller has used lately for a task, newest first.",
        {"task": TEXT},
        lambda studio, caller, given: studio.recent_models(caller, given["task"]),
        ("task",),
    ),
    "list_providers": Verb(
        "Inference Providers that serve a model of the Hub for a task.",
        {"task": TEXT, "model": TEXT},
        lambda studio, caller, given: studio.providers(caller, given["task"], given["model"]),
        ("task", "model"),
    ),
    "compare_models": Verb(
        "The same inputs through up to four models of a task.",
        {
            "task": TEXT,
            "inputs": {"description": "As the task's own tool takes them, by name; files in base64."},
            "parameters": {"type": "object"},
            "models": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": AT_ONCE},
        },
        _compare,
        ("task", "inputs", "models"),
    ),
    "list_datasets": Verb(
        "The starter kit's data sets, the caller's uploads and what the caller's jobs have made.",
        {},
        lambda studio, caller, _: [asdict(one) for one in studio.datasets(caller)],
    ),
    **opening.VERBS,
    **dataset_tools.VERBS,
    **searching.VERBS,
    **mending.VERBS,
    **making.VERBS,
    **checks.VERBS,
    "list_recipes": Verb(
        "What can run as a job, with the schema of its parameters.",
        {},
        lambda *_: [
            {"name": one.name, "title": one.title, "parameters": one.params.model_json_schema()}
            for one in RECIPES.values()
        ],
    ),
    "submit_job": Verb(
        "Start a job, a fine-tune for example. Parameters are those of its recipe; the rest is default.",
        {"recipe": TEXT, "params": {"type": "object"}},
        _submit,
        ("recipe",),
        reads=False,
    ),
    "list_jobs": Verb("The caller's jobs, newest first.", {"search": TEXT}, _jobs),
    "get_job": Verb(
        "One job: its state, progress, error and result.",
        {"id": TEXT},
        lambda studio, caller, given: _job(studio.job(caller, given["id"])),
        ("id",),
    ),
    "read_log": Verb(
        "A job's log from a byte offset.",
        {"id": TEXT, "offset": NUMBER},
        lambda studio, caller, given: dict(
            zip(("text", "next_offset"), studio.log(caller, given["id"], int(given.get("offset", 0))), strict=True)
        ),
        ("id",),
    ),
    "cancel_job": Verb(
        "Ask a job to stop.",
        {"id": TEXT},
        lambda studio, caller, given: _job(studio.cancel(caller, given["id"])),
        ("id",),
        reads=False,
    ),
    "list_artifacts": Verb(
        "The caller's results, newest first.",
        {},
        lambda studio, caller, _: [one.manifest.model_dump(mode="json") for one in studio.artifacts(caller)],
    ),
    "get_card": Verb(
        "The model card of a result, as Markdown.",
        {"id": TEXT},
        lambda studio, caller, given: studio.card(caller, given["id"]),
        ("id",),
    ),
    "publish": Verb(
        "Push a result and its card to the Hub, as a job.",
        {"id": TEXT, "repo_id": TEXT, "private": {"type": "boolean", "default": True}},
        lambda studio, caller, given: _job(
            studio.publish(caller, given["id"], given["repo_id"], private=given.get("private") is not False)
        ),
        ("id", "repo_id"),
        reads=False,
    ),
}
