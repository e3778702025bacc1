"""REST: the verbs of `Studio` as JSON under /api.

Errors are `{"error": text, "problems": [{"field", "value", "expected"}]}` with the status of the error's class.
"""

import logging
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from studio import __version__
from studio.core.types import Caller
from studio.data.cells import plain
from studio.data.views import FARTHEST
from studio.jobs.job import JobState
from studio.recipes import RECIPES
from studio.service import Studio, Wishes
from studio.ui.events import caller_of
from studio.web import checks, datasets, making, mcp, mending, models, openai, opening, problems, searching, tasks
from studio.web.answers import job_json
from studio.web.tasks import Asking

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What is wrong: `error` as text, and `problems` with one entry per field."}
}

log = logging.getLogger(__name__)


class JobRequest(BaseModel):
    """What `POST /api/jobs` takes."""

    recipe: str = Field(description="Name of a recipe, for example text-classification.")
    params: dict[str, Any] = Field(default_factory=dict, description="Values by field name; the rest is default.")
    engine: str = Field("local", description="Where it runs.")
    push: str = Field("", description="owner/name to publish to when the job has succeeded.")


class PublishRequest(BaseModel):
    """What `POST /api/artifacts/{id}/publish` takes."""

    repo_id: str = Field(description="owner/name on the Hub.")
    private: bool = True


def add_routes(app: FastAPI, studio: Studio) -> None:
    """Mount the API at /api, its schema at /api/openapi.json, at /v1 OpenAI's protocol, at /mcp the tools."""
    asking = Asking()
    api = FastAPI(
        title="Studio",
        version=__version__,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=ERRORS,
    )
    problems.add_handlers(api)

    async def caller(request: Request) -> Caller:
        return caller_of(request, studio)

    who = Annotated[Caller, Depends(caller)]
    tasks.add_routes(api, studio, who, asking)
    models.add_routes(api, studio, who, asking)
    opening.add_routes(api, studio, who, asking)
    datasets.add_routes(api, studio, who, asking)
    searching.add_routes(api, studio, who, asking)
    mending.add_routes(api, studio, who, asking)
    making.add_routes(api, studio, who, asking)
    _add_jobs(api, studio, who)
    checks.add_routes(api, studio, who)
    _add_runs(api, studio, who)
    _add_artifacts(api, studio, who)
    _add_kit(api, studio, who)
    app.mount("/api", api)
    app.mount("/v1", openai.create(studio, who, asking))
    mcp.add_routes(app, studio, asking)


