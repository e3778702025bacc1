"""Search, index, statistics, tokens, cross and map under `/api/datasets`, and as tools: find rows, know columns."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request
from pydantic import BaseModel, Field

from studio.core import params
from studio.core.types import Caller
from studio.data.finding import Search
from studio.data.indexes import Kind
from studio.service import Studio, Wishes
from studio.web.answers import job_json
from studio.web.tasks import Asking
from studio.web.verbs import REF, TEXT, Verb

FEW = 10  # rows where none is asked for: an answer is read by a model
SPLIT = {"type": "string", "default": "train"}
COLUMNS = {"type": "array", "items": TEXT}
KIND = {"type": "string", "enum": ["words", "meaning"]}

Columns = Annotated[list[str] | None, Query(description="All that fit when none is named.")]


class SearchRequest(Search):
    """What `POST /api/datasets/search` takes."""

    ref: str = Field(description="kit:ID, upload:ID, artifact:ID or a Hub id.")


class IndexRequest(BaseModel):
    """What `POST /api/datasets/index` takes."""

    ref: str = Field(description="kit:ID, upload:ID, artifact:ID or a Hub id.")
    split: str = "train"
    kind: Kind = "words"
    columns: list[str] = Field(default_factory=list, description="All columns of text when none is named.")
    model: str = Field("", description="The encoder for an index by meaning; the kit's when none is named.")


def add_routes(api: FastAPI, studio: Studio, who: Any, asking: Asking) -> None:
    """Add the routes to the API."""

    @api.post("/datasets/search")
    async def search(body: SearchRequest, request: Request, caller: who) -> dict[str, Any]:
        """Rows that hold some characters, some words, or that say the same, with their numbers and scores."""
        wanted = Search(**body.model_dump(exclude={"ref"}))
        return asdict(await asking.run(partial(studio.search, caller, body.ref, wanted), request))

    @api.post("/datasets/index", status_code=201)
    def index(body: IndexRequest, caller: who, idempotency_key: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Make a search index, as a job."""
        values = body.model_dump(exclude={"ref"})
        return job_json(studio.build_index(caller, body.ref, values, Wishes(idempotency_key)))

    @api.get("/datasets/index")
    def known_index(ref: str, caller: who, kind: Kind = "words", split: str = "train", columns: Columns = None) -> Any:
        """The finished index over these columns, or null."""
        found = studio.search_index(caller, ref, split, kind, columns or ())
        return asdict(found) if found else None

    @api.get("/datasets/statistics")
    async def statistics(
        request: Request, ref: str, caller: who, split: str = "train", columns: Columns = None
    ) -> list[dict[str, Any]]:
        """Figures of each column: nulls, distinct values, range, quantiles, histogram, frequent values, lengths."""
        found = await asking.run(partial(studio.statistics, caller, ref, split, columns or ()), request)
        return [asdict(one) for one in found]

    @api.get("/datasets/tokens")
    def tokens(ref: str, column: str, tokenizer: str, caller: who, split: str = "train") -> Any:
        """How many tokens the texts of a column take with a model's tokenizer; null where there is no text."""
        found = studio.token_lengths(caller, ref, split, column, tokenizer)
        return asdict(found) if found else None

    @api.get("/datasets/cross")
    def cross(ref: str, x: str, y: str, caller: who, split: str = "train") -> dict[str, Any]:
        """Two columns against each other."""
        return asdict(studio.cross(caller, ref, split, x, y))

    @api.get("/datasets/map")
    def embedding_map(
        ref: str, caller: who, split: str = "train", columns: Columns = None, colour: str = ""
    ) -> dict[str, Any]:
        """Rows on a plane by their meaning, once there is an index by meaning."""
        return asdict(studio.embedding_map(caller, ref, split, columns or (), colour))


def _search(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    asked = {"limit": FEW} | {name: value for name, value in given.items() if name != "ref"}
    return asdict(studio.search(caller, given["ref"], params.parse(Search, asked)))


def _statistics(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    found = studio.statistics(caller, given["ref"], given.get("split", "train"), given.get("columns", ()))
    return [asdict(one) for one in found]


def _index(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    values = {name: value for name, value in given.items() if name != "ref"}
    job = studio.build_index(caller, given["ref"], values)
    return {"id": job.id, "title": job.title, "state": job.state.value}


VERBS: dict[str, Verb] = {
    "search_dataset": Verb(
        "Rows of a data set that hold some characters, some words (BM25), or that say the same.",
        {"ref": REF, **Search.model_json_schema()["properties"]},
        _search,
        ("ref", "query"),
    ),
    "describe_columns": Verb(
        "Figures of a data set's columns: nulls, distinct values, range, quantiles, histogram, frequent values.",
        {"ref": REF, "split": SPLIT, "columns": COLUMNS},
        _statistics,
        ("ref",),
    ),
    "cross_columns": Verb(
        "Two columns of a data set against each other: counts, a number within groups, or two numbers.",
        {"ref": REF, "split": SPLIT, "x": TEXT, "y": TEXT},
        lambda studio, caller, given: asdict(
            studio.cross(caller, given["ref"], given.get("split", "train"), given["x"], given["y"])
        ),
        ("ref", "x", "y"),
    ),
    "index_dataset": Verb(
        "Make a search index of a data set, as a job: needed for search by meaning, and by words in large ones.",
        {"ref": REF, "split": SPLIT, "kind": KIND, "columns": COLUMNS, "model": TEXT},
        _index,
        ("ref",),
        reads=False,
    ),
}
