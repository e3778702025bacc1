"""Looking into data sets as tools."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from studio.core import params
from studio.core.types import Caller
from studio.data.filters import Condition
from studio.data.sandbox import ROWS
from studio.data.views import FARTHEST, MOST, View
from studio.service import Studio
from studio.web.verbs import REF, TEXT, Verb

SPLIT = {"type": "string", "default": "train"}
COLUMNS = {"type": "array", "items": TEXT}
CONDITIONS = {"type": "array", "items": Condition.model_json_schema()}
FEW = 10  # rows where none is asked for: an answer is read by a model
ROW = {"type": "integer", "minimum": 0, "maximum": FARTHEST, "description": "Number of the row, from 0."}


def _view(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    asked = {"limit": FEW} | {name: value for name, value in given.items() if name != "ref"}
    return asdict(studio.view(caller, given["ref"], params.parse(View, asked)))


def _sql(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    split, limit = str(given.get("split", "train")), int(given.get("limit", MOST))
    return asdict(studio.sql(caller, given["ref"], split, given["query"], limit))


def _row(studio: Studio, caller: Caller, given: Mapping[str, Any]) -> Any:
    split, columns = str(given.get("split", "train")), given.get("columns", ())
    return asdict(studio.row(caller, given["ref"], split, given["number"], columns))


VERBS: dict[str, Verb] = {
    "view_dataset": Verb(
        "Rows of a data set, at most 100 at a time: filtered, sorted, at any depth; with their numbers.",
        {"ref": REF, **View.model_json_schema()["properties"], "conditions": CONDITIONS},
        _view,
        ("ref",),
    ),
    "query_dataset": Verb(
        "The answer to one SELECT over a split of a data set: read-only, ten seconds.",
        {
            "ref": REF,
            "split": SPLIT,
            "query": {"type": "string", "description": "The table is called by the split's name, or `data`."},
            "limit": {"type": "integer", "minimum": 0, "maximum": ROWS, "default": MOST},
        },
        _sql,
        ("ref", "query"),
    ),
    "read_row": Verb(
        "One row of a data set with its whole values.",
        {"ref": REF, "split": SPLIT, "number": ROW, "columns": COLUMNS},
        _row,
        ("ref", "number"),
    ),
}
