"""Arrow, text and what is large or odd in the formats of rows: taken as it is, or refused in a sentence."""

import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, JobCancelled
from studio.core.settings import Settings
from studio.data import conversion, linewise, owned, rows, sources, uploads, views
from studio.data.watching import Watch
from tests.unit.data.conftest import Upload

TABLE = pa.table(
    {
        "text": ["ünïcödé 😀", None, "x" * 1000],
        "tag": pa.array(["a", "b", "a"]).dictionary_encode(),
        "view": pa.array(["p", None, "q"], pa.string_view()),
        "none": pa.nulls(3),
        "numbers": [[1, 2], [], None],
        "chat": [[{"role": "user", "content": "hi"}], None, []],
        "score": [1.5, float("nan"), None],
    }
)


def arrow(table: pa.Table, stream: bool, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    opener: Callable[..., pa.ipc.RecordBatchFileWriter] = pa.ipc.new_stream if stream else pa.ipc.new_file
    with opener(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=2 if table.num_rows < 10 else 1_000)
    return sink.getvalue()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("name", ["a.arrow", "a.feather", "a.IPC"])
def test_arrow(upload: Upload, name: str, stream: bool, compression: str | None) -> None:
    dataset = upload(name, arrow(TABLE, stream, compression))
    page = views.page(dataset)
    assert page.rows[0] == ["ünïcödé 😀", "a", "p", None, [1, 2], [{"role": "user", "content": "hi"}], 1.5]
    assert page.rows[1] == [None, "b", None, None, [], None, "nan"]
    types = {column.name: column.type for column in dataset.info.columns}
    assert (types["tag"], types["view"], types["none"]) == ("VARCHAR", "VARCHAR", "VARCHAR")


def test_what_datasets_has_saved_is_read(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "data-00000-of-00002.arrow").write_bytes(arrow(TABLE.slice(0, 2), stream=True))
    (folder / "data-00001-of-00002.arrow").write_bytes(arrow(TABLE.slice(2, 1), stream=True))
    for name in ("dataset_info.json", "state.json"):
        (folder / name).write_text("{}")
    dataset = sources.resolve(str(folder), settings, "local")
    assert list(dataset.info.splits.values()) == [3]


def test_damaged_arrow_is_refused_and_never_crashes(upload: Upload, settings: Settings) -> None:
    chosen, refused = random.Random(5), list[InvalidInput]()
    for stream in (False, True):
        good = arrow(TABLE, stream)
        for _ in range(40):
            data = bytearray(good)
            for _ in range(chosen.randrange(1, 6)):
                data[chosen.randrange(8, len(data))] = chosen.randrange(256)
            try:
                dataset = upload("a.arrow", bytes(data[: chosen.choice([len(data), len(data) - 30])]))
                json.dumps(views.page(dataset).rows, allow_nan=False)
            except InvalidInput as error:
                refused.append(error)
    assert len(refused) > 20
    assert {error.field for error in refused} == {"file"}
    assert not [error for error in refused if str(settings.home) in str(error)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.arrow", b"PAR1....", "Parquet file"),
        ("a.arrow", b"text,label\nx,1\n", "not an Arrow file"),
        ("a.arrow", arrow(pa.table([[1], [2]], names=["a", "A"]), stream=False), "more than once"),
        ("a.arrow", arrow(TABLE, stream=False)[:200], "damaged"),
        ("a.txt", b"caf\xe9\n", "Line 1"),
        ("a.txt", b"a\0b", "NUL"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "PNG"),
        ("a.zip", b"text\n", "not a ZIP archive"),
        ("a.db", b"text\n", "not an SQLite database"),
    ],
)
def test_bad_files(upload: Upload, name: str, content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        upload(name, content)
    assert caught.value.field == "file"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_a_row_per_line(upload: Upload, encoding: str) -> None:
    content = 'first, "quoted"\r\n\n  spaces  \r<b>third</b>\nlast 😀'
    dataset = upload("a.txt", content.encode(encoding))
    assert views.page(dataset).columns == ("text",)
    found = [row[0] for row in views.page(dataset).rows]
    assert found == ['first, "quoted"', "", "  spaces  ", "<b>third</b>", "last 😀"]


def test_a_line_without_end_is_refused(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linewise, "MAX_LINE", 1000)
    with pytest.raises(InvalidInput, match="Line 2 has more than 1,000 characters"):
        upload("a.txt", "x" * 1000 + "\n" + "x" * 1001 + "\n")


def test_five_thousand_columns(upload: Upload) -> None:
    names = [f"c{number}" for number in range(5_000)]
    content = ",".join(names) + "\n" + "".join(",".join(f"{row}" for _ in names) + "\n" for row in range(3))
    dataset = upload("a.csv", content)
    assert len(dataset.info.columns) == 5_000
    assert {column.type for column in dataset.info.columns} == {"BIGINT"}
    assert views.page(dataset).rows == [[row] * 5_000 for row in range(3)]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet", "a.arrow", "a.txt"])
def test_a_cell_of_ten_megabytes(upload: Upload, name: str) -> None:
    large = "é" + "x" * 10_000_000
    table = pa.table({"text": [large, "small"]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    contents = {
        "a.csv": f"text\n{large}\nsmall\n".encode(),
        "a.jsonl": f"{json.dumps({'text': large})}\n{json.dumps({'text': 'small'})}\n".encode(),
        "a.json": json.dumps(table.to_pylist()).encode(),
        "a.parquet": sink.getvalue(),
        "a.arrow": arrow(table, stream=False),
        "a.txt": f"{large}\nsmall\n".encode(),
    }
    dataset = upload(name, contents[name])
    assert views.page(dataset).rows == [[large[: views.WIDEST]], ["small"]]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_nulls_everywhere(upload: Upload, name: str) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": pa.nulls(3), "b": pa.array([None] * 3, pa.int64())}), sink)
    contents = {"a.csv": b"a,b\n,\n,\n,\n", "a.jsonl": b'{"a": null, "b": null}\n' * 3, "a.parquet": sink.getvalue()}
    dataset = upload(name, contents[name])
    assert views.page(dataset).rows == [[None, None]] * 3
    assert rows.summary(dataset, "train", "a").nulls == 3
    assert rows.label_counts(dataset, "train", "b") == {}


def lying(content: bytes, old: bytes, new: bytes) -> bytes:
    """A Parquet file whose footer says something else than its pages; the same length, so that it is found."""
    assert old in content
    return content.replace(old, new)


def test_a_footer_that_lies_is_refused(upload: Upload, settings: Settings, tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(1000))}), sink, compression="none", use_dictionary=False)
    good = sink.getvalue()
    chosen, refused = random.Random(9), list[InvalidInput]()
    start = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    for _ in range(60):
        data = bytearray(good)
        data[chosen.randrange(start, len(good) - 8)] = chosen.randrange(256)
        try:
            dataset = upload("a.parquet", bytes(data))
            assert len(rows.table(dataset, "train")) == dataset.info.splits["train"]
        except InvalidInput as error:
            refused.append(error)
    assert len(refused) > 5
    assert {error.field for error in refused} == {"file"}
    # a length of the footer beyond the file
    with pytest.raises(InvalidInput, match="damaged"):
        upload("a.parquet", good[:-8] + (10**9).to_bytes(4, "little") + b"PAR1")


