"""Columns of a file on its way in: which names are usable, and which types text columns can take without loss."""

from collections import Counter
from collections.abc import Iterator, Sequence

import duckdb

from studio.core.errors import InvalidInput, shorten
from studio.data.parquet import quote, run
from studio.data.watching import UNWATCHED, Watch

MAX_COLUMNS = 10_000
MAX_NAME = 1_000  # characters; what is longer is no name, but a row where a header should be
AT_ONCE = 500  # columns whose types are found in one pass

# A type is taken only when every value keeps its meaning in it: "007" and 20-digit ids stay text, so do True and yes.
INTEGER = "-?(0|[1-9][0-9]{0,17})"
DECIMAL = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?"
BOOLEAN = "true|false"


def check_names(names: Sequence[str], file: str, lead: str = "Columns must have names") -> None:
    """Raise `InvalidInput` at "file" unless there are between 1 and 10,000 different names that are not empty.

    Names that differ only in case count as the same: SQL would not tell them apart.
    """
    if not names:
        raise InvalidInput("file", file, f"{lead}, and there is nothing.")
    if len(names) > MAX_COLUMNS:
        raise InvalidInput("file", file, f"It has {len(names):,} columns; at most {MAX_COLUMNS:,} can be taken.")
    empty = [str(place) for place, name in enumerate(names, 1) if not name.strip()]
    if empty:
        columns = f"column {empty[0]} has" if len(empty) == 1 else f"columns {', '.join(empty[:10])} have"
        raise InvalidInput("file", file, f"{lead}; {columns} none (pandas: to_csv(index=False)).")
    if any("\0" in name for name in names):
        raise InvalidInput("file", file, f"{lead}, and one holds a NUL character.")
    longest = max(map(len, names))
    if longest > MAX_NAME:
        raise InvalidInput("file", file, f"{lead} of at most {MAX_NAME:,} characters; one has {longest:,}.")
    counts = Counter(name.casefold() for name in names)
    doubled = list(dict.fromkeys(name for name in names if counts[name.casefold()] > 1))
    if doubled:
        shown = ", ".join(shorten(name, 40) for name in doubled[:10])
        raise InvalidInput("file", file, f"{lead} that differ in more than case; more than once: {shown}.")


def narrowest(
    connection: duckdb.DuckDBPyConnection, source: str, path: str, names: Sequence[str], watch: Watch = UNWATCHED
) -> list[str]:
    """For each text column of `source` the SQL that reads it in the narrowest type without loss."""
    outputs: list[str] = []
    for start in range(0, len(names), AT_ONCE):
        portion = names[start : start + AT_ONCE]
        part = watch.part(start / len(names), (start + len(portion)) / len(names))
        outputs += _narrowest(connection, f"FROM {source}", path, portion, part)
    return outputs


def _narrowest(
    connection: duckdb.DuckDBPyConnection, source: str, path: str, names: Sequence[str], watch: Watch
) -> Iterator[str]:
    patterns = (("BIGINT", INTEGER), ("DOUBLE", DECIMAL), ("BOOLEAN", BOOLEAN))
    tests = ", ".join(f"bool_and(regexp_full_match({quote(name)}, '{p}'))" for name in names for _, p in patterns)
    answers = run(connection, f"SELECT {tests} {source}", [[path]], "Finding the types of the columns", watch)[0]
    for place, name in enumerate(names):
        fits = answers[place * len(patterns) : (place + 1) * len(patterns)]  # NULL, hence text, when all are null
        type_ = next((type_ for (type_, _), fit in zip(patterns, fits, strict=True) if fit), "VARCHAR")
        yield f"CAST({quote(name)} AS {type_}) AS {quote(name)}"
