"""Making data sets: `/api/datasets/export`, `create`, `about`, `card`, `publish`, `/api/annotations`; and as tools."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from studio.core import params
from studio.core.types import Caller
from studio.data.exporting import FORMATS, Format
from studio.data.marks import Plan
from studio.data.uploads import About
from studio.data.views import FARTHEST, View
from studio.service import Studio, Wishes
from studio.service.making import Turn
from studio.web.answers import job_json
from studio.web.datasets import CONDITIONS, WHERE, listed
from studio.web.tasks import Asking
from studio.web.verbs import NUMBER, REF, TEXT, Verb

ROWS = "Records as a list of objects, or pasted text of CSV, TSV, JSON or JSON Lines."
VALUE = "A class or a list of them; a list of spans {start, end, label}; first, second or tie; null passes a row over."


class CreateRequest(About):
    """What `POST /api/datasets/create` takes."""

    title: str = Field(min_length=1)
    rows: str | list[dict[str, Any]] = Field(description=ROWS)


class AboutRequest(About):
    """What `PUT /api/datasets/about` takes."""

    ref: str = Field(description="upload:ID")


class PublishRequest(BaseModel):
    """What `POST /api/datasets/publish` takes."""

    ref: str = Field(description="kit:ID, upload:ID or artifact:ID.")
    repo_id: str = Field(description="owner/name on the Hub.")
    private: bool = True
    license: str = Field("", description="The Hub's id of a licence; the data set's own when empty.")
    card: str = Field("", description="The card's text; made from the data when empty.")


class StartRequest(Plan):
    """What `POST /api/annotations` takes."""

    ref: str = Field(description="kit:ID, upload:ID, artifact:ID or a Hub id.")


class Answer(BaseModel):
    """What `PUT /api/annotations/{id}/rows/{row}` takes."""

    value: Any = Field(None, description=VALUE)


class ColumnsRequest(BaseModel):
    """What `POST /api/annotations/{id}/export` takes."""

    form: str | None = Field(None, description="column, bio or trl.")
    unmarked: bool = False
    title: str = ""


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""
    _add_export(api, studio, who, asking)
    _add_sets(api, studio, who)
    _add_annotations(api, studio, who)
    _add_answers(api, studio, who)


def _add_export(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    @api.get("/datasets/export", response_class=StreamingResponse, responses={200: {"content": {"*/*": {}}}})
    async def export(  # noqa: PLR0913  a query has as many parameters as it has
        request: Request,
        caller: who,
        ref: str,
        format: Annotated[Format, Query(description=f"One of {', '.join(FORMATS)}.")] = "csv",
        split: Annotated[str, Query(description="All splits, as a zip where there are several, when empty.")] = "",
        columns: Annotated[list[str] | None, Query(description="In this order; all when none is named.")] = None,
        conditions: Annotated[str, Query(description=CONDITIONS)] = "",
        where: Annotated[str, Query(description=WHERE)] = "",
        sort: Annotated[str, Query(description="Column to sort by.")] = "",
        descending: bool = False,
    ) -> StreamingResponse:
        """A split, or what of it a view shows, as a file; it is made while it is read, and stops when nobody reads."""
        asked = {"columns": columns or (), "where": where, "sort": sort, "descending": descending}
        view = params.parse(View, asked | {"conditions": listed(conditions)})
        found = await asking.run(partial(studio.export, caller, ref, format, split, view), request)
        headers = {
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(asking.parts(found.parts, request), media_type=found.media_type, headers=headers)


def _add_sets(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.post("/datasets/create", status_code=201)
    def create(body: CreateRequest, caller: who) -> dict[str, Any]:
        """Make a data set of one's own from rows."""
        about = body.model_dump(exclude={"rows", "title"}, exclude_none=True)
        return asdict(studio.create_dataset(caller, body.title, body.rows, about))

    @api.put("/datasets/about")
    def about(body: AboutRequest, caller: who) -> dict[str, Any]:
        """Say what an upload is: title, description, licence, languages."""
        given = body.model_dump(exclude={"ref"}, exclude_none=True)
        return asdict(studio.describe_dataset(caller, body.ref, given))

    @api.get("/datasets/card")
    def card(ref: str, caller: who, license: str = "") -> PlainTextResponse:
        """The card that a data set would be published with, as Markdown."""
        text = studio.dataset_card(caller, ref, license)
        return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")

    @api.post("/datasets/publish", status_code=201)
    def publish(body: PublishRequest, caller: who, idempotency_key: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Push a data set with its card to the Hub, as a job."""
        values = {"license": body.license, "card": body.card}
        job = studio.publish(caller, body.ref, body.repo_id, private=body.private, key=idempotency_key, values=values)
        return job_json(job)


def _add_annotations(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/annotations")
    def annotations(caller: who, ref: str = "") -> list[dict[str, Any]]:
        """The caller's annotations, or those of one data set."""
        return [work.plain() for work in studio.annotations(caller, ref)]

    @api.post("/annotations", status_code=201)
    def start(body: StartRequest, caller: who) -> dict[str, Any]:
        """Begin to annotate a split, or go on with what is there under the same name."""
        return studio.start_annotation(caller, body.ref, body.model_dump(exclude={"ref"})).plain()

    @api.get("/annotations/{work_id}")
    def annotation(work_id: str, caller: who) -> dict[str, Any]:
        """One, and how far it is."""
        return studio.annotation(caller, work_id).plain()

    @api.delete("/annotations/{work_id}", status_code=204)
    def delete(work_id: str, caller: who) -> None:
        """Forget one with its answers."""
        studio.delete_annotation(caller, work_id)

    @api.post("/annotations/{work_id}/export", status_code=201)
    def export_annotations(
        work_id: str, body: ColumnsRequest, caller: who, idempotency_key: Annotated[str, Header()] = ""
    ) -> dict[str, Any]:
        """Make a new data set of the rows and their answers, as a job."""
        return job_json(studio.export_annotations(caller, work_id, body.model_dump(), Wishes(idempotency_key)))


def _add_answers(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/annotations/{work_id}/next")
    def next_row(work_id: str, caller: who, after: Annotated[int, Query(ge=-1, le=FARTHEST)] = -1) -> dict[str, Any]:
        """The next row without an answer."""
        return turn_json(studio.next_row(caller, work_id, after))

    @api.get("/annotations/{work_id}/rows/{row}")
    def annotated_row(work_id: str, row: int, caller: who) -> dict[str, Any]:
        """A row and its answer."""
        return turn_json(studio.annotated_row(caller, work_id, row))

    @api.put("/annotations/{work_id}/rows/{row}")
    def annotate(work_id: str, row: int, body: Answer, caller: who) -> dict[str, Any]:
        """Answer a row."""
        return studio.annotate(caller, work_id, row, body.value).plain()

    @api.post("/annotations/{work_id}/undo")
    def undo(work_id: str, caller: who) -> dict[str, Any]:
        """Take the last answer back."""
        return turn_json(studio.undo_annotation(caller, work_id))


def turn_json(turn: Turn) -> dict[str, Any]:
    """A row to answer as JSON."""
    return {**vars(turn), "work": turn.work.plain(), "cells": dict(turn.cells)}


def _create(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    about = {name: given[name] for name in ("description", "license", "languages") if name in given}
    return asdict(studio.create_dataset(caller, given["title"], given["rows"], about))


def _publish(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    private, license = given.get("private") is not False, str(given.get("license", ""))
    job = studio.publish(caller, given["ref"], given["repo_id"], private=private, values={"license": license})
    return _job(job)


def _export(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    values = {name: given[name] for name in ("form", "unmarked", "title") if name in given}
    return _job(studio.export_annotations(caller, given["id"], values))


def _start(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    return studio.start_annotation(caller, given["ref"], given["plan"]).plain()


def _job(job: Any) -> dict[str, Any]:
    return {"id": job.id, "title": job.title, "state": job.state.value}


ID = {"type": "string", "description": "Of an annotation."}
VERBS: dict[str, Verb] = {
    "create_dataset": Verb(
        "Make a data set of the caller's own from rows.",
        {
            "title": TEXT,
            "rows": {"description": ROWS, "anyOf": [TEXT, {"type": "array", "items": {"type": "object"}}]},
            "description": TEXT,
            "license": TEXT,
            "languages": {"type": "array", "items": TEXT},
        },
        _create,
        ("title", "rows"),
        reads=False,
    ),
    "get_dataset_card": Verb(
        "The card that a data set would be published with, as Markdown.",
        {"ref": REF, "license": TEXT},
        lambda studio, caller, given: studio.dataset_card(caller, given["ref"], str(given.get("license", ""))),
        ("ref",),
    ),
    "publish_dataset": Verb(
        "Push a data set and its card to the Hub as Parquet, as a job.",
        {"ref": REF, "repo_id": TEXT, "private": {"type": "boolean", "default": True}, "license": TEXT},
        _publish,
        ("ref", "repo_id"),
        reads=False,
    ),
    "list_annotations": Verb(
        "The caller's annotations of data sets, or those of one, and how far each is.",
        {"ref": REF},
        lambda studio, caller, given: [one.plain() for one in studio.annotations(caller, str(given.get("ref", "")))],
    ),
    "start_annotation": Verb(
        "Begin to annotate a split (labels, spans or preferences), or go on with what is there under the same name.",
        {"ref": REF, "plan": Plan.model_json_schema()},
        _start,
        ("ref", "plan"),
        reads=False,
    ),
    "next_row_to_annotate": Verb(
        "The next row of an annotation without an answer.",
        {"id": ID, "after": {**NUMBER, "minimum": -1}},
        lambda studio, caller, given: turn_json(studio.next_row(caller, given["id"], int(given.get("after", -1)))),
        ("id",),
    ),
    "annotate_row": Verb(
        "Answer a row of an annotation.",
        {"id": ID, "row": {**NUMBER, "minimum": 0}, "value": {"description": VALUE}},
        lambda studio, caller, given: studio.annotate(caller, given["id"], given["row"], given["value"]).plain(),
        ("id", "row", "value"),
        reads=False,
    ),
    "export_annotations": Verb(
        "Make a new data set of the rows that were answered, as a job.",
        {"id": ID, "form": {"enum": ["column", "bio", "trl"]}, "unmarked": {"type": "boolean"}, "title": TEXT},
        _export,
        ("id",),
        reads=False,
    ),
}
