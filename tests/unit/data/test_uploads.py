"""Every format in and out again, every bad file refused with what is right, nobody sees another's."""

import csv
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, NotFound
from studio.core.settings import Settings
from studio.data import owned, rows, uploads, views
from studio.data.views import View
from tests.unit.data.conftest import Upload, paths

RECORDS: list[dict[str, Any]] = [
    {"text": 'He said "no", twice', "label": "a"},
    {"text": "two\nlines\r\nthree", "label": "b"},
    {"text": "Ünïcödé 😀 \u202e עברית", "label": None},
    {"text": "  spaces kept  ", "label": "a;b|c\td"},
    {"text": None, "label": "007"},
    {"text": "NULL", "label": "NA"},
]
COLUMNS = ("text", "label")


def delimited(delimiter: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(RECORDS)
    return buffer.getvalue().encode()


def as_parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", delimited(",")),
        ("semicolon.csv", delimited(";")),
        ("tabs.csv", delimited("\t")),
        ("a.TSV", delimited("\t")),
        ("mark.csv", b"\xef\xbb\xbf" + delimited(",")),
        ("wide.csv", delimited(",").decode().encode("utf-16")),
        ("a.json", json.dumps(RECORDS).encode()),
        ("pretty.json", json.dumps(RECORDS, indent=2, ensure_ascii=False).encode("utf-8-sig")),
        ("wide.json", json.dumps(RECORDS, ensure_ascii=False).encode("utf-16")),
        ("a.jsonl", "\n".join(json.dumps(record) for record in RECORDS).encode()),
        ("a.ndjson", "\r\n\n".join(json.dumps(record) for record in RECORDS).encode()),
        ("a.parquet", as_parquet(**{name: [record[name] for record in RECORDS] for name in COLUMNS})),
    ],
)
def test_every_format_keeps_every_value(upload: Upload, name: str, content: bytes) -> None:
    dataset = upload(name, content)
    page = views.page(dataset)
    assert page.columns == COLUMNS
    assert page.rows == [[record["text"], record["label"]] for record in RECORDS]
    assert page.total == dataset.info.splits["train"] == len(RECORDS)
    assert [(column.type, column.kind) for column in dataset.info.columns] == [("VARCHAR", "text")] * 2
    assert dataset.info.title == name
    assert dataset.info.source == "upload"
    assert dataset.info.bytes == paths(dataset)[0].stat().st_size


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        (["0", "1", "-5", ""], "BIGINT", [0, 1, -5, None]),
        (["007", "1"], "VARCHAR", ["007", "1"]),
        (["1.5", "2", "1e3"], "DOUBLE", [1.5, 2.0, 1000.0]),
        (["12345678901234567890", "1"], "VARCHAR", ["12345678901234567890", "1"]),
        (["true", "false", ""], "BOOLEAN", [True, False, None]),
        (["True", "False"], "VARCHAR", ["True", "False"]),
        (["2020-01-01", "2020-01-02"], "VARCHAR", ["2020-01-01", "2020-01-02"]),
        (["nan", "1.0"], "VARCHAR", ["nan", "1.0"]),
    ],
)
def test_csv_types_lose_nothing(upload: Upload, values: list[str], type_: str, expected: list[object]) -> None:
    dataset = upload("a.csv", "id,v\n" + "".join(f"x,{value}\n" for value in values))
    assert dataset.info.columns[1].type == type_
    assert [row[1] for row in views.page(dataset).rows] == expected


def test_json_types(upload: Upload) -> None:
    records = [
        {
            "n": 1,
            "u": 2**64 - 1,
            "h": 2**64 - 1,
            "s": {"x": [1, -1]},
            "f": 1,
            "b": True,
            "mixed": 1,
            "chat": [{"role": "user"}, {"role": "tool", 'a"b': "x"}],
            "bag": {"a": 1},
            "none": None,
            "late": 1,
        },
        {
            "n": -2,
            "u": 0,
            "h": -1,
            "f": 0.5,
            "b": None,
            "mixed": "x",
            "chat": None,
            "bag": {"b": []},
            "none": None,
            "more": "2020-01-01",
        },
    ]
    dataset = upload("a.json", json.dumps(records))
    types = {column.name: column.type for column in dataset.info.columns}
    assert types["n"] == "BIGINT"
    assert types["u"] == "UBIGINT"
    assert types["h"] == "VARCHAR"  # no Parquet integer holds both
    assert types["s"] == "STRUCT(x BIGINT[])"
    assert types["f"] == "DOUBLE"
    assert types["b"] == "BOOLEAN"
    assert types["mixed"] == types["none"] == types["more"] == "VARCHAR"
    assert types["chat"] == 'STRUCT("role" VARCHAR, "a""b" VARCHAR)[]'
    assert types["bag"] == "JSON"
    first, second = (dict(zip(types, row, strict=True)) for row in views.page(dataset).rows)
    assert first["chat"] == [{"role": "user", 'a"b': None}, {"role": "tool", 'a"b': "x"}]
    assert (first["mixed"], second["mixed"]) == ("1", "x")
    assert (first["u"], first["h"], second["h"]) == (2**64 - 1, str(2**64 - 1), "-1")
    assert second["late"] is None
    assert json.loads(second["bag"]) == {"b": []}


