"""drop-leaked: against brute force, against the check that counts the same rows, among other steps, in a preview."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import InvalidInput
from studio.data import mending, previews, shapes, trials
from studio.data.checks import CHECKS
from studio.data.near import jaccard, normalised
from studio.data.records import Dataset
from studio.data.steps import STEPS
from tests.mended import dataset, mended

FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TEXTS = st.none() | st.sampled_from(
    ["", " ", "a", "A", "the small cat", "The  small cat", "the small cat.", "a dog", "é", "e\u0301", "NULL", "null"]
)
ROWS = st.lists(st.tuples(TEXTS, st.none() | st.integers(0, 2)), max_size=12)
SCHEMA = pa.schema([("t", pa.string()), ("n", pa.int32())])

Row = tuple[str | None, int | None]


def table(rows: list[Row]) -> pa.Table:
    return pa.table([[t for t, _ in rows], [n for _, n in rows]], schema=SCHEMA)


def placed(folder: Path, **splits: list[Row]) -> Dataset:
    return dataset(
        folder / str(len(list(folder.iterdir()))) / "data", **{name: table(rows) for name, rows in splits.items()}
    )


def run(given: Dataset, folder: Path, *steps: dict[str, Any]) -> dict[str, list[Row]]:
    found = mended(given, list(steps), folder / f"run-{len(list(folder.iterdir()))}", batch=5)
    return {split: [(row["t"], row["n"]) for row in rows.to_pylist()] for split, rows in found.items()}


def wrong(given: Dataset, **step: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        shapes.shapes(given, mending.read([{"step": "drop-leaked", **step}]))
    return f"{caught.value.field}: {caught.value}"


@FEW
@given(train=ROWS, test=ROWS, dev=ROWS, normal=st.booleans(), columns=st.sampled_from([[], ["t"], ["n"], ["n", "t"]]))
def test_exactly_as_python_finds_them(
    tmp_path: Path, train: list[Row], test: list[Row], dev: list[Row], normal: bool, columns: list[str]
) -> None:
    def key(row: Row) -> tuple[object, ...]:
        text = row[0] if row[0] is None or not normal else normalised(row[0])
        cells = {"t": text, "n": row[1]}
        return tuple(cells[name] for name in columns or ["t", "n"])

    given = placed(tmp_path, train=train, validation=dev, test=test)
    found = run(given, tmp_path, {"step": "drop-leaked", "columns": columns, "normal": normal})
    seen = {key(row) for row in train}
    assert found["train"] == train
    assert found["test"] == [row for row in test if key(row) not in seen]
    assert found["validation"] == [row for row in dev if key(row) not in seen]


@FEW
@given(train=ROWS, test=ROWS)
def test_nearly_as_all_pairs_find_them(tmp_path: Path, train: list[Row], test: list[Row]) -> None:
    given = placed(tmp_path, train=train, test=test)
    step = {"step": "drop-leaked", "texts": ["t"], "threshold": 0.5, "shingle": 3}
    plain = [normalised(text) for text, _ in train if text and normalised(text)]

    def leaks(row: Row) -> bool:
        text = normalised(row[0] or "")
        return row in train or (bool(text) and any(jaccard(text, other, 3) >= 0.5 for other in plain))

    assert run(given, tmp_path, step)["test"] == [row for row in test if not leaks(row)]


@FEW
@given(train=ROWS, test=ROWS, normal=st.booleans(), columns=st.sampled_from([[], ["t"]]))
def test_the_check_finds_nothing_afterwards(
    tmp_path: Path, train: list[Row], test: list[Row], normal: bool, columns: list[str]
) -> None:
    check = CHECKS["leakage"]
    asked = check.params(columns=columns or ["t", "n"], normal=normal, threshold=0.6, shingle=3)
    given = placed(tmp_path, train=train, test=test)
    before = check.run(given, asked, lambda *_: None, lambda: None)
    how = {"normal": normal, "texts": ["t"], "threshold": 0.6, "shingle": 3}
    found = run(given, tmp_path, {"step": check.step, "columns": columns, **how})
    assert len(test) - len(found["test"]) == before.found
    mended_set = placed(tmp_path, train=found["train"], test=found["test"])
    assert check.run(mended_set, asked, lambda *_: None, lambda: None).found == 0


def test_every_check_is_mended_by_a_step_that_is_there() -> None:
    assert {check.step for check in CHECKS.values()} - {""} <= set(STEPS)


def test_the_other_way_round_and_among_other_steps(tmp_path: Path) -> None:
    given = placed(tmp_path, train=[("a", 1), ("b", 2), ("c", 3)], test=[("b", 9), ("x", 1)])
    step = {"step": "drop-leaked", "columns": ["t"]}
    assert run(given, tmp_path, step | {"splits": ["train"], "against": "test"}) == {
        "train": [("a", 1), ("c", 3)],
        "test": [("b", 9), ("x", 1)],
    }
    upper = {"step": "map", "into": "t", "expression": "upper(t)", "splits": ["train"]}
    found = run(given, tmp_path, upper, {"step": "shuffle"}, step, {"step": "filter", "condition": "n < 9"})
    assert sorted(found["train"]) == [("A", 1), ("B", 2), ("C", 3)]
    assert found["test"] == [("x", 1)]  # "b" stayed until the filter: train held "B" by then
    divided = {"step": "split", "train": 0.5, "validation": 0.5, "test": 0}
    twice = placed(tmp_path, train=[("a", 1), ("a", 1), ("a", 1), ("a", 1)])
    assert run(twice, tmp_path, divided, step) == {"train": [("a", 1), ("a", 1)], "validation": []}


def test_columns_of_other_types_and_columns_that_one_lacks(tmp_path: Path) -> None:
    train = pa.table({"t": ["1", "b"], "n": pa.array([1, 2], pa.int8()), "more": ["x", None]})
    test = pa.table({"t": pa.array([1, 7], pa.int64()), "n": [1.0, 2.5]})
    given = dataset(tmp_path / "data", train=train, test=test)

    def left(**how: Any) -> list[int]:
        found = mended(given, [{"step": "drop-leaked", **how}], tmp_path / str(how))
        return [row["t"] for row in found["test"].to_pylist()]

    assert left(columns=["n"]) == [7]
    assert left(columns=["t", "n"]) == [7]
    assert left() == [1, 7]  # it has nothing where train says "x"
    assert wrong(given, columns=["more"]).startswith("steps.1.columns")
    assert wrong(given, texts=["t"]).startswith("steps.1.texts")


def test_what_cannot_be_compared_is_named(tmp_path: Path) -> None:
    given = placed(tmp_path, train=[("a", 1)], test=[("a", 1)])
    assert "train, test" in wrong(given, against="dev")
    assert wrong(given, against="dev").startswith("steps.1.against")
    assert wrong(given, splits=["train"]).startswith("steps.1.splits")
    assert wrong(given, splits=["dev"]).startswith("steps.1.splits")
    assert wrong(given, columns=["t", "t"]).startswith("steps.1.columns")
    assert wrong(placed(tmp_path, train=[("a", 1)])).startswith("steps.1.against")


def test_a_preview_says_what_it_was_tried_against(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = placed(tmp_path, train=[(str(number), 0) for number in range(300)], test=[("5", 0), ("250", 0), ("x", 0)])
    recipe = mending.read([{"step": "drop-leaked"}])
    found = previews.preview(given, "test", recipe)
    assert [row.cells[0] for row in found.after] == ["x"]
    assert found.removed == [0, 1]
    assert [(one.before, one.after) for one in found.counts] == [(3, 1)]
    assert found.parts == {"test": 1}
    assert found.notes == []
    other = previews.preview(given, "train", recipe)
    assert other.counts == []
    assert other.parts == {"train": 300}
    monkeypatch.setattr(trials, "BESIDE", 100)
    found = previews.preview(given, "test", recipe)
    assert [row.cells[0] for row in found.after] == ["250", "x"]
    assert found.notes == ["Step 1 is tried against 100 rows of train; the job compares with all of them."]


def test_a_preview_compares_with_parts_of_a_split_that_was_divided(tmp_path: Path) -> None:
    given = placed(tmp_path, train=[("a", 1)] * 4, validation=[("a", 1), ("b", 1)])
    steps = [{"step": "split", "train": 0.5, "validation": 0, "test": 0.5}, {"step": "drop-leaked", "against": "test"}]
    found = previews.preview(given, "validation", mending.read(steps))
    assert [row.cells[0] for row in found.after] == ["b"]
    assert found.parts == {"validation": 1}
    assert previews.preview(given, "train", mending.read(steps)).parts == {"test": 2, "train": 0}