def _add_jobs(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/recipes")
    def recipes() -> list[dict[str, Any]]:
        """Every recipe with the schema of its parameters."""
        return [
            {
                "name": recipe.name,
                "title": recipe.title,
                "kind": recipe.kind,
                "parameters": recipe.params.model_json_schema(),
            }
            for recipe in RECIPES.values()
        ]

    @api.post("/jobs", status_code=201)
    def submit(body: JobRequest, caller: who, idempotency_key: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Store a job; the same Idempotency-Key gives the same job."""
        wishes = Wishes(idempotency_key, body.push, body.engine)
        return job_json(studio.submit(caller, body.recipe, body.params, wishes))

    @api.get("/jobs")
    def jobs(
        caller: who,
        state: Annotated[list[JobState] | None, Query()] = None,
        search: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """The caller's jobs, newest first."""
        return [job_json(job) for job in studio.jobs(caller, state or (), search, limit)]

    @api.get("/jobs/{job_id}")
    def job(job_id: str, caller: who) -> dict[str, Any]:
        """One job."""
        return job_json(studio.job(caller, job_id))

    @api.get("/jobs/{job_id}/log")
    def log(job_id: str, caller: who, offset: Annotated[int, Query(ge=0, le=FARTHEST)] = 0) -> PlainTextResponse:
        """Log text from a byte offset; the header X-Next-Offset says where to go on."""
        text, end = studio.log(caller, job_id, offset)
        return PlainTextResponse(text, headers={"X-Next-Offset": str(end)})

    @api.post("/jobs/{job_id}/cancel")
    def cancel(job_id: str, caller: who) -> dict[str, Any]:
        """Ask a job to stop."""
        return job_json(studio.cancel(caller, job_id))

    @api.post("/jobs/{job_id}/retry")
    def retry(job_id: str, caller: who) -> dict[str, Any]:
        """Start a failed or cancelled job again from its last checkpoint."""
        return job_json(studio.retry(caller, job_id))

    @api.delete("/jobs/{job_id}", status_code=204)
    def delete(job_id: str, caller: who) -> None:
        """Delete a finished job; its artifact stays."""
        studio.delete(caller, job_id)


def _add_runs(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/projects")
    def projects(caller: who) -> list[str]:
        """Projects in which the caller has runs."""
        return studio.projects(caller)

    @api.get("/runs")
    def runs(project: str, caller: who) -> list[dict[str, Any]]:
        """The caller's runs of a project with their latest values, newest first."""
        return [asdict(run) | {"config": plain(run.config)} for run in studio.runs(caller, project)]

    @api.get("/runs/{run}/metrics")
    def run_metrics(run: str, project: str, caller: who) -> list[str]:
        """Names of a run's scalars."""
        return studio.run_metrics(caller, project, run)

    @api.get("/runs/{run}/series")
    def series(
        run: str, project: str, metric: str, caller: who, points: Annotated[int, Query(ge=1, le=100_000)] = 600
    ) -> dict[str, Any]:
        """One curve, thinned to `points` pixels without losing a spike."""
        return asdict(studio.series(caller, project, run, metric, points))


def _add_artifacts(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/artifacts")
    def artifacts(caller: who) -> list[dict[str, Any]]:
        """The manifests of the caller's results, newest first."""
        return [artifact.manifest.model_dump(mode="json") for artifact in studio.artifacts(caller)]

    @api.get("/artifacts/{artifact_id}")
    def artifact(artifact_id: str, caller: who) -> dict[str, Any]:
        """One manifest."""
        return studio.artifact(caller, artifact_id).manifest.model_dump(mode="json")

    @api.delete("/artifacts/{artifact_id}", status_code=204)
    def delete_artifact(artifact_id: str, caller: who) -> None:
        """Delete a result; refused while a job needs it. What was published stays on the Hub."""
        studio.delete_artifact(caller, artifact_id)

    @api.get("/artifacts/{artifact_id}/card")
    def card(artifact_id: str, caller: who) -> PlainTextResponse:
        """The model card as Markdown."""
        return PlainTextResponse(studio.card(caller, artifact_id), media_type="text/markdown; charset=utf-8")

    @api.put("/artifacts/{artifact_id}/card")
    def save_card(
        artifact_id: str, caller: who, text: Annotated[str, Body(media_type="text/markdown")]
    ) -> list[dict[str, Any]]:
        """Keep a card with its artifact; answers with what the linter says."""
        studio.save_card(caller, artifact_id, text)
        return [asdict(problem) for problem in studio.lint_card(text, studio.card_kind(caller, artifact_id))]

    @api.post("/artifacts/{artifact_id}/publish", status_code=201)
    def publish(
        artifact_id: str, body: PublishRequest, caller: who, idempotency_key: Annotated[str, Header()] = ""
    ) -> dict[str, Any]:
        """Push an artifact and its card to the Hub, as a job."""
        return job_json(studio.publish(caller, artifact_id, body.repo_id, private=body.private, key=idempotency_key))

    @api.get("/hub")
    def hub(refresh: bool = False) -> dict[str, Any]:
        """Whether the Hub can be reached."""
        return asdict(studio.hub(refresh=refresh))


def _add_kit(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/kit")
    def kit(caller: who) -> list[dict[str, Any]]:
        """Every entry of the starter kit with its status."""
        return [
            one.entry.model_dump(mode="json") | {"status": one.status, "problems": one.problems}
            for one in studio.kit(caller)
        ]

    @api.post("/kit/{name}", status_code=201)
    def kit_add(name: str, caller: who) -> dict[str, Any]:
        """Fetch an extra as a job; while it is being fetched, that job."""
        return job_json(studio.kit_add(caller, name))

    @api.delete("/kit/{name}", status_code=204)
    def kit_remove(name: str, caller: who) -> None:
        """Delete an extra; refused while a job or a result needs it."""
        studio.kit_remove(caller, name)
