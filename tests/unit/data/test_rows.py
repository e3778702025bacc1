"""Figures of random tables against brute force; unknown names list the known."""

import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, UnknownName
from studio.data import parquet, reading, rows, views
from studio.data.records import Dataset, DatasetInfo
from studio.data.views import View

VALUES = ["", " ", "\u2003\t", "a", "A", "é", "😀😀", "zz", "a\n", "0", None]


def dataset_of(folder: Path, **splits: list[pa.Table]) -> Dataset:
    """A data set whose splits are the given files."""
    files = {}
    for split, tables in splits.items():
        paths = [folder / f"{split}-{place}.parquet" for place in range(len(tables))]
        for path, table in zip(paths, tables, strict=True):
            pq.write_table(table, path)
        files[split] = tuple(paths)
    found, columns = parquet.describe(files, "test")
    return Dataset(DatasetInfo("test", "Test", "file", found, columns), files)


@pytest.mark.parametrize("seed", range(8))
def test_figures_equal_brute_force(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    texts = [chosen.choice(VALUES) for _ in range(chosen.randrange(1, 400))]
    numbers = [chosen.choice([1, 2, 30, None]) for _ in texts]
    cut = chosen.randrange(len(texts) + 1)
    parts = [
        pa.table({"t": pa.array(texts[s], pa.string()), "n": pa.array(numbers[s], pa.int32())})
        for s in (slice(cut), slice(cut, None))
    ]
    dataset = dataset_of(tmp_path, train=parts)

    present = [text for text in texts if text is not None]
    counts = sorted(Counter(present).items(), key=lambda item: (-item[1], item[0]))
    assert rows.summary(dataset, "train", "t") == rows.ColumnSummary(
        rows=len(texts),
        nulls=len(texts) - len(present),
        empty=sum(not text.strip() for text in present),
        distinct=len(counts),
        top=counts[: rows.TOP],
        longest=max(map(len, present), default=0),
    )
    assert list(rows.label_counts(dataset, "train", "t").items()) == counts
    assert rows.label_counts(dataset, "train", "n") == Counter(str(n) for n in numbers if n is not None)

    table = rows.table(dataset, "train", ["n", "t"], limit=7, where_not_empty=["t"], as_text=["n"])
    kept = [(n, t) for n, t in zip(numbers, texts, strict=True) if t is not None and t.strip()][:7]
    assert table.column_names == ["n", "t"]
    assert table.to_pylist() == [{"n": None if n is None else str(n), "t": t} for n, t in kept]


def test_white_space_is_what_python_says() -> None:
    assert set(rows.WHITESPACE) == {chr(code) for code in range(0x110000) if chr(code).isspace()}


def test_all_null_and_no_rows(tmp_path: Path) -> None:
    empty = pa.table({"t": pa.array([None, None], pa.string())})
    dataset = dataset_of(tmp_path, train=[empty], test=[empty.slice(0, 0)])
    assert rows.summary(dataset, "train", "t") == rows.ColumnSummary(2, 2, 0, 0, [], 0)
    assert rows.summary(dataset, "test", "t") == rows.ColumnSummary(0, 0, 0, 0, [], 0)
    assert rows.label_counts(dataset, "train", "t") == {}


def test_columns_are_those_of_the_split(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, test=[pa.table({"t": ["x"]})], train=[pa.table({"t": ["x"], "label": [1]})])
    assert list(dataset.info.splits) == ["train", "test"]
    assert [column.name for column in dataset.info.columns] == ["t", "label"]
    assert views.page(dataset, View(split="test")).columns == ("t",)
    with pytest.raises(UnknownName, match=r"'label'. Known: t\."):
        rows.label_counts(dataset, "test", "label")
    with pytest.raises(UnknownName, match=r"'dev'. Known: train, test\."):
        rows.summary(dataset, "dev", "t")
    for call in (rows.summary, rows.label_counts):
        with pytest.raises(UnknownName, match="Known: t, label"):
            call(dataset, "train", "T; --")
    with pytest.raises(UnknownName):
        rows.table(dataset, "train", ["t", "nope"])
    with pytest.raises(UnknownName):
        rows.table(dataset, "train", where_not_empty=["nope"])
    with pytest.raises(UnknownName):
        rows.table(dataset, "train", as_text=["nope"])


def test_too_many_values_are_no_labels(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"n": range(rows.MAX_LABELS + 1)})])
    with pytest.raises(InvalidInput, match="100,001 different values"):
        rows.label_counts(dataset, "train", "n")


def test_outlines_glance_at_all_columns(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"t": ["a", "bb", None], "n": [1, 1, 1]})])
    assert rows.outlines(dataset, "train", ["t", "n"]) == {
        "t": rows.ColumnOutline(2, 2, 2),
        "n": rows.ColumnOutline(3, 1, 1),
    }
    assert rows.outlines(dataset, "train", []) == {}


def test_batches_are_all_rows_in_order(tmp_path: Path) -> None:
    parts = [pa.table({"n": range(7), "t": ["a"] * 7}), pa.table({"n": range(7, 12), "t": ["b"] * 5})]
    dataset = dataset_of(tmp_path, train=parts)
    found = list(reading.batches(dataset, "train", ["n"], size=4))
    assert max(batch.num_rows for batch in found) <= 4
    assert pa.Table.from_batches(found).to_pydict() == {"n": list(range(12))}
    with pytest.raises(UnknownName, match="column"):
        next(reading.batches(dataset, "train", ["x"]))
