"""A step added from outside: texts said louder."""

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
from pydantic import Field

from studio.data.steps.base import Params, Rows, Step, Tools
from studio.data.steps.noise import texts_only
from studio.data.steps.tables import with_column


class LouderParams(Params):
    column: str = Field("text", title="Toy column", description="What is said louder.")


def louder(table: pa.Table, numbers: Sequence[int], column: str) -> pa.Table:
    texts = [text and text.upper() for text in table.column(column).to_pylist()]
    return with_column(table, column, pa.array(texts, pa.string()))


def function(params: LouderParams, tools: Tools) -> "partial[pa.Table]":
    return partial(louder, column=params.column)


STEP = Step(
    name="toy-step",
    title="Toy step",
    description="Says texts louder.",
    params=LouderParams,
    work=Rows[LouderParams](function, texts_only),
    describe=lambda params: f"say {params.column} louder",
)
