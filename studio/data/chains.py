"""Steps that need no other rows, done one after the other on some rows at a time: SQL by DuckDB, the rest in Python."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from studio.core.errors import InvalidInput
from studio.data import parquet, shapes
from studio.data.mending import Entry
from studio.data.steps.base import Columns, Outputs, Rows, Tools, Where

Numbered = tuple[int, Entry]


class Chain:
    """A run of such steps over one split.

    Attributes:
        positions: for each link how many rows it has seen: a step's rows are numbered from 0 on.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection | None, links: Sequence["Link"], positions: Sequence[int]
    ) -> None:
        self._connection, self._links = connection, links
        self.positions = list(positions) or [0] * len(links)

    def send(self, table: pa.Table) -> pa.Table:
        """What becomes of the next rows."""
        for place, link in enumerate(self._links):
            seen, count = self.positions[place], table.num_rows
            table = link.apply(table, range(seen, seen + count), self._connection)
            self.positions[place] += count
        return table

    def end(self, schema: pa.Schema) -> pa.Table | None:
        """Rows that come after the last one, as they leave the chain. Raises `InvalidInput` for rows there never were.

        Args:
            schema: of what went into the chain.
        """
        table = schema.empty_table()
        for place, link in enumerate(self._links):
            link.check(self.positions[place])
            seen = self.positions[place]
            added = link.added(table.schema)
            table = link.apply(table, range(seen, seen + table.num_rows), self._connection)
            if added is not None:
                table = pa.concat_tables([table, added])
        return table if table.num_rows else None


class Link:
    """One step of a chain, or several that are one query.

    Attributes:
        steps: with their numbers in the recipe.
        is_query: whether it is SQL.
    """

    def __init__(self, number: int, entry: Entry, columns: Columns, tools: Tools, carried: str = "") -> None:
        work = entry.step.work
        self.steps, self._columns, self._carried = [(number, entry)], [columns], carried
        self._function = work.function(entry.params, tools) if isinstance(work, Rows) else None
        self.is_query = self._function is None

    def take_in(self, other: "Link") -> None:
        """Do the query that follows in the same one."""
        self.steps += other.steps
        self._columns += other._columns

    def query(self, source: str = "rows") -> str:
        """The SQL of all its steps over `source`."""
        for (_, entry), columns in zip(self.steps, self._columns, strict=True):
            source = f"({shapes.query(entry, columns, source, self._carried)}) AS rows"
        return source.removesuffix(" AS rows")[1:-1]

    def apply(self, table: pa.Table, numbers: range, connection: duckdb.DuckDBPyConnection | None) -> pa.Table:
        """The rows after it; SQL needs a connection."""
        if self._function is not None:
            return self._function(table, numbers)
        if connection is None:
            raise TypeError("SQL needs a connection")
        with blamed(self.steps):
            connection.register("rows", table)
            return connection.sql(self.query()).to_arrow_table()

    def check(self, count: int) -> None:
        """Whether the rows that it names were among the `count` that it has seen."""
        for number, entry in self.steps:
            shapes.check_last(entry, f"steps.{number}", count)

    def added(self, schema: pa.Schema) -> pa.Table | None:
        """Rows of its own, which come last."""
        _, entry = self.steps[0]
        work = entry.step.work
        return work.added(entry.params, schema) if isinstance(work, Rows) else None


def links(steps: Sequence[Numbered], columns: Columns, tools: Tools, carried: str = "") -> list[Link]:
    """The links for these steps; neighbours that are SQL become one query."""
    found: list[Link] = []
    for number, entry in steps:
        link = Link(number, entry, columns, tools, carried)
        if link.is_query and found and found[-1].is_query:
            found[-1].take_in(link)
        else:
            found.append(link)
        columns = shapes.after(entry, columns)
    return found


def streams(entry: Entry) -> bool:
    """Whether a step needs no other rows."""
    return isinstance(entry.step.work, Where | Outputs | Rows)


@contextmanager
def blamed(steps: Sequence[Numbered]) -> Iterator[None]:
    """What SQL finds wrong with a value is said of the steps that met it."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        first, last = steps[0][0], steps[-1][0]
        entry = steps[0][1]
        where = f"steps.{first}" if first == last else "steps"
        what = entry.title() if first == last else f"steps {first} to {last}"
        raise InvalidInput(where, what, f"A value does not fit: {parquet.reason(error)}.") from None
