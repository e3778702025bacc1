"""What a check is, what it is asked, and what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, UnknownName
from studio.data import mapping, reading, rows
from studio.data.parquet import split_rank
from studio.data.records import Basis, Column, ColumnKind, Dataset

Severity = Literal["ok", "note", "warning", "serious", "not run"]
Progress = Callable[[float, float, str], None]
Stop = Callable[[], object]
TEXT: frozenset[ColumnKind] = frozenset({"text"})
WORDS = 30  # characters; what is shorter, and repeated, names a kind
GROUP = 20  # rows that are listed of a group; its true size stands beside

P = TypeVar("P", bound="CheckParams")


class CheckParams(BaseModel):
    """What every check takes."""

    model_config = ConfigDict(extra="forbid")

    splits: list[str] = Field(default_factory=list, title="Splits", description="Which parts; empty: all of them.")
    columns: list[str] = Field(
        default_factory=list, title="Columns", description="Which columns; empty: all that the check can use."
    )
    shown: int = Field(
        50, ge=1, le=1_000, title="Shown", description="How many finds are listed at most; all of them are counted."
    )


class SampledParams(CheckParams):
    """What a check takes that samples where there are too many rows."""

    rows: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        title="Rows",
        description="The most rows that are read of each split; of a larger one it reads a random sample.",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, title="Seed", description="The same seed draws the same sample.")


@dataclass(frozen=True, order=True)
class RowNumber:
    """A row: its split, and its place there, from 0 on."""

    split: str
    row: int


@dataclass(frozen=True)
class Evidence:
    """One find.

    Attributes:
        rows: the rows that it is about, at most `GROUP` of them; none where it is about a whole column.
        text: what was found, as plain text that may hold cells of the data.
        count: rows that it is about in truth.
        score: how strongly, as the method says.
    """

    rows: tuple[RowNumber, ...]
    text: str
    count: int = 1
    score: float | None = None


@dataclass(frozen=True)
class Mend:
    """A step of a recipe for the data that does something about what was found.

    Attributes:
        step: its name.
        fields: of the step, as the check had them: columns, how alike, which rows.
        split: the only one that it is for; "" for all, and where the fields name it.
        does: to what, in a few words; "" where it is to all that was found.
    """

    step: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    split: str = ""
    does: str = ""

    def plain(self) -> dict[str, Any]:
        """As a recipe has it."""
        return {"step": self.step} | ({"splits": [self.split]} if self.split else {}) | dict(self.fields)


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        check: its id.
        severity: one word; "not run" where the data has nothing for it, which `summary` says.
        summary: one or two sentences.
        figures: name → number; shares between 0 and 1 have names that end in "share".
        basis: split → the rows that the figures rest on.
        found: how many finds there are; `evidence` shows the first of them.
        counts: tables: name → value → rows.
        method: how it was done, with the parameters that matter and the source.
        remedy: what to do about it.
        mends: steps of a recipe for the data that do it.
    """

    check: str
    title: str
    severity: Severity
    summary: str
    figures: Mapping[str, float] = field(default_factory=dict)
    basis: Mapping[str, Basis] = field(default_factory=dict)
    found: int = 0
    evidence: tuple[Evidence, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    method: str = ""
    remedy: str = ""
    mends: tuple[Mend, ...] = ()


@dataclass(frozen=True)
class Check(Generic[P]):
    """One kind of examination.

    Attributes:
        id: the table's key.
        needs: what the data must have, in words.
        params: pydantic model; makes form, REST schema and stored parameters.
        run: `(dataset, params, progress, stop)` → what was found; `stop` raises when it is to end.
        heavy: whether it loads a library or trains a model, so that it runs as a job only.
        source: where the method comes from.
        step: the step of a recipe for the data that mends it, "" for none.
    """

    id: str
    title: str
    description: str
    needs: str
    params: type[P]
    run: Callable[[Dataset, P, Progress, Stop], Finding]
    source: str
    step: str = ""
    heavy: bool = False

    def described(self) -> dict[str, Any]:
        """The check as JSON, with the schema of its parameters."""
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "needs": self.needs,
            "at_once": not self.heavy,
            "source": self.source,
            "step": self.step,
            "parameters": self.params.model_json_schema(),
        }

    def not_run(self, reason: str) -> Finding:
        """The finding where the data has nothing for it."""
        return Finding(self.id, self.title, "not run", reason, method=self.source)


AnyCheck = Check[Any]


def splits_of(dataset: Dataset, params: CheckParams) -> list[str]:
    """The chosen splits, train first; raises `UnknownName`."""
    for split in params.splits:
        if split not in dataset.info.splits:
            raise UnknownName("split", split, list(dataset.info.splits))
    return sorted(set(params.splits) or dataset.info.splits, key=split_rank)


def columns_of(dataset: Dataset, params: CheckParams, kinds: frozenset[ColumnKind] = frozenset()) -> list[Column]:
    """The chosen columns, or all of these kinds; no kind means any.

    Raises:
        UnknownName: no such column.
        InvalidInput: at "columns", one that is of another kind.
    """
    known = {column.name: column for column in dataset.info.columns}
    for name in params.columns:
        if name not in known:
            raise UnknownName("column", name, list(known))
        if kinds and known[name].kind not in kinds:
            wanted = " or ".join(sorted(kinds))
            raise InvalidInput("columns", name, f"It holds {known[name].type}; this check reads {wanted}.")
    chosen = list(dict.fromkeys(params.columns))
    return [known[name] for name in chosen] or [c for c in known.values() if not kinds or c.kind in kinds]


def prose(dataset: Dataset, params: CheckParams, split: str) -> list[Column]:
    """The chosen columns of text, or all that are not labels or other short words that come again and again."""
    columns = columns_of(dataset, params, TEXT)
    if params.columns or not columns or not dataset.info.splits[split]:
        return columns
    with reading.opened(dataset, split) as opened:
        here = {column.name for column in opened.columns}
    figures = rows.outlines(dataset, split, [column.name for column in columns if column.name in here])
    label = mapping.map_columns(dataset, split).label

    def repeats(name: str) -> bool:
        one = figures.get(name)
        return one is not None and one.longest < WORDS and one.distinct * 2 <= one.present

    return [column for column in columns if column.name != label and not repeats(column.name)]


def share(part: float, whole: float) -> float:
    """The part between 0 and 1; 0 of nothing."""
    return part / whole if whole else 0.0


def percent(part: float, whole: float) -> str:
    """A share as a reader sees it: never 0 % for something, nor 100 % for less than all."""
    value = 100 * share(part, whole)
    if 0 < value < 0.01:
        return "less than 0.01 %"
    if 99.99 < value < 100:
        return "more than 99.99 %"
    return f"{value:.2f} %" if value < 10 else f"{value:.1f} %" if value < 100 else "100 %"


def plural(number: int, one: str, many: str = "") -> str:
    """The number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def excerpt(text: str, length: int = 160) -> str:
    """A cell as it may stand in a line: white space joined, cut at `length`."""
    flat = " ".join(text[: 4 * length].split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
