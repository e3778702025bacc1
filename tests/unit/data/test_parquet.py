"""A connection reaches its own files and nothing else."""

import math
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import StudioError
from studio.data import parquet


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "it's [mine]*.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    return path


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('FOLDER/other.parquet')",
        "SELECT * FROM read_parquet('FOLDER/*.parquet')",
        "COPY (SELECT 1) TO 'FOLDER/new.parquet'",
        "COPY (SELECT 1) TO '/etc/studio-test'",
        "ATTACH 'FOLDER/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "SET threads = 64",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    ],
)
def test_nothing_else_is_reached(mine: Path, query: str) -> None:
    pq.write_table(pa.table({"a": [1]}), mine.parent / "other.parquet")
    with parquet.connect([mine]) as connection:
        assert parquet.count(connection, [mine]) == 1
        with pytest.raises(duckdb.Error):
            connection.execute(query.replace("FOLDER", str(mine.parent)))
    assert sorted(path.name for path in mine.parent.iterdir()) == [mine.name, "other.parquet"]


def test_out_of_memory_is_said(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MEMORY_LIMIT", "8MB")
    monkeypatch.setattr(parquet, "SPILL_LIMIT", "1MB")
    with pytest.raises(StudioError, match="more than 8MB"), parquet.connect([mine]) as connection:
        connection.execute("SELECT list(md5(i::VARCHAR)) FROM range(2000000) r(i)").fetchall()


def test_names_and_texts_as_sql() -> None:
    with parquet.connect([]) as connection:
        for text in ('a"b', "a'b", '"; --', "", "\\", "é\n"):
            assert connection.execute(f"SELECT {parquet.literal(text)}").fetchall() == [(text,)]
            if text:
                described = connection.execute(f"SELECT 1 AS {parquet.quote(text)}").description
                assert described is not None
                assert described[0][0] == text


@pytest.mark.parametrize(
    ("condition", "rows"),
    [("f = 0", 1), ("f <> 0", 1), ("f > 0", 1), ("f <= 0", 1), ("f IN (0)", 1), ("isnan(f)", 1), ("f >= 0", 2)],
)
def test_what_a_footer_leaves_out_is_found(tmp_path: Path, condition: str, rows: int) -> None:
    """The least and the greatest of a group of rows are written without NaN."""
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"f": [0.0, math.nan]}), file)
    function, parameter = parquet.scan([file])
    with parquet.connect([file]) as connection:
        found = connection.execute(f"SELECT count(*) FROM {function} WHERE {condition}", [parameter]).fetchone()
        most = connection.execute(f"SELECT max(f) FROM {function}", [parameter]).fetchone()
    assert found == (rows,)
    assert most is not None
    assert math.isnan(most[0])
