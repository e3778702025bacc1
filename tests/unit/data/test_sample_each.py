"""Some rows of each value of a column: how many, which, and the same in a job and a script."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from studio.core.errors import InvalidInput
from studio.data import mending, previews
from tests.mended import dataset as mended_from
from tests.mended import mended

LABELS = ["a"] * 60 + ["b"] * 30 + [None] * 9 + ["c"]


def counted(tmp_path: Path, **values: object) -> Counter[str | None]:
    """Label → rows that are kept; they keep their order."""
    table = pa.table({"n": list(range(100)), "label": LABELS})
    dataset = mended_from(tmp_path / "data", train=table)
    found = mended(dataset, [{"step": "sample", "each": "label", **values}], tmp_path / "job")["train"]
    numbers = found.column("n").to_pylist()
    assert numbers == sorted(numbers)
    assert [LABELS[number] for number in numbers] == found.column("label").to_pylist()
    return Counter(found.column("label").to_pylist())


def test_so_many_rows_of_each_value_and_of_none(tmp_path: Path) -> None:
    assert counted(tmp_path, rows=20) == {"a": 20, "b": 20, None: 9, "c": 1}


def test_a_share_of_each_value(tmp_path: Path) -> None:
    assert counted(tmp_path, share=0.5) == {"a": 30, "b": 15, None: 4}


def test_a_column_called_like_our_own_is_no_trouble(tmp_path: Path) -> None:
    dataset = mended_from(tmp_path / "data", train=pa.table({"n": [1, 1, 1, 2], "N_": [1, 2, 3, 4]}))
    found = mended(dataset, [{"step": "sample", "each": "n", "rows": 1}], tmp_path / "job")["train"]
    assert found.column("n").to_pylist() == [1, 2]


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    dataset = mended_from(tmp_path / "data", train=pa.table({"t": ["x"]}))
    recipe = mending.read([{"step": "sample", "each": "label", "rows": 1}])
    with pytest.raises(InvalidInput, match="There are: t") as caught:
        previews.preview(dataset, "train", recipe)
    assert caught.value.field == "steps.1.each"
