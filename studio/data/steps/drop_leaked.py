"""drop-leaked: without the rows that another split holds too, exactly or nearly; what the check "leakage" counts."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from studio.data.near import Index, Plan, normalised
from studio.data.parquet import quote
from studio.data.reading import as_text
from studio.data.records import Column
from studio.data.steps.base import Against, Columns, Numbers, Params, Step, column_of, text_column
from studio.data.steps.naming import Names, check_once

TEXT = "VARCHAR"


class DropLeakedParams(Params):
    """Which split is compared with, and what makes two rows the same."""

    against: str = Field(
        "train",
        min_length=1,
        max_length=100,
        title="Compared with",
        description="The split whose rows the others must not hold. It stays as it is; in a recipe, `splits` says "
        "which of the others lose rows: all of them when none is named.",
        json_schema_extra={"widget": "split"},
    )
    columns: Names = Field(
        default_factory=list,
        title="Columns",
        description="Rows are the same when they agree in these columns; empty for all. Empty cells agree.",
        json_schema_extra={"widget": "column"},
    )
    normal: bool = Field(
        False,
        title="Normalise text",
        description="Take texts as the same that differ only in case, white space or compatibility forms.",
    )
    texts: Names = Field(
        default_factory=list,
        title="Nearly the same in",
        description="Columns of text: rows whose texts there are nearly the same are removed too; empty for none.",
        json_schema_extra={"widget": "column"},
    )
    threshold: float = Field(
        0.8,
        ge=0.3,
        le=1,
        title="Likeness",
        description="Jaccard index of the character n-grams from which on texts count as nearly the same.",
    )
    shingle: int = Field(5, ge=1, le=64, title="n-grams", description="Characters of an n-gram.")


def unseen(
    ask: Callable[[str], Iterator[pa.RecordBatch]],
    count: int,
    exact: tuple[str, str],
    near: tuple[str, str],
    threshold: float,
    shingle: int,
) -> Numbers:
    """The rows that stay. `exact` and `near` are what is asked of both splits; nothing where it is empty."""
    gone = np.zeros(count, dtype=bool)
    mine = np.concatenate([np.empty((0, 2), np.uint64), *digests(ask, exact[0])])
    order = np.lexsort((mine[:, 1], mine[:, 0]))
    first, second = mine[order, 0], mine[order, 1]
    for other in digests(ask, exact[1]):
        low, high = (np.searchsorted(first, other[:, 0], side) for side in ("left", "right"))
        hits = np.flatnonzero(high > low)
        for start, end, value in set(zip(*(one[hits].tolist() for one in (low, high, other[:, 1])), strict=True)):
            gone[order[start:end][second[start:end] == value]] = True
    if near[0]:
        with Index(Plan(threshold, shingle)) as index:
            left = ((number, text) for number, text in joined(ask, near[0]) if not gone[number])
            index.fill(left, lambda *_: None, lambda: None)
            for match in index.matches(joined(ask, near[1]), lambda: None):
                gone[match.left] = True
    return np.flatnonzero(~gone).astype(np.int64)


def digests(ask: Callable[[str], Iterator[pa.RecordBatch]], query: str) -> Iterator[npt.NDArray[np.uint64]]:
    """128 bits of each row, as two numbers: those that the query gives, with its further columns normalised."""
    for batch in ask(query):
        found = np.stack([batch.column(place).to_numpy(zero_copy_only=False) for place in (0, 1)], axis=1)
        if batch.num_columns > 2:
            texts = zip(*(column.to_pylist() for column in batch.columns[2:]), strict=True)
            plain = ([text if text is None else normalised(text) for text in row] for row in texts)
            keys = (repr((*pair, *row)).encode() for pair, row in zip(found.tolist(), plain, strict=True))
            whole = b"".join(blake2b(key, digest_size=16).digest() for key in keys)
            found = np.frombuffer(whole, dtype=np.uint64).reshape(-1, 2)
        yield found.astype(np.uint64)


def joined(ask: Callable[[str], Iterator[pa.RecordBatch]], query: str) -> Iterator[tuple[int, str]]:
    """Row number and text; several columns are joined by a line's end."""
    number = 0
    for batch in ask(query):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield number, "\n".join(text for text in row if text)
            number += 1


def function(params: DropLeakedParams, columns: Columns, others: Columns) -> "partial[Numbers]":
    """What chooses them. A column that one split lacks is empty there, if no columns are named."""
    names = params.columns or list(dict.fromkeys(column.name for column in (*columns, *others)))
    here, there = ({column.name: column for column in one} for one in (columns, others))
    pairs = [(here.get(name), there.get(name)) for name in names]
    exact = (
        hashed([cell(mine, theirs) for mine, theirs in pairs], params, "rows"),
        hashed([cell(theirs, mine) for mine, theirs in pairs], params, "others"),
    )
    listed = ", ".join(map(quote, params.texts))
    near = (f"SELECT {listed} FROM rows", f"SELECT {listed} FROM others") if listed else ("", "")  # noqa: S608
    return partial(unseen, exact=exact, near=near, threshold=params.threshold, shingle=params.shingle)


def cell(mine: Column | None, theirs: Column | None) -> tuple[str, bool]:
    """What is compared of a column as SQL, and whether it is a text: as in `checks.hashing`, where types differ."""
    texts = TEXT in {one.type for one in (mine, theirs) if one}
    if mine is None:
        return f"CAST(NULL AS {TEXT})", texts
    if theirs is None or mine.type == theirs.type:
        return quote(mine.name), texts
    if mine.kind == theirs.kind == "number":
        return f"CAST({quote(mine.name)} AS DOUBLE)", texts
    return as_text(mine), texts


def hashed(cells: Sequence[tuple[str, bool]], params: DropLeakedParams, source: str) -> str:
    """Two hashes of each row as SQL, then its texts where they are to be normalised."""
    apart = [sql for sql, is_text in cells if is_text and params.normal]
    values = ", ".join(sql for sql, is_text in cells if not (is_text and params.normal)) or "0"
    listed = ", ".join([f"hash({values})", f"md5_number_lower(CAST(row({values}) AS {TEXT}))", *apart])
    return f"SELECT {listed} FROM {source}"  # noqa: S608


def columns(params: DropLeakedParams, before: Columns) -> Columns:
    """The same, once those that are compared exist."""
    check_once(params.columns, "columns")
    check_once(params.texts, "texts")
    for name in params.columns:
        column_of(before, name, "columns")
    for name in params.texts:
        text_column(before, name, "texts")
    return before


def describe(params: DropLeakedParams) -> str:
    """What is compared with what, and how."""
    how = f"in {', '.join(params.columns)}" if params.columns else "in all columns"
    nearly = f", or nearly in {', '.join(params.texts)} by {params.threshold:.2g}" if params.texts else ""
    return f"drop rows that {params.against} holds too, {how}{nearly}"


STEP = Step(
    name="drop-leaked",
    title="Drop leaked rows",
    description="Removes rows of the other splits that one of them, train as a rule, holds too, exactly or nearly.",
    params=DropLeakedParams,
    work=Against[DropLeakedParams](function, lambda params: params.against, columns),
    describe=describe,
    example={"columns": ["text"], "normal": True, "texts": ["text"]},
)
