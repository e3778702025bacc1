"""Opening data sets: `/api/datasets/info`, `configs`, `add`, `databases`; and as tools."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from pydantic import BaseModel, Field

from studio.core.types import Caller
from studio.service import Studio, Wishes
from studio.web.answers import job_json
from studio.web.tasks import Asking
from studio.web.verbs import REF, TEXT, Verb

SOURCE = (
    "A web address (https://…) of a data file, or a Hub id of which all is wanted; on one's own machine also the path "
    "of a file or folder, or sql:NAME#TABLE."
)


class AddRequest(BaseModel):
    """What `POST /api/datasets/add` takes."""

    source: str = Field(description=SOURCE)
    name: str = Field("", description="What it is called; the name that the source has when empty.")


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""

    @api.get("/datasets/info")
    async def info(request: Request, ref: str, caller: who, config: str = "") -> dict[str, Any]:
        """One data set: splits with their rows, columns, licence, configurations."""
        return asdict((await asking.run(partial(studio.dataset, caller, ref, config), request)).info)

    @api.get("/datasets/configs")
    def configs(ref: str, caller: who) -> list[str]:
        """The configurations (subsets) of a data set, the default one first."""
        return list(studio.dataset_configs(caller, ref))

    @api.post("/datasets/add", status_code=201)
    def add(body: AddRequest, caller: who, idempotency_key: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Fetch a data set, as a job; `dataset` of the finished job is its reference."""
        return job_json(studio.add(caller, body.source, body.name, Wishes(idempotency_key)))

    @api.get("/datasets/databases")
    def databases(caller: who) -> dict[str, list[str]]:
        """The operator's databases and their tables."""
        return studio.databases(caller)


def _show(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return asdict(studio.dataset(caller, given["ref"], str(given.get("config", ""))).info)


def _add(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    job = studio.add(caller, given["source"], str(given.get("name", "")))
    return {"id": job.id, "title": job.title, "state": job.state.value}


VERBS: dict[str, Verb] = {
    "show_dataset": Verb(
        "One data set: splits with their rows, columns, licence, configurations.",
        {"ref": REF, "config": {"type": "string", "description": "One of its configurations (subsets)."}},
        _show,
        ("ref",),
    ),
    "list_configs": Verb(
        "The configurations (subsets) of a data set, the default one first.",
        {"ref": REF},
        lambda studio, caller, given: list(studio.dataset_configs(caller, given["ref"])),
        ("ref",),
    ),
    "add_dataset": Verb(
        "Fetch a data set as a job: a file from the open web, kept as the caller's own, or all of one of the Hub.",
        {"source": {"type": "string", "description": SOURCE}, "name": TEXT},
        _add,
        ("source",),
        reads=False,
    ),
}