def big_file(folder: Path, name: str, lines: int = 60_000) -> Path:
    path = folder / name
    if name.endswith(".csv"):
        path.write_text("n,text\n" + "".join(f"{n},text number {n}\n" for n in range(lines)))
    elif name.endswith(".jsonl"):
        path.write_text("".join(f'{{"n": {n}, "text": "text number {n}"}}\n' for n in range(lines)))
    elif name.endswith(".txt"):
        path.write_text("".join(f"text number {n}\n" for n in range(lines)))
    else:
        table = pa.table({"n": list(range(lines)), "text": [f"text number {n}" for n in range(lines)]})
        path.write_bytes(arrow(table, stream=False))
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "a.arrow"])
def test_conversions_tell_how_far_they_are_and_stop(settings: Settings, tmp_path: Path, name: str) -> None:
    path, told = big_file(tmp_path, name), list[float]()
    watch = Watch(lambda done, total, message: told.append(done / total))
    info = uploads.store(path, name, settings, "local", watch)
    assert info.splits == {"train": 60_000}
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)
    assert len(told) >= 3
    for after in range(0, len(told), max(1, len(told) // 4)):
        seen: list[float] = []
        stopping = Watch(lambda done, total, message: seen.append(done), lambda: len(seen) > after)  # noqa: B023
        try:
            uploads.store(path, name, settings, "hf:other", stopping)
        except JobCancelled:
            assert uploads.list_all(settings, "hf:other") == []
            assert not [left for left in owned.folder(settings, "hf:other").rglob("*") if left.is_file()]
            continue
        break
    with pytest.raises(JobCancelled):
        conversion.to_parquet(path, name, tmp_path / "x.parquet", watch=Watch(stop=lambda: True))
    assert not (tmp_path / "x.parquet").exists()
