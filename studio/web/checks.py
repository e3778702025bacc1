"""REST and tools of data checks: which there are, running them, and their reports."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Response
from pydantic import BaseModel, Field

from studio.core.types import Caller
from studio.data import reports
from studio.service import Studio, Wishes
from studio.web.answers import job_json
from studio.web.verbs import REF, TEXT, Verb

POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class CheckRequest(BaseModel):
    """What `POST /api/datasets/check` takes."""

    ref: str = Field(description="A data set: kit:ID, upload:ID, artifact:ID or a Hub id.")
    checks: list[str] = Field(default_factory=list, description="Ids of checks; empty: all.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of the recipe check: splits, columns, label, options."
    )


def add_routes(api: FastAPI, studio: Studio, who: Any) -> None:
    """Mount them under the API's root."""

    @api.get("/checks")
    def checks() -> list[dict[str, Any]]:
        """Every check of data with the schema of its parameters."""
        return [check.described() for check in studio.checks()]

    @api.post("/datasets/check", status_code=201)
    def check(body: CheckRequest, caller: who, idempotency_key: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Check a data set as a job, which leaves a report."""
        return job_json(studio.check(caller, body.ref, body.checks, body.params, Wishes(idempotency_key)))

    @api.post("/datasets/check-now")
    def check_now(body: CheckRequest, caller: who) -> dict[str, Any]:
        """Check a small data set at once, with the checks that train no model."""
        return reports.as_json(studio.check_now(caller, body.ref, body.checks, body.params))

    @api.get("/reports/{artifact_id}")
    def report(artifact_id: str, caller: who) -> dict[str, Any]:
        """What a check has found."""
        return reports.as_json(studio.report(caller, artifact_id))

    @api.get("/reports/{artifact_id}/file")
    def report_file(
        artifact_id: str, caller: who, format: Annotated[str, Query(description="json, html or md")] = "html"
    ) -> Response:
        """The report as a file: one page of HTML, Markdown for a card, or JSON."""
        name, text, media_type = studio.report_file(caller, artifact_id, format)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
        }
        return Response(text, media_type=media_type, headers=headers)


def _job(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> dict[str, Any]:
    job = studio.check(caller, given["ref"], given.get("checks", []), given.get("params", {}))
    return {"id": job.id, "title": job.title, "state": job.state.value}


def _now(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> str:
    return reports.markdown(studio.check_now(caller, given["ref"], given.get("checks", []), given.get("params", {})))


CHECKED = {"ref": REF, "checks": {"type": "array", "items": TEXT}, "params": {"type": "object"}}
VERBS: dict[str, Verb] = {
    "list_checks": Verb(
        "Checks of data sets: duplicates, leakage, label errors, personal data and more, with their parameters.",
        {},
        lambda studio, *_: [one.described() for one in studio.checks()],
    ),
    "check_dataset": Verb(
        "Check a data set as a job; its result is a report. params: splits, columns, label, options of single checks.",
        CHECKED,
        _job,
        ("ref",),
        reads=False,
    ),
    "check_dataset_now": Verb(
        "Check a small data set at once, with the checks that train no model; the report as Markdown.",
        CHECKED,
        _now,
        ("ref",),
    ),
    "get_report": Verb(
        "The report that a check has left, as Markdown.",
        {"id": TEXT},
        lambda studio, caller, given: studio.report_file(caller, given["id"], "md")[1],
        ("id",),
    ),
}
