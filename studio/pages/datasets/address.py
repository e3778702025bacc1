"""What is looked at, as the query of the page's address: every view has a link, and the link tells all of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from studio.data.filters import Condition
from studio.data.finding import FARTHEST as REACH
from studio.data.finding import Search, Way
from studio.data.steps import STEPS
from studio.data.views import FARTHEST, MOST, View

PATH = "/datasets"
WAYS: tuple[Way, ...] = ("text", "words", "meaning")
TABS = ("rows", "columns", "sql", "map", "checks", "mend", "annotate", "publish")
MOST_CONDITIONS = 20


@dataclass(frozen=True)
class Address:
    """A place on the page.

    Attributes:
        ref: the data set, "" for the list of them.
        split: "" for the first.
        tab: one of `TABS`.
        q, by: what is searched for, and how.
        conditions: filters, as JSON in the address.
        where: a condition in SQL.
        sort, descending: the order.
        page: of 100 rows, from 0.
        row: the number of the row that is shown by itself, -1 for none.
        step: the step that is chosen to be added to the recipe, "" for none.
        fields: what stands in the step's form; as JSON in the address.
        only: the split that the step is for, "" for all.
        job: which fetches a data set that is not there yet; `ref` is empty then.
    """

    ref: str = ""
    split: str = ""
    tab: str = "rows"
    q: str = ""
    by: Way = "text"
    conditions: tuple[Condition, ...] = ()
    where: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 0
    row: int = -1
    step: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    only: str = ""
    job: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether not all rows are shown."""
        return bool(self.q or self.conditions or self.where)

    def view(self) -> View:
        """The rows, where nothing is searched for."""
        return View(
            split=self.split,
            conditions=self.conditions,
            where=self.where,
            sort=self.sort,
            descending=self.descending,
            offset=self.page * MOST,
        )

    def search(self) -> Search:
        """The search; filters go with characters only."""
        conditions = self.conditions if self.by == "text" else ()
        offset = min(self.page * MOST, REACH)
        return Search(query=self.q, by=self.by, split=self.split, conditions=conditions, offset=offset)

    def link(self, **changes: Any) -> str:
        """The address of this place with some changes, as a link."""
        return f"{PATH}?{replace(self, **changes).query()}"

    def narrowing(self) -> dict[str, str]:
        """Conditions and order, as the API takes them."""
        conditions = json.dumps([one.model_dump(mode="json") for one in self.conditions]) if self.conditions else ""
        told = {"conditions": conditions, "where": self.where, "sort": self.sort}
        told["descending"] = "true" if self.descending else ""
        return {name: value for name, value in told.items() if value}

    def query(self) -> str:
        """The query, what is as usual left out."""
        told = asdict(self) | {"conditions": "", "fields": _compact(self.fields) if self.fields else ""}
        if self.conditions:
            told["conditions"] = json.dumps([one.model_dump(mode="json") for one in self.conditions])
        usual = asdict(Address())
        shown = {name: value for name, value in told.items() if value != usual[name] and value != ""}
        return urlencode({name: 1 if value is True else value for name, value in shown.items()}, safe=":/,")


def parse(query: str) -> Address:
    """The place that a query names; what makes no sense in it is as usual. It comes from anywhere."""
    try:
        given = {name: values[-1] for name, values in parse_qs(query.lstrip("?"), max_num_fields=50).items()}
    except ValueError:
        given = {}
    by = given.get("by")
    return Address(
        ref=given.get("ref", "").strip(),
        split=given.get("split", ""),
        tab=given["tab"] if given.get("tab") in TABS else "rows",
        q=given.get("q", "")[:1000].strip(),
        by=next((way for way in WAYS if way == by), "text"),
        conditions=_conditions(given.get("conditions", "")),
        where=given.get("where", ""),
        sort=given.get("sort", ""),
        descending=given.get("descending") == "1",
        page=_number(given.get("page", ""), FARTHEST // MOST, 0),
        row=_number(given.get("row", ""), FARTHEST, -1),
        step=given["step"] if given.get("step") in STEPS else "",
        fields=_fields(given.get("step", ""), given.get("fields", "")),
        only=given.get("only", ""),
        job=given.get("job", "").strip(),
    )


def _compact(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))


def _number(text: str, most: int, usual: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 17 else usual


def _fields(step: str, text: str) -> dict[str, Any]:
    """Those that the step has, with values that they can have."""
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if step not in STEPS or not isinstance(given, dict):
        return {}
    known = STEPS[step].params.model_fields
    return {name: value for name, value in given.items() if name in known and _fits(known[name], value)}


def _fits(known: FieldInfo, value: Any) -> bool:
    wanted: Any = Annotated[known.annotation, known]
    try:
        TypeAdapter(wanted).validate_python(value)
    except (ValidationError, RecursionError):
        return False
    return True


def _conditions(text: str) -> tuple[Condition, ...]:
    try:
        listed = json.loads(text or "[]")
        return tuple(Condition.model_validate(one) for one in listed[:MOST_CONDITIONS])
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError):
        return ()
