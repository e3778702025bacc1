"""Exports: what is written is what is there, whatever it is; and what is opened again is the same."""

import csv
import datetime
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, InvalidInputs, UnknownName
from studio.core.settings import Settings
from studio.data import exporting, features, reading, sources, uploads
from studio.data.exporting import FORMATS, Format
from studio.data.filters import Condition
from studio.data.records import Dataset
from studio.data.sandbox import Sandbox
from studio.data.views import View

ODD: dict[str, Any] = {
    "whole": [2**63 - 1, None, -1],
    "fraction": [0.1, float("nan"), float("-inf")],
    "text": ['=1+1 "quoted"\r\n', "", None],
    "flag": [True, False, None],
    "decimal": [Decimal("12345678901234567890.12"), None, Decimal("0.10")],
    "day": [datetime.date(2024, 2, 29), None, None],
    "moment": [datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC), None, None],
    "list": [[1.5, float("nan")], [], None],
    "struct": [{"a": 1, "b <": "ü"}, None, {"a": None, "b <": None}],
}


@pytest.fixture
def odd(tmp_path: Path) -> Dataset:
    return opened(tmp_path, pa.table(ODD))


def opened(folder: Path, table: pa.Table, name: str = "odd.parquet") -> Dataset:
    pq.write_table(table, folder / name)
    return sources.resolve(str(folder / name), Settings(home=folder / "home", offline=True), "local")


def exported(dataset: Dataset, format: Format, split: str = "", view: View | None = None) -> bytes:
    return b"".join(exporting.export(dataset, format, split, view).parts)


def test_csv_says_what_is_there(odd: Dataset) -> None:
    found = exporting.export(odd, "csv")
    assert (found.name, found.media_type) == ("odd.csv", "text/csv; charset=utf-8")
    rows = list(csv.DictReader(io.StringIO(b"".join(found.parts).decode(), newline="")))
    assert [row["text"] for row in rows] == ['=1+1 "quoted"\r\n', "", ""]
    assert [row["whole"] for row in rows] == [str(2**63 - 1), "", "-1"]
    assert [row["fraction"] for row in rows] == ["0.1", "nan", "-inf"]
    assert [row["decimal"] for row in rows] == ["12345678901234567890.12", "", "0.10"]
    assert [row["flag"] for row in rows] == ["true", "false", ""]
    assert rows[0]["day"] == "2024-02-29"
    assert rows[0]["moment"] == "2024-01-01 12:00:00+00"
    assert json.loads(rows[0]["list"]) == [1.5, "nan"]
    assert json.loads(rows[0]["struct"]) == {"a": 1, "b <": "ü"}


def test_lines_are_strict_json(odd: Dataset) -> None:
    lines = exported(odd, "jsonl").decode().split("\n")
    assert lines.pop() == ""
    rows = [json.loads(line, parse_constant=pytest.fail, parse_float=Decimal) for line in lines]
    assert [row["whole"] for row in rows] == ODD["whole"]
    assert [row["text"] for row in rows] == ODD["text"]
    assert [row["decimal"] for row in rows] == ODD["decimal"]
    assert [row["struct"] for row in rows] == ODD["struct"]
    assert [row["fraction"] for row in rows] == [Decimal("0.1"), "nan", "-inf"]
    assert rows[0]["list"] == [Decimal("1.5"), "nan"]


def test_parquet_is_the_same_with_its_features(odd: Dataset, tmp_path: Path) -> None:
    table = pq.read_table(io.BytesIO(exported(odd, "parquet")))
    assert table.schema.equals(pa.table(ODD).schema)
    assert str(table.to_pylist()) == str(pa.table(ODD).to_pylist())
    info = json.loads(table.schema.metadata[b"huggingface"])["info"]
    assert info["features"] == features.of(odd, "train", table.schema)
    again = opened(tmp_path, table, "again.parquet")
    assert exported(again, "parquet") == exported(odd, "parquet")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    found = Sandbox()
    yield found
    found.close()


def test_a_view_is_exported_whole(tmp_path: Path, sandbox: Sandbox) -> None:
    dataset = opened(tmp_path, pa.table({"n": range(1000), "text": [f"row {n % 7}" for n in range(1000)]}))
    view = View(
        columns=("text", "n"),
        conditions=(Condition(column="text", op="is", value="row 3"),),
        where="n > 500",
        sort="n",
        descending=True,
        limit=5,
    )
    found = b"".join(exporting.export(dataset, "jsonl", "", view, among=sandbox.among).parts)
    rows = [json.loads(line) for line in found.decode().splitlines()]
    assert rows == [{"text": "row 3", "n": n} for n in range(999, 500, -1) if n % 7 == 3]
    assert list(rows[0]) == ["text", "n"]