def test_parquet_of_other_types_is_plain_json(upload: Upload) -> None:
    content = as_parquet(
        image=[b"\x89PNG", None], score=[float("nan"), 1.5], tags=[["a"], []], day=pa.array([0, 1], pa.date32())
    )
    dataset = upload("a.parquet", content)
    page = views.page(dataset)
    assert page.rows == [["<4 bytes>", "nan", ["a"], "1970-01-01"], [None, 1.5, [], "1970-01-02"]]
    json.dumps(page.rows, allow_nan=False)
    assert rows.label_counts(dataset, "train", "image") == {"<4 bytes>": 1}


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
GOOD_PARQUET = as_parquet(a=list(range(1000)))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", ["empty (0 bytes)"]),
        ("a.xyz", b"a,b\n1,2\n", ["'.xyz'", "CSV, TSV, JSON"]),
        ("csv", b"a,b\n1,2\n", ["no ending"]),
        ("a.csv", PNG, ["PNG image"]),
        ("a.parquet", PNG, ["PNG image"]),
        ("a.jsonl", b"PK\x03\x04....", ["Excel", "CSV UTF-8"]),
        ("a.csv", GOOD_PARQUET, ["is a Parquet file"]),
        ("a.csv", b"<!DOCTYPE html>\n<p>a,b\n", ["web page"]),
        ("a.csv", b'[{"a": 1, "b": 2}]', ["JSON", ".jsonl"]),
        ("a.csv", b"\n\n\n", ["name the columns", "nothing"]),
        ("a.csv", b"text,label\nx,a\ncaf\xe9,b\n", ["Line 3", "offset 18", "e9", "UTF-8"]),
        ("a.json", b'[{"a": "caf\xe9"}]', ["Line 1", "offset 11"]),
        ("a.csv", "a,b\n1,2\n".encode("utf-16") + b"\0", ["UTF-16"]),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), ["NUL", "UTF-16"]),
        ("a.csv", b"a,b\n1,2\n3,\0\n", ["Line 3", "NUL"]),
        ("a.csv", b"a,b\n1,2\n3,4,5\n", ["Line 3 has 3 fields, the header has 2"]),
        ("a.csv", b'a,b\n"1\n\n",2\n3\n', ["Line 5 has 1 fields"]),
        ("a.csv", b"text,label,text\n1,2,3\n", ["more than once", "'text'"]),
        ("a.csv", b"Text,text\n1,2\n", ["'Text', 'text'"]),
        ("a.csv", b",a, \n1,2,3\n", ["columns 1, 3"]),
        ("a.csv", b'a,b\n1,2\n"3,4\n5,6\n', ["Line 3", "not closed"]),
        ("a.csv", b'a,b\n"1"x,2\n', ["Line 2", "closing quote"]),
        ("a.csv", ",".join(f"c{n}" for n in range(20_000)).encode() + b"\n", ["20,000 columns", "10,000"]),
        ("a.json", b'{"a": 1}', ["Line 1, column 1", "array", ".jsonl"]),
        ("a.json", b"[1, 2]", ["Line 1, column 2", "a number"]),
        ("a.json", b'[{"a": 1},\n "x"]', ["Line 2, column 2", "a text"]),
        ("a.json", b"[]", ["no objects"]),
        ("a.json", b"[{}]", ["without keys"]),
        ("a.json", b'[{"a": 1},\n {"a" 2}]', ["Line 2, column 7"]),
        ("a.json", b'[{"a": 1},\n {"a": 2}', ["Line 2", "closing ]"]),
        ("a.json", b'[{"a": 1}] x', ["Line 1, column 12", "follows the end"]),
        ("a.json", b'[{"a": 1, "a": 2}]', ["'a' stands twice"]),
        ("a.json", b'[{"": 1}]', ["empty key"]),
        ("a.json", b"[" + b'{"a": 1},\n' * 300_000 + b'{"a": }]', ["Line 300,001, column 7"]),
        ("a.json", b'[{"a": "' + b"x" * 3_000_000 + b'"}, {"a": "\\x"}]', ["Line 1, column 3,000,020"]),
        ("a.json", b"[" * 100_000, ["too deeply"]),
        ("a.jsonl", b'{"a": 1}\n{"a": 2\n', ["Line 2", "one object per line"]),
        ("a.jsonl", b'{"a": 1}\n[1]\n', ["Line 2", "an array"]),
        ("a.jsonl", b'{"a": "\\ud800"}\n', ["surrogate"]),
        ("a.parquet", GOOD_PARQUET[:-100], ["cut off"]),
        ("a.parquet", GOOD_PARQUET[:8] + b"\xff" * 200 + GOOD_PARQUET[208:], ["damaged"]),
        ("a.parquet", as_parquet(), ["there is nothing"]),
    ],
)
def test_bad_files_are_refused_with_what_is_right(
    upload: Upload, settings: Settings, name: str, content: bytes, said: list[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        upload(name, content)
    assert caught.value.field == "file"
    message = str(caught.value)
    assert all(part in message for part in said), message
    assert str(settings.home) not in message
    assert not [path for path in settings.uploads_dir.rglob("*") if path.is_file()]
    assert uploads.list_all(settings, "local") == []


def test_a_file_over_the_limit_is_refused_unread(settings: Settings, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(2_000_000_000)
    started = time.perf_counter()
    with pytest.raises(InvalidInput, match=r"2,000\.0 MB; at most 500 MB"):
        uploads.store(large, "large.csv", settings, "local")
    assert time.perf_counter() - started < 1
    assert not settings.uploads_dir.exists()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\a.csv", "a.csv"),
        ("a\x00b\x1b[31m\u202ecsv.\n.csv", "ab[31mcsv. .csv"),
        ('<img src=x onerror="alert(1)">.csv', '<img src=x onerror="alert(1)">.csv'),
        ("x" * 300 + ".csv", "x" * 75 + "….csv"),
    ],
)
def test_file_names_are_only_ever_a_title(upload: Upload, settings: Settings, name: str, title: str) -> None:
    dataset = upload(name, "a,b\n1,2\n")
    assert dataset.info.title == title
    (path,) = paths(dataset)
    assert path.is_relative_to(settings.uploads_dir)
    assert path.name == "train.parquet"


def test_column_names_are_never_sql(upload: Upload) -> None:
    names = ['a"; drop table x; --', "b' OR 1=1 --", "$1", "?", "select", "v"]
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([names, ["x", "y", "1", "2", "z", ""], ["x", "w", "1", "3", "z", "t"]])
    dataset = upload("a.csv", buffer.getvalue())
    assert [column.name for column in dataset.info.columns] == names
    assert views.page(dataset).rows[0] == ["x", "y", 1, 2, "z", None]
    for name in names:
        assert rows.summary(dataset, "train", name).rows == 2
        assert rows.table(dataset, "train", [name], where_not_empty=names[:5]).column_names == [name]
    assert rows.label_counts(dataset, "train", names[0]) == {"x": 2}


def test_uploads_belong_to_their_owner(upload: Upload, settings: Settings) -> None:
    first = upload("one.csv", "a,b\n1,2\n", "hf:ann")
    second = upload("two.csv", "a,b\n1,2\n", "hf:ann")
    assert [info.title for info in uploads.list_all(settings, "hf:ann")] == ["two.csv", "one.csv"]
    for owner in ("hf:bob", "local", "", "../hf:ann"):
        assert uploads.list_all(settings, owner) == []
        with pytest.raises(NotFound):
            uploads.load(first.info.ref, settings, owner)
        with pytest.raises(NotFound):
            uploads.delete(first.info.ref, settings, owner)
    uploads.delete(first.info.ref, settings, "hf:ann")
    assert uploads.list_all(settings, "hf:ann") == [second.info]
    with pytest.raises(NotFound):
        uploads.delete(first.info.ref, settings, "hf:ann")


def test_a_damaged_upload_is_passed_over_and_named(upload: Upload, settings: Settings) -> None:
    dataset = upload("one.csv", "a,b\n1,2\n")
    (path,) = paths(dataset)
    path.write_bytes(b"PAR1")
    with pytest.raises(InvalidInput, match="damaged") as caught:
        views.page(dataset)
    assert str(settings.home) not in str(caught.value)
    (path.parent / uploads.META).write_text("{")
    assert uploads.list_all(settings, "local") == []


def test_what_a_killed_upload_left_is_swept_after_a_day(upload: Upload, settings: Settings) -> None:
    folder = owned.folder(settings, "local")
    old, young = folder / ".staging-old", folder / ".staging-young"
    for path in (old, young):
        path.mkdir(parents=True)
    yesterday = time.time() - uploads.STALE_SECONDS - 60
    os.utime(old, (yesterday, yesterday))
    upload("a.csv", "a,b\n1,2\n")
    assert not old.exists()
    assert young.exists()
    assert len(uploads.list_all(settings, "local")) == 1


def test_a_long_field_and_many_batches_keep_their_order(upload: Upload) -> None:
    long = "x" * 3_000_000
    content = "n,t\n" + "".join(f"{n},t{n}\n" for n in range(45_000)) + f"45000,{long}\n"
    dataset = upload("a.csv", content)
    page = views.page(dataset, View(offset=44_990))
    assert [row[0] for row in page.rows] == list(range(44_990, 45_001))
    assert (page.rows[-1][1], page.cut[0].length) == (long[: views.WIDEST], len(long))
    assert rows.summary(dataset, "train", "t").longest == 3_000_000
