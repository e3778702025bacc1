"""Characters looked for in random tables, against Python."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from studio.core.errors import InvalidInputs, UnknownName
from studio.data import substring
from studio.data.filters import Condition
from studio.data.finding import Search
from tests.unit.data.test_rows import dataset_of

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = st.sampled_from(["a", "B", "é", ".", "*", "\\", "%", "_", "'", "\n", "(?i)", "\\E", " ", "😀"])
TEXT = st.lists(PIECES, max_size=6).map("".join)
CELL = st.none() | TEXT


@FEW
@given(
    rows=st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), min_size=1, max_size=40), query=TEXT.filter(str.strip)
)
def test_as_python_finds_them(tmp_path: Path, rows: list[tuple[str | None, str | None]], query: str) -> None:
    a, b = ([row[place] for row in rows] for place in (0, 1))
    cut = len(rows) // 2
    parts = [
        pa.table({"a": pa.array(a[part], pa.string()), "b": pa.array(b[part], pa.string())})
        for part in (slice(cut), slice(cut, None))
    ]
    dataset = dataset_of(tmp_path, train=parts)
    wanted = [n for n, row in enumerate(rows) if any(cell and query.lower() in cell.lower() for cell in row)]
    found = substring.search(dataset, Search(query=query, limit=100), ["a", "b"])
    assert found.rows == wanted
    assert found.total == len(wanted)
    page = substring.search(dataset, Search(query=query, offset=1, limit=2), ["a", "b"])
    assert page.rows == wanted[1:3]


def test_filters_hold_too(tmp_path: Path) -> None:
    table = pa.table({"t": ["web one", "Web two", "three", "web four"], "n": [1, 2, 3, 4]})
    dataset = dataset_of(tmp_path, train=[table])
    more = Condition(column="n", op=">", value=1)
    assert substring.search(dataset, Search(query="WEB", conditions=(more,)), ["t"]).rows == [1, 3]
    wrong = Condition(column="n", op="contains", value="x")
    with pytest.raises(InvalidInputs, match="op"):
        substring.search(dataset, Search(query="web", conditions=(wrong,)), ["t"])
    with pytest.raises(UnknownName, match="column"):
        substring.search(dataset, Search(query="web"), ["no"])


def test_what_makes_no_search() -> None:
    for values in (
        {"query": "  "},
        {"query": "x" * 1001},
        {"query": "x", "by": "smell"},
        {"query": "x", "limit": 101},
        {"query": "x", "offset": 10_001},
        {"query": "x", "by": "words", "conditions": [{"column": "a", "op": "null"}]},
    ):
        with pytest.raises(ValidationError):
            Search.model_validate(values)
