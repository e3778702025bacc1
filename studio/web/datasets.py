"""`/api/datasets`: list, upload, delete; look at rows, ask in SQL, one row, one cell."""

import asyncio
import json
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from studio.core import params
from studio.core.errors import InvalidInput
from studio.data.sandbox import ROWS
from studio.data.views import FARTHEST, MOST, View
from studio.service import Studio
from studio.web.tasks import Asking

FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"format": "binary"}}}}}
CONDITIONS = 'JSON: [{"column": "label", "op": "is", "value": "spam"}, …]; all must hold.'
WHERE = "Or, and beside them: a condition in SQL, as it stands behind WHERE."
# what a cell holds is a stranger's: shown, never run
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=60",
}

CELLS = 6  # that are read at the same time: a page asks for a hundred pictures, and each may have 64 MB

Number = Annotated[int, Query(ge=0, le=FARTHEST, description="Of the row, from 0.")]


class Question(BaseModel):
    """What `POST /api/datasets/sql` takes."""

    ref: str = Field(description="kit:ID, upload:ID, artifact:ID or a Hub id.")
    split: str = "train"
    query: str = Field(description="One SELECT; the table is called by the split's name, or `data`.")
    limit: int = Field(ROWS, ge=0, le=ROWS, description="Rows of the answer, at most.")


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""
    _add_list(api, studio, who)
    _add_looks(api, studio, who, asking)

    @api.delete("/datasets/{ref}", status_code=204)
    def delete_dataset(ref: str, caller: who) -> None:
        """Delete a data set of the caller's own, `upload:ID` or `artifact:ID`; refused while a job needs it."""
        studio.delete_dataset(caller, ref)


def _add_list(api: FastAPI, studio: Studio, who: Any) -> None:
    @api.get("/datasets")
    def datasets(caller: who) -> list[dict[str, Any]]:
        """The kit's data sets, the caller's uploads and what the caller's jobs have made."""
        return [asdict(info) for info in studio.datasets(caller)]

    @api.post("/datasets", status_code=201, openapi_extra=FILE)
    async def upload(request: Request, name: str, caller: who) -> dict[str, Any]:
        """Take in the body as a data file called `name`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"
            await _receive(request, path, name, studio.settings.max_upload_mb)
            return asdict(await asyncio.to_thread(studio.upload, caller, path, name))


def _add_looks(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    cells = anyio.CapacityLimiter(CELLS)

    @api.get("/datasets/view")
    async def view(  # noqa: PLR0913  a query has as many parameters as it has
        request: Request,
        caller: who,
        ref: str,
        split: str = "train",
        columns: Annotated[list[str] | None, Query(description="In this order; all when none is named.")] = None,
        conditions: Annotated[str, Query(description=CONDITIONS)] = "",
        where: Annotated[str, Query(description=WHERE)] = "",
        sort: Annotated[str, Query(description="Column to sort by.")] = "",
        descending: bool = False,
        offset: Annotated[int, Query(ge=0, le=FARTHEST)] = 0,
        limit: Annotated[int, Query(ge=0, le=MOST)] = MOST,
        counting: Annotated[bool, Query(description="Whether to say how many rows match.")] = True,
    ) -> dict[str, Any]:
        """A page of at most 100 rows: filtered, sorted, at any depth."""
        asked = {"split": split, "columns": columns or (), "where": where, "sort": sort, "descending": descending}
        wanted = params.parse(View, asked | {"offset": offset, "limit": limit, "conditions": listed(conditions)})
        return asdict(await asking.run(partial(studio.view, caller, ref, wanted, counting=counting), request))

    @api.post("/datasets/sql")
    async def sql(body: Question, request: Request, caller: who) -> dict[str, Any]:
        """The answer to one SELECT: read-only, ten seconds, 1,000 rows."""
        ask = partial(studio.sql, caller, body.ref, body.split, body.query, body.limit)
        return asdict(await asking.run(ask, request))

    @api.get("/datasets/row")
    def row(
        ref: str,
        number: Number,
        caller: who,
        split: str = "train",
        columns: Annotated[list[str] | None, Query()] = None,
    ) -> dict[str, Any]:
        """One row with its whole values."""
        return asdict(studio.row(caller, ref, split, number, columns or ()))

    @api.get("/datasets/cell", response_class=Response, responses={200: {"content": {"*/*": {}}}})
    async def cell(
        ref: str,
        number: Number,
        column: str,
        caller: who,
        split: str = "train",
        inside: Annotated[list[str] | None, Query(description="The way to a part: places in lists, fields.")] = None,
    ) -> Response:
        """A cell as a picture, a sound or text, by what it holds."""
        ask = partial(studio.cell, caller, ref, (split, number), column, inside or ())
        found = await anyio.to_thread.run_sync(ask, limiter=cells)
        return Response(found.data, media_type=found.media_type, headers=SAFE)


def listed(conditions: str) -> list[Any]:
    """Conditions as an address has them; raises `InvalidInput`."""
    try:
        found = json.loads(conditions or "[]")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise InvalidInput("conditions", conditions, f"Write them as {CONDITIONS}")
    return found


async def _receive(request: Request, path: Path, name: str, max_mb: int) -> None:
    """Write the body to `path`; refuses it as soon as it is known to be too large."""
    received = int(request.headers.get("content-length", "0"))
    with path.open("wb") as file:
        if received <= max_mb * 10**6:
            received = 0
            async for chunk in request.stream():
                received += len(chunk)
                if received > max_mb * 10**6:
                    break
                file.write(chunk)
    if received > max_mb * 10**6:
        raise InvalidInput("file", name, f"It is larger than {max_mb} MB, the most that may be uploaded.")
