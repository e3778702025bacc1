"""Pages at any depth, rows by their numbers, and cells that are too large for a page."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, InvalidInputs, UnknownName
from studio.data import media, views
from studio.data.records import Dataset
from studio.data.views import View
from tests.unit.data.test_rows import dataset_of


def numbered_in_parts(folder: Path, rows: int, parts: int) -> Dataset:
    """Rows 0, 1, 2 … in several files with small row groups."""
    table = pa.table({"n": range(rows), "t": [f"row {number}" for number in range(rows)]})
    size = -(-rows // parts)
    dataset = dataset_of(folder, train=[table.slice(start, size) for start in range(0, rows, size)])
    for place, path in enumerate(dataset.files["train"]):
        pq.write_table(table.slice(place * size, size), path, row_group_size=7)
    return dataset


@pytest.mark.parametrize("parts", [1, 3])
def test_pages_at_any_depth_are_in_the_order_of_the_files(tmp_path: Path, parts: int) -> None:
    dataset = numbered_in_parts(tmp_path, 100, parts)
    for offset, limit in [(0, 10), (30, 10), (33, 50), (95, 10), (100, 10), (2**53, 5), (0, 0)]:
        page = views.page(dataset, View(offset=offset, limit=limit))
        expected = list(range(100))[offset : offset + limit]
        assert page.numbers == expected
        assert page.rows == [[number, f"row {number}"] for number in expected]
        assert (page.total, page.matching) == (100, 100)


@pytest.mark.parametrize("parts", [1, 4])
def test_rows_come_by_their_numbers_in_the_order_asked(tmp_path: Path, parts: int) -> None:
    dataset = numbered_in_parts(tmp_path, 300, parts)
    numbers = random.Random(3).sample(range(300), 60)
    page = views.by_numbers(dataset, "train", [*numbers, numbers[0]], ["t"])
    assert page.rows == [[f"row {number}"] for number in [*numbers, numbers[0]]]
    assert page.numbers == [*numbers, numbers[0]]
    assert views.by_numbers(dataset, "train", []).rows == []
    for wrong in (-1, 300):
        with pytest.raises(InvalidInput, match="from 0 to 299"):
            views.by_numbers(dataset, "train", [0, wrong])


def test_files_with_other_columns_and_types_give_one_table(tmp_path: Path) -> None:
    first = pa.table({"n": pa.array([1, 2], pa.int32()), "t": ["a", "b"]})
    second = pa.table({"n": pa.array([3.5, None], pa.float64()), "u": [[1], None]})
    dataset = dataset_of(tmp_path, train=[first, second])
    expected = [[1.0, "a", None], [2.0, "b", None], [3.5, None, [1]], [None, None, None]]
    assert views.page(dataset).rows == expected
    page = views.page(dataset, View(sort="n", descending=True))
    assert (page.numbers, page.rows) == ([2, 1, 0, 3], [expected[2], expected[1], expected[0], expected[3]])


def test_a_column_may_be_called_like_the_place_of_a_row(tmp_path: Path) -> None:
    table = pa.table({"FILE_ROW_NUMBER": [7, 7, 9], "place of the row": ["a", "b", "c"]})
    dataset = dataset_of(tmp_path, train=[table, table])
    page = views.page(dataset, View(conditions=({"column": "FILE_ROW_NUMBER", "op": "=", "value": 9},)))
    assert (page.numbers, page.rows) == ([2, 5], [[9, "c"], [9, "c"]])
    assert views.by_numbers(dataset, "train", [5, 1]).rows == [[9, "c"], [7, "b"]]


def test_names_are_those_of_the_split(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"t": ["x"], "n": [1]})])
    assert views.page(dataset, View(columns=("n", "t", "n"))).columns == ("n", "t")
    for wrong in (View(columns=("nope",)), View(sort='n" --')):
        with pytest.raises(UnknownName, match="Known: t, n"):
            views.page(dataset, wrong)
    with pytest.raises(UnknownName, match=r"'dev'. Known: train\."):
        views.page(dataset, View(split="dev"))


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"limit": -1}, {"limit": 101}, {"offset": 10**20}, {"nope": 1}])
def test_a_view_has_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        View(**wrong)


def test_no_rows_and_nulls_everywhere(tmp_path: Path) -> None:
    table = pa.table({"t": pa.array([None, None], pa.string()), "n": pa.array([None, None], pa.int8())})
    dataset = dataset_of(tmp_path, train=[table], test=[table.slice(0, 0)])
    assert views.page(dataset, View(sort="t")).rows == [[None, None], [None, None]]
    empty = views.page(dataset, View(split="test", sort="n"))
    assert (empty.rows, empty.total, empty.matching) == ([], 0, 0)
    with pytest.raises(InvalidInput, match="There are no rows"):
        views.by_numbers(dataset, "test", [0])


def test_large_cells_are_cut_and_say_so(tmp_path: Path) -> None:
    long = "é" * 10_000_000
    table = pa.table({"t": [long, "short"], "l": [list(range(5_000)), [1]], "b": [b"x" * 1_000_000, None]})
    page = views.page(dataset_of(tmp_path, train=[table]))
    assert page.rows == [
        ["é" * views.WIDEST, json.dumps(list(range(5_000)))[: views.WIDEST], "<1000000 bytes>"],
        ["short", [1], None],
    ]
    cut = [(one.row, one.column, one.length) for one in page.cut]
    assert cut == [(0, "t", 10_000_000), (0, "l", len(json.dumps(list(range(5_000)))))]


def test_bytes_stay_in_the_database_however_deep_they_lie(tmp_path: Path) -> None:
    picture = {"bytes": b"\x89PNG\r\n\x1a\n" + bytes(8) + (3).to_bytes(4) + (2).to_bytes(4), "path": "a.png"}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "one": pa.array([picture, None], kind),
            "many": pa.array([[picture, None], None], pa.list_(kind)),
            "in": pa.array([{"it's": b"xy", "p": picture}, None], pa.struct([("it's", pa.binary()), ("p", kind)])),
            "plain": pa.array([[b"abc"], []], pa.list_(pa.binary())),
        }
    )
    dataset = dataset_of(tmp_path, train=[table])
    assert dataset.info.columns[0].type == media.COLUMN
    assert views.page(dataset).rows == [
        [
            "image, 3×2",
            ["image, 3×2", None],
            {"it's": "<2 bytes>", "p": "image, 3×2"},
            ["<3 bytes>"],
        ],
        [None, None, None, []],
    ]


def test_values_are_strict_json(tmp_path: Path) -> None:
    table = pa.table(
        {
            "f": [math.nan, math.inf, -math.inf],
            "d": pa.array([0, 10**15, None], pa.timestamp("us", tz="Europe/Berlin")),
            "m": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int8())),
            "x": ["<script>alert(1)</script>", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\0"],
        }
    )
    page = views.page(dataset_of(tmp_path, train=[table]))
    json.dumps(page.rows, allow_nan=False)
    assert [row[0] for row in page.rows] == ["nan", "inf", "-inf"]
    assert [row[2] for row in page.rows] == [{"a": 1}, {}, None]
    assert [row[3] for row in page.rows] == ["<script>alert(1)</script>", "😀", "\0"]


def test_the_count_is_made_only_when_it_is_wanted(tmp_path: Path) -> None:
    dataset = numbered_in_parts(tmp_path, 300, 2)
    view = View(conditions=({"column": "n", "op": ">=", "value": 100},))
    assert views.page(dataset, view).matching == views.count(dataset, view) == 200
    assert views.page(dataset, view, counting=False).matching is None
    last = view.model_copy(update={"offset": 150})
    assert views.page(dataset, last, counting=False).matching == 200
    assert views.count(dataset, View()) == 300
    with pytest.raises(InvalidInputs, match=r"conditions\.0\.column"):
        views.count(dataset, View(conditions=({"column": "x", "op": "null"},)))
