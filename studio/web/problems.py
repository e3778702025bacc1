"""Errors of the REST interface as JSON: `{"error": text, "problems": [{"field", "value", "expected"}]}`."""

import logging
import secrets

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from studio.core.errors import InvalidInput, InvalidInputs, StudioError, shorten

log = logging.getLogger(__name__)


def add_handlers(api: FastAPI) -> None:
    """Every error that a route may raise, with the status of its class; of a bug only an id."""
    api.add_exception_handler(StudioError, _studio_error)
    api.add_exception_handler(RequestValidationError, _bad_body)
    api.add_exception_handler(HTTPException, _no_route)
    api.add_exception_handler(Exception, _bug)


async def _studio_error(_: Request, error: Exception) -> Response:
    if isinstance(error, InvalidInputs):
        problems = error.problems
    else:
        problems = (error,) if isinstance(error, InvalidInput) else ()
    body = {"error": str(error), "problems": [_problem_json(problem) for problem in problems]}
    return JSONResponse(body, status_code=getattr(error, "status", 500))


async def _bad_body(_: Request, error: Exception) -> Response:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    problems = [
        {
            "field": "" if detail["type"] == "json_invalid" else ".".join(str(part) for part in detail["loc"][1:]),
            "value": shorten(detail.get("input")),
            "expected": f"{detail['msg']}: {detail['ctx']['error']}"
            if "error" in detail.get("ctx", {})
            else detail["msg"],
        }
        for detail in details
    ]
    text = "\n".join(f"{problem['field'] or 'body'}: {problem['expected']}" for problem in problems)
    return JSONResponse({"error": text, "problems": problems}, status_code=422)


async def _no_route(_: Request, error: Exception) -> Response:
    """A path or a method that there is not."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (404, None)
    text = error.detail if isinstance(error, HTTPException) else ""
    return JSONResponse({"error": f"{text}.", "problems": []}, status_code=status, headers=headers)


async def _bug(request: Request, error: Exception) -> Response:
    """What nobody planned for: the caller learns an id that stands in the log too, and nothing else."""
    number = secrets.token_hex(4)
    log.error("unexpected error %s at %s %s", number, request.method, request.url.path, exc_info=error)
    return JSONResponse({"error": f"Something went wrong (id {number}).", "problems": []}, status_code=500)


def _problem_json(problem: InvalidInput) -> dict[str, str]:
    return {"field": problem.field, "value": shorten(problem.value), "expected": problem.expected}
