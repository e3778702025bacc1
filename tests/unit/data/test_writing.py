"""The files that are kept here: whole, in bounded groups, and each column laid down as it is read fastest."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import JobCancelled
from studio.data import parquet, writing
from studio.data.watching import Watch
from studio.data.writing import END_TO_END, Writer

ROWS = 5_000
MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TABLE = pa.table(
    {
        "text": [f"row number {number}" for number in range(ROWS)],
        "label": ["yes", "no"] * (ROWS // 2),
        "a.b": [f"dotted {number}" for number in range(ROWS)],
        "a": pa.array([{"b": number} for number in range(ROWS)], pa.struct([("b", pa.int64())])),
        "image": pa.array([{"bytes": b"%d" % number, "path": "p"} for number in range(ROWS)], MEDIA),
        "tokens": [[1, 2, number] for number in range(ROWS)],
        "nothing": pa.nulls(ROWS, pa.string()),
    }
)


def encodings(file: Path) -> dict[str, tuple[str, ...]]:
    group = pq.read_metadata(file).row_group(0)
    return {group.column(place).path_in_schema: group.column(place).encodings for place in range(group.num_columns)}


def test_texts_that_hardly_repeat_lie_end_to_end_and_the_others_have_a_dictionary(tmp_path: Path) -> None:
    with Writer(tmp_path / "rows.parquet", TABLE.schema) as writer:
        writer.add(TABLE)
    assert pq.read_table(tmp_path / "rows.parquet").equals(TABLE)
    found = encodings(tmp_path / "rows.parquet")
    assert {path for path, encoding in found.items() if END_TO_END in encoding} == {"text", "image.bytes"}
    assert "RLE_DICTIONARY" in found["label"]
    with parquet.connect([tmp_path / "rows.parquet"]) as connection:
        answer = connection.execute(
            f"SELECT count(*), count(DISTINCT text), max(a.b) FROM read_parquet('{tmp_path / 'rows.parquet'}') "
            "WHERE contains(text, 'number') AND octet_length(image.bytes) > 0"
        ).fetchone()
    assert answer == (ROWS, ROWS, ROWS - 1)


@pytest.mark.parametrize("columns", [["text"], ["label"], ["a.b", "a"]])
def test_any_columns_come_back_as_they_were(columns: list[str], tmp_path: Path) -> None:
    table = TABLE.select(columns)
    with Writer(tmp_path / "rows.parquet", table.schema) as writer:
        writer.add(table.slice(0, 10))
        writer.add(table.slice(10))
    assert pq.read_table(tmp_path / "rows.parquet").equals(table)
    assert pq.read_metadata(tmp_path / "rows.parquet").num_row_groups == 2


def test_without_rows_there_is_a_file_with_its_columns(tmp_path: Path) -> None:
    assert writing.write([], TABLE.schema, tmp_path / "rows.parquet") == 0
    assert pq.read_schema(tmp_path / "rows.parquet").equals(TABLE.schema)


def test_groups_are_bounded_in_rows_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = TABLE.select(["text"]).to_batches(max_chunksize=100)
    monkeypatch.setattr(writing, "GROUP_ROWS", 1_000)
    assert [len(group) for group in writing.groups(batches, batches[0].schema)] == [1_000] * 5
    monkeypatch.setattr(writing, "GROUP_BYTES", batches[0].nbytes * 2)
    assert {len(group) for group in writing.groups(batches, batches[0].schema)} <= {200, 300}


def test_it_can_be_stopped_between_two_groups(tmp_path: Path) -> None:
    told: list[float] = []
    watch = Watch(lambda done, total, message: told.append(done / total), lambda: len(told) == 2)
    batches = [batch for batch in TABLE.select(["text"]).to_batches(max_chunksize=500) for _ in range(50)]
    with pytest.raises(JobCancelled):
        writing.write(batches, batches[0].schema, tmp_path / "rows.parquet", len(batches) * 500, watch)
    assert told == [pytest.approx(number * writing.GROUP_ROWS / 250_000, abs=0.01) for number in (1, 2)]
