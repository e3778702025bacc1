"""One row and one cell as a whole; what bytes are is found by looking at them; names of classes."""

import json
import struct
import zlib
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, NotFound, UnknownName
from studio.data import cells, details, labels, parquet, views
from studio.data.filters import Condition
from studio.data.records import Dataset, DatasetInfo
from studio.data.views import View
from tests.unit.data.test_rows import dataset_of

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\0\0"))
    + chunk(b"IEND", b"")
)
WAV = (
    b"RIFF"
    + struct.pack("<I", 36)
    + b"WAVEfmt "
    + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    + b"data\0\0\0\0"
)


def test_a_row_has_its_whole_values(tmp_path: Path) -> None:
    long = "é" * 2_000_000
    table = pa.table({"n": [0, 1], "t": ["x", long], "l": [None, [{"a": [1.5, None]}]]})
    dataset = dataset_of(tmp_path, train=[table])
    row = details.row(dataset, "train", 1)
    assert (row.number, row.total) == (1, 2)
    assert [value.column for value in row.values] == ["n", "t", "l"]
    assert (row.values[1].value, row.values[1].length) == (long[: details.LONGEST], 2_000_000)
    assert (row.values[2].value, row.values[2].length) == ([{"a": [1.5, None]}], 0)
    assert [value.type for value in details.row(dataset, "train", 0, ["l", "n"]).values] == [
        "STRUCT(a DOUBLE[])[]",
        "BIGINT",
    ]
    for wrong in (-1, 2):
        with pytest.raises(InvalidInput, match="from 0 to 1") as caught:
            details.row(dataset, "train", wrong)
        assert caught.value.field == "number"
    with pytest.raises(UnknownName, match="Known: n, t, l"):
        details.row(dataset, "train", 0, ["nope"])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (WAV, "audio/wav"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"\0\0\0\x20ftypM4A \0\0", "audio/mp4"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", details.TEXT),
        (b"<!doctype html><script>alert(1)</script>", details.TEXT),
        ("plain é".encode(), details.TEXT),
        (b"", details.TEXT),
        (b"\x80\x81", details.UNKNOWN),
        (b"MZ\0\0", details.UNKNOWN),
    ],
)
def test_what_bytes_are_is_seen_in_them(tmp_path: Path, data: bytes, kind: str) -> None:
    """Whatever the file was called."""
    table = pa.table({"m": pa.array([{"bytes": data, "path": "evil.html"}], MEDIA), "b": [data]})
    dataset = dataset_of(tmp_path, train=[table])
    for column in ("m", "b"):
        assert details.cell(dataset, "train", 0, column) == details.Content(data, kind)


@pytest.mark.parametrize("parts", [1, 2])
def test_parts_of_nested_cells_have_a_way(tmp_path: Path, parts: int) -> None:
    pictures = pa.array([[{"bytes": PNG, "path": None}, None], None], pa.list_(MEDIA))
    deep = pa.array([{"it's": {"x": [1, 2]}}, None])
    table = pa.table({"many": pictures, "deep": deep, "t": ["<b>", None]})
    dataset = dataset_of(tmp_path, train=[table] * parts)
    last = 2 * (parts - 1)
    assert details.cell(dataset, "train", last, "many", ["0"]) == details.Content(PNG, "image/png")
    assert details.cell(dataset, "train", last, "deep", ["it's", "x", "1"]).data == b"2"
    assert json.loads(details.cell(dataset, "train", last, "deep").data) == {"it's": {"x": [1, 2]}}
    assert details.cell(dataset, "train", last, "t") == details.Content(b"<b>", details.TEXT)
    for column, inside in (("many", ["1"]), ("many", ["9"]), ("deep", ["it's", "x", "2"])):
        with pytest.raises(NotFound, match="empty"):
            details.cell(dataset, "train", last, column, inside)
    for column in ("many", "t"):
        with pytest.raises(NotFound, match="empty"):
            details.cell(dataset, "train", last + 1, column)
    for column, inside in (("many", ["x"]), ("many", ["-1"]), ("deep", ["nope"]), ("t", ["0"]), ("many", ["9" * 40])):
        with pytest.raises(InvalidInput, match="no such part"):
            details.cell(dataset, "train", last, column, inside)


