"""tokenize: texts as a model reads them: input_ids, attention_mask and their length."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from studio.core.errors import InvalidInput
from studio.data.records import Column
from studio.data.steps.base import Code, Columns, Params, Rows, Step, Tools, replaced, text_column
from studio.data.steps.tables import with_column

OUTPUTS = (
    Column("input_ids", "INTEGER[]", "other"),
    Column("attention_mask", "TINYINT[]", "other"),
    Column("length", "INTEGER", "number"),
)


class TokenizeParams(Params):
    """Which texts, by which tokenizer."""

    column: str = Field(
        "text",
        min_length=1,
        max_length=300,
        title="Column",
        description="The texts.",
        json_schema_extra={"widget": "column"},
    )
    tokenizer: str = Field(
        "kit:minilm-l6",
        min_length=1,
        max_length=300,
        title="Tokenizer of",
        description="A model whose tokenizer is taken: kit:…, artifact:… or a Hub id owner/name.",
        json_schema_extra={"widget": "model"},
    )
    max_length: int = Field(
        0, ge=0, le=1_000_000, title="Longest", description="Tokens to which longer texts are cut; 0 cuts none."
    )
    keep_text: bool = Field(True, title="Keep the text", description="Whether the column of texts stays.")


def tokenized(
    table: pa.Table,
    numbers: Sequence[int],  # noqa: ARG001
    column: str,
    encode: Callable[[list[str], int], list[list[int]]],
    max_length: int,
    keep_text: bool,
) -> pa.Table:
    """The rows with their tokens; a text that is null has none."""
    texts = table.column(column)
    missing = np.asarray(texts.is_null())
    given, counts, tokens = texts.fill_null("").to_pylist(), [], []
    for start in range(0, len(given), 1000):  # ids as Python's numbers take ten times the memory
        rows = encode(given[start : start + 1000], max_length)
        rows = [[] if gone else row for row, gone in zip(rows, missing[start:], strict=False)]
        counts.append(np.fromiter(map(len, rows), np.int32, len(rows)))
        tokens.append(np.fromiter((token for row in rows for token in row), np.int32))
    lengths = np.concatenate([*counts, np.zeros(0, np.int32)])
    flat = np.concatenate([*tokens, np.zeros(0, np.int32)])
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32))
    mask = pa.array(missing)
    ids = pa.ListArray.from_arrays(offsets, pa.array(flat), mask=mask)
    seen = pa.ListArray.from_arrays(offsets, pa.array(np.ones(len(flat), np.int8)), mask=mask)
    table = with_column(table, "input_ids", ids)
    table = with_column(table, "attention_mask", seen)
    table = with_column(table, "length", pa.array(lengths, mask=missing))
    return table if keep_text else table.drop_columns([column])


def ids_of(tokenizer: Any, texts: list[str], length: int) -> list[list[int]]:
    """Token ids by a tokenizer of transformers, special ones included."""
    cut = {"truncation": True, "max_length": length} if length else {}
    found: list[list[int]] = tokenizer(texts, return_attention_mask=False, return_token_type_ids=False, **cut)[
        "input_ids"
    ]
    return found


def columns(params: TokenizeParams, before: Columns) -> Columns:
    """Three more."""
    text_column(before, params.column)
    outputs = {column.name for column in OUTPUTS}
    if params.column in outputs:
        raise InvalidInput("column", params.column, "The tokens would take its place; rename it before.")
    for column in before:
        if column.name.casefold() in outputs - {column.name}:
            raise InvalidInput("column", params.column, f"{column.name!r} is in the way of the tokens; rename it.")
    for output in OUTPUTS:
        before = replaced(before, output)
    return before if params.keep_text else tuple(column for column in before if column.name != params.column)


def function(params: TokenizeParams, tools: Tools) -> "partial[pa.Table]":
    """What adds them."""
    return partial(
        tokenized,
        encode=tools.tokenizer(params.tokenizer),
        column=params.column,
        max_length=params.max_length,
        keep_text=params.keep_text,
    )


def code(params: TokenizeParams, tools: Tools) -> Code:
    """With the tokenizer of transformers."""
    settings = f"column={params.column!r}, max_length={params.max_length}, keep_text={params.keep_text}"
    return Code(
        f"by_rows(rows, partial(tokenized, encode=partial(ids_of, tokenizer), {settings}))",
        (tokenized, ids_of),
        {"transformers": "AutoTokenizer"},
        (f"tokenizer = AutoTokenizer.from_pretrained({tools.arguments(params.tokenizer)})",),
    )


def describe(params: TokenizeParams) -> str:
    """Whose tokenizer, and where it cuts."""
    cut = f", cut at {params.max_length}" if params.max_length else ""
    return f"tokenize {params.column} by {params.tokenizer}{cut}"


STEP = Step(
    name="tokenize",
    title="Tokenize",
    description="Adds the token ids of a text, their mask and their number, by the tokenizer of any model.",
    params=TokenizeParams,
    work=Rows[TokenizeParams](function, columns),
    describe=describe,
    code=code,
    group="Text",
    example={"max_length": 8},
)
