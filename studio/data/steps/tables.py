"""Arrow tables while steps change them: a column put in its place, a column's values, SQL over one table."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with these values in the column of this name, or in a new one."""
    place = table.column_names.index(name) if name in table.column_names else -1
    return table.append_column(name, values) if place < 0 else table.set_column(place, name, values)


def kept(table: pa.Table, stay: Sequence[bool]) -> pa.Table:
    """The rows that stay."""
    return table.filter(pa.array(np.asarray(stay, dtype=bool)))


def queried(table: pa.Table, numbers: Sequence[int], query: str) -> pa.Table:  # noqa: ARG001
    """The answer to a query in which the table is called "rows"."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("rows", table)
        return connection.sql(query).to_arrow_table()
