"""`/api/models`: what answers for a task, what the Hub has, one model before it is loaded; and several compared."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, Field

from studio.hub.models import MOST, Sort
from studio.service import Compared, ModelFilters, Studio
from studio.service.playground import AT_ONCE
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.tasks.bodies import decoded, encoded
from studio.web.tasks import Asking


class CompareRequest(BaseModel):
    """What `POST /api/tasks/{task}/compare` takes."""

    inputs: Any = Field(description="As `POST /api/tasks/{task}` takes them; files in base64.")
    parameters: dict[str, Any] = Field(default_factory=dict)
    models: list[str] = Field(description=f"One to {AT_ONCE} models: kit:ID, artifact:ID or Hub ids.")


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""

    @api.get("/models")
    def models(caller: who, task: str = "") -> list[dict[str, Any]]:
        """What answers for a task; without a task what a fine-tune can start from."""
        return [asdict(model) for model in (studio.models(caller, task) if task else studio.base_models(caller))]

    @api.get("/models/recent")
    def recent(task: str, caller: who) -> list[str]:
        """What the caller has used lately for a task, newest first."""
        return studio.recent_models(caller, task)

    @api.get("/models/facts")
    def facts(task: str, model: str, caller: who) -> dict[str, Any]:
        """Size, memory, licence and more of a model before it is loaded; `problem` says why it cannot be used."""
        return asdict(studio.model_facts(caller, task, model))

    @api.get("/models/search")
    def search(  # noqa: PLR0913  a query has as many parameters as it has
        task: str,
        caller: who,
        words: str = "",
        sort: Sort = "downloads",
        license: str = "",
        max_bytes: Annotated[int | None, Query(ge=0)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
    ) -> list[dict[str, Any]]:
        """Models of the Hub for a task."""
        filters = ModelFilters(sort, license, max_bytes, limit)
        return [asdict(model) for model in studio.search_models(caller, task, words, filters)]

    @api.get("/models/providers")
    def providers(task: str, model: str, caller: who) -> list[str]:
        """Inference Providers that serve a model of the Hub for a task."""
        return studio.providers(caller, task, model)

    @api.post("/tasks/{task}/compare")
    async def compare(task: str, body: CompareRequest, request: Request, caller: who) -> list[dict[str, Any]]:
        """The same inputs through up to four models, in their order; where one fails, its `error` says why."""
        entry = TASKS[task]
        given = decoded(entry, body.inputs), body.parameters, body.models
        found = await asking.run(partial(_all, studio, caller, task, given), request)
        return [compared(entry, one) for one in found]


def _all(studio: Studio, caller: Any, task: str, given: tuple[Any, dict[str, Any], list[str]]) -> list[Compared]:
    return list(studio.compare(caller, task, *given))


def compared(task: Task, one: Compared) -> dict[str, Any]:
    """A prediction as the task's own route answers it, with what it took."""
    found: dict[str, Any] = {"model": one.model, "output": None, "error": one.error}
    if one.prediction is None:
        return found
    figures = asdict(one.prediction)
    return found | figures | {"output": encoded(task.answer(figures["output"]))}
