"""Opening data sets: `/api/datasets/info`, `configs`, `add`, `databases`; and as tools."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

from studio.core.types import Caller
from studio.service import Studio
from studio.web.tasks import Asking
from studio.web.verbs import REF, TEXT, Verb

SOURCE = "A web address (https://…) of a data file; on one's own machine also a path, or sql:NAME#TABLE."


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
    async def add(body: AddRequest, request: Request, caller: who) -> dict[str, Any]:
        """Fetch a file and keep it as a data set of one's own; asked again after a cut, it goes on where it was."""
        return asdict(await asking.run(partial(studio.add, caller, body.source, body.name), request))

    @api.get("/datasets/databases")
    def databases(caller: who) -> dict[str, list[str]]:
        """The operator's databases and their tables."""
        return studio.databases(caller)


def _show(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return asdict(studio.dataset(caller, given["ref"], str(given.get("config", ""))).info)


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
        "Fetch a file from the open web and keep it as a data set of the caller's own.",
        {"source": {"type": "string", "description": SOURCE}, "name": TEXT},
        lambda studio, caller, given: asdict(studio.add(caller, given["source"], str(given.get("name", "")))),
        ("source",),
        reads=False,
    ),
}