def test_a_column_alone_keeps_its_empty_rows(tmp_path: Path) -> None:
    dataset = opened(tmp_path, pa.table({"text": ["a", None, "", "b"]}))
    assert exported(dataset, "csv") == b'"text"\n"a"\n""\n""\n"b"\n'


def test_all_splits_are_a_zip_that_opens_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = tmp_path / "two"
    folder.mkdir()
    for split, rows in (("train", 30), ("test", 3)):
        pq.write_table(pa.table({"n": range(rows)}), folder / f"{split}.parquet")
    settings = Settings(home=home, offline=True)
    dataset = sources.resolve(str(folder), settings, "local")
    for format in FORMATS:
        found = exporting.export(dataset, format)
        assert (found.name, found.media_type) == (f"two-{format}.zip", "application/zip")
        file = tmp_path / found.name
        file.write_bytes(b"".join(found.parts))
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
        again = sources.resolve(uploads.store(file, file.name, settings, "local").ref, settings, "local")
        assert again.info.splits == {"train": 30, "test": 3}
    assert exporting.export(dataset, "csv", "test").name == "two-test.csv"


def test_bytes_are_refused_where_there_is_no_place_for_them(tmp_path: Path) -> None:
    held = pa.array([{"bytes": b"\x89PNG\r\n\x1a\n", "path": None}], features.MEDIA)
    dataset = opened(tmp_path, pa.table({"image": held, "n": [1]}))
    for format in ("csv", "jsonl"):
        with pytest.raises(InvalidInput, match="image holds pictures") as raised:
            exporting.export(dataset, format)
        assert raised.value.field == "format"
        assert exported(dataset, format, view=View(columns=("n",)))
    table = pq.read_table(io.BytesIO(exported(dataset, "parquet")))
    assert table.column("image").to_pylist() == held.to_pylist()
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["image"] == {"_type": "Image"}


def test_bad_values_are_named_before_a_byte_is_sent(odd: Dataset, sandbox: Sandbox) -> None:
    with pytest.raises(UnknownName, match="csv, jsonl, parquet"):
        exporting.export(odd, "xlsx")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="split"):
        exporting.export(odd, "csv", "nope")
    with pytest.raises(UnknownName, match="column"):
        exporting.export(odd, "csv", view=View(columns=("nope",)))
    with pytest.raises(UnknownName, match="column"):
        exporting.export(odd, "csv", view=View(sort="nope"))
    with pytest.raises(InvalidInputs):
        exporting.export(odd, "csv", view=View(conditions=(Condition(column="whole", op="matches", value="x"),)))
    for where in ("read_text('/etc/passwd') = ''", "1); DROP TABLE x; --", "nope = 1", "whole ="):
        with pytest.raises(InvalidInput) as raised:
            exporting.export(odd, "csv", view=View(where=where), among=sandbox.among)
        assert raised.value.field == "where"


def test_little_is_in_memory_at_a_time(tmp_path: Path) -> None:
    rows = 300_000
    table = pa.table({"n": range(rows), "text": [f"{n} " + "x" * 200 for n in range(rows)]})
    dataset = opened(tmp_path, table)
    del table
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    largest = total = held = 0
    for part in exporting.export(dataset, "csv").parts:
        largest, total = max(largest, len(part)), total + len(part)
        held = max(held, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 60 * 10**6
    assert largest < 5 * 10**6
    assert peak < 30 * 10**6
    assert held < 60 * 10**6


def test_whoever_leaves_stops_it(tmp_path: Path) -> None:
    told = []

    @contextmanager
    def attend(stop: Callable[[], None]) -> Iterator[None]:
        told.append("reads")
        yield
        told.append("left")

    dataset = opened(tmp_path, pa.table({"n": range(100_000)}))
    parts = exporting.export(dataset, "csv", attend=attend).parts
    assert told == []
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert told == ["reads"] or told == ["reads", "left"]


@pytest.mark.parametrize("title", ["../../etc/passwd", "ä ö <b>", "", "rows.csv", 'a"\r\nSet-Cookie: x'])
def test_file_names_are_harmless(title: str) -> None:
    name = exporting.file_name(title)
    assert name
    assert not set(name) & set('/\\"\r\n: <>')


def test_labels_stay_numbers_with_names(tmp_path: Path) -> None:
    described = {"label": features.class_label(["no", "yes"])}
    schema = features.with_features(pa.schema([("label", pa.int64())]), described)
    dataset = opened(tmp_path, pa.table({"label": [1, 0]}, schema=schema))
    assert exported(dataset, "jsonl") == b'{"label":1}\n{"label":0}\n'
    table = pq.read_table(io.BytesIO(exported(dataset, "parquet")))
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"] == described
    assert [row for batch in reading.batches(dataset, "train") for row in batch.to_pylist()] == table.to_pylist()
