"""What the tests over HTTP share: a job's end, and the one shape of a refusal."""

from typing import Any

import httpx

from tests.waiting import wait

TEXT = "A chess program with a strong engine"
CSV = b"text,label\ngood,a\nbad,b\n"


def finished(client: httpx.Client, job_id: str) -> Any:
    def over() -> Any:
        job = client.get(f"/jobs/{job_id}").json()
        return job if job["state"] in ("succeeded", "failed", "cancelled") else None

    return wait(over, f"the end of job {job_id}")


def refused(answer: httpx.Response, status: int, text: str, field: str | None = None) -> None:
    body = answer.json()
    assert (answer.status_code, body.keys()) == (status, {"error", "problems"}), body
    assert text in body["error"]
    assert all(problem.keys() == {"field", "value", "expected"} for problem in body["problems"])
    if field is not None:
        assert field in [problem["field"] for problem in body["problems"]]
