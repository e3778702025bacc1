"""What the tests over HTTP share: a job's end, and the one shape of a refusal."""

import time
from typing import Any

import httpx

TEXT = "A chess program with a strong engine"
CSV = b"text,label\ngood,a\nbad,b\n"


def finished(client: httpx.Client, job_id: str) -> Any:
    end = time.monotonic() + 60
    while (job := client.get(f"/jobs/{job_id}").json())["state"] not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < end, job
        time.sleep(0.05)
    return job


def refused(answer: httpx.Response, status: int, text: str, field: str | None = None) -> None:
    body = answer.json()
    assert (answer.status_code, body.keys()) == (status, {"error", "problems"}), body
    assert text in body["error"]
    assert all(problem.keys() == {"field", "value", "expected"} for problem in body["problems"])
    if field is not None:
        assert field in [problem["field"] for problem in body["problems"]]
