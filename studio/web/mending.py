"""Mending data sets: `/api/steps`, `/api/datasets/mend…`, `/api/datasets/lineage`; and as tools."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from studio.core.types import Caller
from studio.data.mending import MAX_TEXT
from studio.service import Studio, Wishes
from studio.web.answers import job_json
from studio.web.tasks import Asking
from studio.web.verbs import REF, TEXT, Verb

FEW = 5  # rows where none is asked for: an answer is read by a model
Steps = Annotated[str, Field(max_length=MAX_TEXT)] | list[Any] | dict[str, Any]
RECIPE = {
    "description": 'The recipe as YAML, or its steps as a list: [{"step": "filter", "condition": "length(text) > 9"}].',
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}],
}


class MendRequest(BaseModel):
    """What all of them take."""

    ref: str = Field(description="kit:ID, upload:ID, artifact:ID or a Hub id.")
    recipe: Steps = Field("", description="The recipe as YAML, or its steps as a list.")


class PreviewRequest(MendRequest):
    """What `POST /api/datasets/mend/preview` takes."""

    split: str = "train"
    rows: int = Field(20, ge=1, le=100)


class TransformRequest(MendRequest):
    """What `POST /api/datasets/mend` takes."""

    title: str = ""


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""

    @api.get("/steps")
    def steps() -> list[dict[str, Any]]:
        """Every step with the schema of its parameters."""
        return studio.steps()

    @api.post("/datasets/mend/preview")
    async def preview(body: PreviewRequest, request: Request, caller: who) -> dict[str, Any]:
        """The first rows before and after a recipe; nothing is written."""
        ask = partial(studio.preview, caller, body.ref, body.split, body.recipe, body.rows)
        return asdict(await asking.run(ask, request))

    @api.post("/datasets/mend", status_code=201)
    def transform(
        body: TransformRequest, caller: who, idempotency_key: Annotated[str, Header()] = ""
    ) -> dict[str, Any]:
        """Run a recipe over a data set as a job, which leaves a new one."""
        return job_json(studio.transform(caller, body.ref, body.recipe, body.title, Wishes(idempotency_key)))

    @api.post("/datasets/mend/yaml")
    def recipe_yaml(body: MendRequest, caller: who) -> PlainTextResponse:
        """A recipe as YAML; without steps the one that made an `artifact:`."""
        return PlainTextResponse(studio.recipe_yaml(caller, body.ref, body.recipe), media_type="application/yaml")

    @api.post("/datasets/mend/python")
    def recipe_python(body: MendRequest, caller: who) -> PlainTextResponse:
        """A recipe as a Python script; without steps that of the one that made an `artifact:`."""
        return PlainTextResponse(studio.recipe_python(caller, body.ref, body.recipe), media_type="text/x-python")

    @api.get("/datasets/lineage")
    def lineage(ref: str, caller: who) -> list[dict[str, Any]]:
        """The data set, what it was made from, and so on."""
        return [asdict(one) for one in studio.lineage(caller, ref)]


def _preview(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    rows = int(given.get("rows", FEW))
    return asdict(studio.preview(caller, given["ref"], str(given.get("split", "train")), given["recipe"], rows))


def _transform(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    job = studio.transform(caller, given["ref"], given["recipe"], str(given.get("title", "")))
    return {"id": job.id, "title": job.title, "state": job.state.value}


VERBS: dict[str, Verb] = {
    "list_steps": Verb(
        "The steps that mend data sets, with the schema of their parameters.", {}, lambda studio, *_: studio.steps()
    ),
    "preview_recipe": Verb(
        "The first rows of a data set before and after a recipe of steps.",
        {"ref": REF, "split": TEXT, "recipe": RECIPE, "rows": {"type": "integer", "minimum": 1, "maximum": 100}},
        _preview,
        ("ref", "recipe"),
    ),
    "transform_dataset": Verb(
        "Run a recipe of steps over a data set, as a job that leaves a new one.",
        {"ref": REF, "recipe": RECIPE, "title": TEXT},
        _transform,
        ("ref", "recipe"),
        reads=False,
    ),
    "recipe_yaml": Verb(
        "A recipe of steps as YAML; without one, that of the job that made an artifact.",
        {"ref": REF, "recipe": RECIPE},
        lambda studio, caller, given: studio.recipe_yaml(caller, given["ref"], given.get("recipe", "")),
        ("ref",),
    ),
    "recipe_python": Verb(
        "A recipe of steps as a Python script; without one, that of the job that made an artifact.",
        {"ref": REF, "recipe": RECIPE},
        lambda studio, caller, given: studio.recipe_python(caller, given["ref"], given.get("recipe", "")),
        ("ref",),
    ),
    "dataset_lineage": Verb(
        "A data set, what it was made from, and so on.",
        {"ref": REF},
        lambda studio, caller, given: [asdict(one) for one in studio.lineage(caller, given["ref"])],
        ("ref",),
    ),
}