def test_a_cell_that_is_too_large_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "LARGEST", 10)
    dataset = dataset_of(tmp_path, train=[pa.table({"b": [b"x" * 11], "t": ["é" * 6], "n": [1]})])
    for column in ("b", "t"):
        with pytest.raises(InvalidInput, match="at most 10"):
            details.cell(dataset, "train", 0, column)
    assert details.cell(dataset, "train", 0, "n").data == b"1"


def labelled(folder: Path, features: object) -> Dataset:
    """A Parquet file as `datasets` writes it."""
    info = json.dumps({"info": {"features": features}})
    table = pa.table({"text": ["a", "b", "c"], "label": pa.array([1, 0, None], pa.int64())})
    path = folder / "labelled.parquet"
    pq.write_table(table.replace_schema_metadata({"huggingface": info}), path)
    splits, columns = parquet.describe({"train": (path,)}, "test")
    return Dataset(DatasetInfo("test", "Test", "file", splits, columns), {"train": (path,)})


def test_classes_have_names(tmp_path: Path) -> None:
    dataset = labelled(
        tmp_path, {"label": {"names": ["ham", "spam"], "_type": "ClassLabel"}, "text": {"dtype": "string"}}
    )
    page = views.page(dataset)
    assert page.labels == {"label": ("ham", "spam")}
    assert page.rows == [["a", 1], ["b", 0], ["c", None]]
    assert [value.label for value in details.row(dataset, "train", 0).values] == ["", "spam"]
    assert details.row(dataset, "train", 2).values[1].label == ""
    for value, numbers in (("spam", [0]), (0, [1])):
        found = views.page(dataset, View(conditions=(Condition(column="label", op="=", value=value),)))
        assert found.numbers == numbers
    several = Condition(column="label", op="in", value=("spam", "ham"))
    assert views.count(dataset, View(conditions=(several,))) == 2
    with pytest.raises(Exception, match="a number or a class: ham, spam"):
        views.page(dataset, View(conditions=(Condition(column="label", op="=", value="eggs"),)))


@pytest.mark.parametrize("features", [None, [], "x", {"label": None}, {"label": {"_type": "ClassLabel", "names": 3}}])
def test_features_that_are_no_features_name_nothing(tmp_path: Path, features: object) -> None:
    assert views.page(labelled(tmp_path, features)).labels == {}


def test_a_readme_names_classes() -> None:
    names = {"0": "no", "1": "yes"}
    feature = {"name": "label", "dtype": {"class_label": {"names": names}}}
    info = {"config_name": "b", "features": [{"name": "text", "dtype": "string"}, feature]}
    assert labels.in_header({"dataset_info": info}) == {"label": ("no", "yes")}
    assert labels.in_header({"dataset_info": [{"config_name": "a", "features": []}, info]}, "b") == {
        "label": ("no", "yes")
    }
    assert labels.in_header({"dataset_info": [{"config_name": "a"}, info]}) == {}
    for odd in ({}, {"dataset_info": 1}, {"dataset_info": {"features": {"label": 1}}}):
        assert labels.in_header(odd) == {}
    gap = {"name": "label", "dtype": {"class_label": {"names": {"0": "no", "2": "yes"}}}}
    assert labels.in_header({"dataset_info": {"features": [gap]}}) == {}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12.30", 12.3),
        ("5.00", 5),
        ("-0.1", -0.1),
        ("1234567890123456789012", 1234567890123456789012),
        ("1234567890123456789.05", "1234567890123456789.05"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("1E-20", 1e-20),
    ],
)
def test_a_decimal_is_a_number_where_that_is_exact(value: str, shown: object) -> None:
    found = cells.plain(Decimal(value))
    assert (found, type(found)) == (shown, type(shown))
