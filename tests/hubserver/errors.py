"""The one error a route raises, and the answer the Hub gives for it: JSON, `X-Error-Code` and `X-Error-Message`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response


class HubError(Exception):
    """An answer that is not a success. `code` is the Hub's own word for it (`RepoNotFound`, `EntryNotFound` …)."""

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers = dict(headers or {})
        self.body: dict[str, object] = {"error": message}


class RepoMovedError(Exception):
    """The repository has a new name: the Hub answers 307 to reads under the old one."""

    def __init__(self, old_id: str, new_id: str) -> None:
        super().__init__(f"{old_id} is now {new_id}")
        self.old_id, self.new_id = old_id, new_id


def answer_hub_error(request: Request, error: Exception) -> Response:
    """Turn a `HubError` into its response."""
    assert isinstance(error, HubError)
    headers = {**error.headers, "X-Error-Message": error.message.replace("\n", " ")}
    if error.code is not None:
        headers["X-Error-Code"] = error.code
    return JSONResponse(error.body, status_code=error.status, headers=headers)


def answer_moved(request: Request, error: Exception) -> Response:
    """Send the client to the new name, path and query unchanged otherwise."""
    assert isinstance(error, RepoMovedError)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(request.scope["path"].replace(error.old_id, error.new_id, 1) + query, status_code=307)


def answer_disconnect(request: Request, error: Exception) -> Response:
    """The client went away while it sent its request (a killed process, a cut): nobody reads this."""
    return Response(status_code=400)


def repo_not_found(signed_in: bool) -> HubError:
    """Missing, or private and not the caller's: the Hub tells neither apart; 401 to who is not signed in, else 404."""
    if signed_in:
        return HubError(404, "Repository not found", "RepoNotFound")
    return HubError(401, "Invalid username or password.", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    """No branch, tag, pull request or commit has this name."""
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(path: str, commit: str) -> HubError:
    """The revision exists, the path does not; the commit is told, so that clients may cache the absence."""
    return HubError(404, f"Entry not found: {path}", "EntryNotFound", {"X-Repo-Commit": commit})
