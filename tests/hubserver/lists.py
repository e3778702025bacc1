"""How the Hub answers long lists: a page at a time, the next one told in the `Link` header."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from .access import hub_of
from .errors import HubError


def timestamp(moment: datetime) -> str:
    """A moment as the Hub writes it (UTC, milliseconds)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def number(request: Request, name: str, default: int) -> int:
    """A whole number of the query; raises 400 for anything else."""
    value = request.query_params.get(name)
    if value is None:
        return default
    if not value.isdigit():
        raise HubError(400, f'"{name}" must be a number')
    return int(value)


def page(request: Request, items: Sequence[Any], size_param: str = "limit") -> JSONResponse:
    """The page of `items` that the query's cursor names, with a link to the next if there is one."""
    hub = hub_of(request)
    size = max(1, min(number(request, size_param, hub.page_size), hub.page_size))
    start = number(request, "cursor", 0)
    headers = {}
    if start + size < len(items):
        url = request.url.include_query_params(cursor=start + size)
        headers["Link"] = f'<{hub.base}{request.scope["path"]}?{url.query}>; rel="next"'
    return JSONResponse(list(items[start : start + size]), headers=headers)
