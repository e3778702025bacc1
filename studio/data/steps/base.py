"""What a step is: one change to a data set, as forms, recipes, previews, jobs and exported scripts see it.

A step works in one of six ways; each of them can be streamed, and gives the same whatever the size of the batches.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from studio.core.errors import InvalidInput
from studio.data import media
from studio.data.records import Column

P = TypeVar("P", bound=BaseModel)
Columns = tuple[Column, ...]
Numbers = npt.NDArray[np.int64]
Group = Literal["Rows", "Columns", "Text", "Media"]
MAX_SEED = 2**31 - 1


class Params(BaseModel):
    """What every step's parameters are: frozen, and without fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tokenizer(Protocol):
    """What of a tokenizer is needed."""

    def __call__(self, texts: list[str], length: int) -> list[list[int]]:
        """Token ids of each text, special ones included, at most `length` of them (0 for any number)."""


class Translator(Protocol):
    """A model that says texts in another language."""

    def __call__(self, texts: list[str], source: str, target: str) -> list[str]:
        """One text for each."""


def _no_tokenizer(ref: str) -> Tokenizer:
    raise InvalidInput("tokenizer", ref, "There are no models here; run the recipe as a job.")


def _no_translator(ref: str) -> Translator:
    raise InvalidInput("forth", ref, "This step runs in a job only: it needs a model.")


@dataclass(frozen=True)
class Tools:
    """What a step may ask for beside its rows.

    Attributes:
        tokenizer: reference of a model → its tokenizer.
        translator: reference of a model → the model; in jobs only.
        arguments: reference of a model → what `from_pretrained` takes, as Python, for exported scripts.
    """

    tokenizer: Callable[[str], Tokenizer] = _no_tokenizer
    translator: Callable[[str], Translator] = _no_translator
    arguments: Callable[[str], str] = repr


NO_TOOLS = Tools()


class Ask(Protocol):
    """Answers SQL about the rows before the step; they are called "rows", and come in their order.

    For a step that compares splits, those of the other one are called "others".
    """

    def __call__(self, query: str) -> Iterator[pa.RecordBatch]:
        """The answer, batch by batch."""


def unchanged(params: Any, columns: Columns) -> Columns:  # noqa: ARG001  the signature of what changes them
    """The columns of a step that adds and takes none."""
    return columns


@dataclass(frozen=True)
class Where(Generic[P]):
    """Keeps the rows for which a SQL condition is true; `blame` is the field that is wrong when it cannot be asked."""

    condition: Callable[[P], str]
    blame: str = "condition"


@dataclass(frozen=True)
class Outputs(Generic[P]):
    """Gives the columns that are listed: name → SQL expression over the row.

    Attributes:
        blame: as in `Where`.
        given: SQL that the user wrote, which is checked before it is used; "" for none.
    """

    expressions: Callable[[P, Columns], dict[str, str]]
    blame: str = "expression"
    given: Callable[[P], str] = lambda _: ""


@dataclass(frozen=True)
class Rows(Generic[P]):
    """Changes some rows at a time in Python: `function(table, numbers)`, where `numbers` are their places.

    Attributes:
        function: must not look at other rows, keeps what it does not know of, and may leave rows out.
        columns: what becomes of the columns; raises `InvalidInput`.
        added: rows that come after the last one.
        costly: whether a thousand rows take seconds; previews run it over what they show only.
        of: the only split that it is about, "" for all.
        last: the last row that it names; a split that ends before it is refused.
    """

    function: Callable[[P, Tools], "partial[pa.Table]"]
    columns: Callable[[P, Columns], Columns] = unchanged
    added: Callable[[P, pa.Schema], pa.Table | None] = lambda *_: None
    costly: bool = False
    of: Callable[[P], str] = lambda _: ""
    last: Callable[[P], int] = lambda _: -1


@dataclass(frozen=True)
class Places(Generic[P]):
    """Chooses and orders whole rows: `function(ask, count)` gives their numbers."""

    function: Callable[[P, Columns], "partial[Numbers]"]
    columns: Callable[[P, Columns], Columns] = unchanged


@dataclass(frozen=True)
class Against(Generic[P]):
    """Chooses whole rows by what another split holds: `function(ask, count)` gives their numbers.

    Attributes:
        function: made of the columns of the split and those of the other one.
        other: the split that is compared with; it stays as it is.
        columns: raises `InvalidInput` for columns, of either split, that do not do.
    """

    function: Callable[[P, Columns, Columns], "partial[Numbers]"]
    other: Callable[[P], str]
    columns: Callable[[P, Columns], Columns] = unchanged


@dataclass(frozen=True)
class Parts(Generic[P]):
    """Makes several splits of one: `function(ask, count)` gives the numbers of each.

    Attributes:
        of: the split that is divided; it exists no more afterwards, unless a part is called the same.
        names: the parts.
    """

    function: Callable[[P, Columns], "partial[dict[str, Numbers]]"]
    of: Callable[[P], str]
    names: Callable[[P], tuple[str, ...]]
    columns: Callable[[P, Columns], Columns] = unchanged


Work = Where[P] | Outputs[P] | Rows[P] | Places[P] | Against[P] | Parts[P]


@dataclass(frozen=True)
class Code:
    """A step in an exported script.

    Attributes:
        line: an expression over `rows`, a `datasets.Dataset`.
        functions: what it calls; their source goes into the script with all that they need.
        imports: module → names from it, beside those that the functions need.
        setup: lines that stand before it.
    """

    line: str
    functions: tuple[Callable[..., Any], ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step(Generic[P]):
    """One kind of change to a data set.

    Attributes:
        name: the table's key, as recipes write it.
        title: what a page calls it.
        description: one sentence: what it does.
        params: makes form, YAML and REST schema.
        work: how it is done.
        describe: what it does with these parameters, in a few words.
        code: the same step with `datasets`; None where it follows from `work`.
        check: what the fields' own bounds cannot say and needs no columns; raises `InvalidInput`.
        group: where menus list it.
    """

    name: str
    title: str
    description: str
    params: type[P]
    work: Work[P]
    describe: Callable[[P], str]
    code: Callable[[P, Tools], Code] | None = None
    check: Callable[[P], None] = lambda _: None
    group: Group = "Rows"
    example: Mapping[str, Any] = field(default_factory=dict)


AnyStep = Step[Any]


def column_of(columns: Sequence[Column], name: str, field: str) -> Column:
    """The column of this name; raises `InvalidInput` at `field`, with the names that there are."""
    for column in columns:
        if column.name == name:
            return column
    known = ", ".join(column.name for column in columns) or "none"
    raise InvalidInput(field, name, f"There is no such column here. There are: {known}.")


def text_column(columns: Sequence[Column], name: str, field: str = "column") -> Column:
    """A column of texts; raises `InvalidInput` at `field`."""
    column = column_of(columns, name, field)
    if column.type != "VARCHAR":
        raise InvalidInput(field, name, f"This column holds no text but {column.type}; cast it before.")
    return column


def media_column(columns: Sequence[Column], name: str, what: str) -> Column:
    """A column of files, as `datasets` writes pictures and sounds; raises `InvalidInput` at "column"."""
    column = column_of(columns, name, "column")
    if column.type != media.COLUMN:
        raise InvalidInput("column", name, f"This column holds no {what} but {column.type}.")
    return column


def replaced(columns: Columns, new: Column) -> Columns:
    """The columns with `new` in the place of the one that has its name, or at the end."""
    if any(column.name == new.name for column in columns):
        return tuple(new if column.name == new.name else column for column in columns)
    return (*columns, new)
