"""What checks find, against brute force on small random tables."""

import math
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.checks.base import RowNumber
from tests.unit.data.checking import Row, found, table
from tests.unit.data.test_rows import dataset_of

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = (
    st.none()
    | st.sampled_from(["", " ", "a", "A", " a\u2003", "é", "e\u0301", "ﬁ", "fi", "😀", "a,b"])
    | st.text(max_size=3)
)
NUMBERS = st.none() | st.integers(-2, 2)
ROWS = st.lists(st.tuples(TEXTS, NUMBERS), max_size=25)


def plain(text: str | None) -> str | None:
    """What `normalised` promises, said otherwise."""
    return None if text is None else " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@FEW
@given(rows=ROWS, normal=st.booleans(), cut=st.integers(0, 25))
def test_duplicates_equal_brute_force(tmp_path: Path, rows: list[Row], normal: bool, cut: int) -> None:
    dataset = dataset_of(tmp_path, train=[table(rows[:cut]), table(rows[cut:])])
    finding = found(dataset, "duplicates", normal=normal, shown=1000)
    groups: dict[Any, list[int]] = defaultdict(list)
    for place, (text, number) in enumerate(rows):
        groups[plain(text) if normal else text, number].append(place)
    alike = {tuple(places) for places in groups.values() if len(places) > 1}
    assert finding.found == finding.figures["groups"] == len(alike)
    assert finding.figures["repeated_rows"] == sum(len(places) - 1 for places in alike)
    assert {tuple(place.row for place in one.rows) for one in finding.evidence} == {one[:20] for one in alike}
    assert all(basis.whole for basis in finding.basis.values())


@FEW
@given(train=ROWS, test=ROWS, normal=st.booleans(), columns=st.sampled_from([[], ["t"], ["n"]]))
def test_leakage_equals_brute_force(
    tmp_path: Path, train: list[Row], test: list[Row], normal: bool, columns: list[str]
) -> None:
    dataset = dataset_of(tmp_path, train=[table(train)], test=[table(test)])
    finding = found(dataset, "leakage", normal=normal, columns=columns, shown=1000, threshold=1.0)

    def key(row: Row) -> Any:
        text, number = (plain(row[0]) if normal else row[0]), row[1]
        return {"t": text, "n": number}[columns[0]] if columns else (text, number)

    known: dict[Any, list[int]] = defaultdict(list)
    for place, row in enumerate(train):
        known[key(row)].append(place)
    exact = {place: known[key(row)] for place, row in enumerate(test) if key(row) in known}
    assert finding.figures["test_exact_rows"] == len(exact)
    assert finding.figures["test_exact_share"] == (len(exact) / len(test) if test else 0)
    shown = {
        one.rows[0].row: ([place.row for place in one.rows[1:]], one.count)
        for one in finding.evidence
        if "stands in" in one.text
    }
    assert shown == {place: (partners[:5], 1 + len(partners)) for place, partners in exact.items()}
    if "test_near_rows" in finding.figures:
        texts = {plain(text) for text, _ in train} - {None, ""}
        alike = {place for place, (text, _) in enumerate(test) if plain(text) in texts}
        assert finding.figures["test_near_rows"] == len(alike)
        assert finding.figures["test_any_rows"] == len(alike | set(exact))
        assert finding.found == len(alike | set(exact))


@FEW
@given(rows=st.lists(st.tuples(TEXTS, st.none() | st.sampled_from(["x", "y", "z"])), max_size=30), normal=st.booleans())
def test_conflicting_labels_equal_brute_force(tmp_path: Path, rows: list[Any], normal: bool) -> None:
    cut = len(rows) // 2
    parts = [
        pa.table(
            {"t": pa.array([t for t, _ in part], pa.string()), "label": pa.array([y for _, y in part], pa.string())}
        )
        for part in (rows[:cut], rows[cut:])
    ]
    dataset = dataset_of(tmp_path, train=[parts[0]], test=[parts[1]])
    finding = found(dataset, "conflicting-labels", columns=["t"], label="label", normal=normal, shown=1000)
    groups: dict[Any, list[Any]] = defaultdict(list)
    for place, (text, label) in enumerate(rows):
        if text is not None and text.strip() and label is not None:
            where = RowNumber("train", place) if place < cut else RowNumber("test", place - cut)
            groups[plain(text) if normal else text].append((where, label))
    wrong = [group for group in groups.values() if len({label for _, label in group}) > 1]
    assert finding.found == finding.figures["texts"] == len(wrong)
    assert finding.figures["rows"] == sum(map(len, wrong))
    assert {one.rows for one in finding.evidence} == {tuple(where for where, _ in group)[:20] for group in wrong}


@FEW
@given(labels=st.lists(st.none() | st.sampled_from(["a", "b", "ü", "c c"]), max_size=60))
def test_imbalance_equals_brute_force(tmp_path: Path, labels: list[str | None]) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"label": pa.array(labels, pa.string())})])
    finding = found(dataset, "imbalance", label="label", few=5)
    counts = Counter(label for label in labels if label is not None)
    if not counts:
        assert finding.severity == "not run"
        return
    assert dict(finding.counts["label of train"]) == dict(counts)
    assert finding.figures["classes"] == len(counts)
    assert finding.figures["largest_by_smallest"] == max(counts.values()) / min(counts.values())
    assert finding.figures["majority_share"] == pytest.approx(max(counts.values()) / counts.total())
    assert finding.figures["unlabelled_rows"] == labels.count(None)
    assert {one.text.split("'")[1] for one in finding.evidence} == {name for name, rows in counts.items() if rows < 5}
    shares = [rows / counts.total() for rows in counts.values()]
    even = -sum(p * math.log(p) for p in shares) / math.log(len(shares)) if len(shares) > 1 else 1
    assert finding.figures["evenness"] == pytest.approx(even)


@FEW
@given(rows=ROWS)
def test_empty_equals_brute_force(tmp_path: Path, rows: list[Row]) -> None:
    finding = found(dataset_of(tmp_path, train=[table(rows)]), "empty")
    if not rows:
        assert finding.found == 0
        return

    def blank(cell: Any) -> bool:
        return cell is None or (isinstance(cell, str) and not cell.strip())

    assert finding.figures["empty_cells"] == sum(blank(cell) for row in rows for cell in row)
    bare = [place for place, row in enumerate(rows) if all(map(blank, row))]
    assert finding.figures["empty_rows"] == len(bare)
    shown = [one for one in finding.evidence if "without anything" in one.text]
    assert [place.row for one in shown for place in one.rows] == bare[:20]
    constant = [len(rows) > 1 and None not in cells and len(set(cells)) == 1 for cells in zip(*rows, strict=True)]
    assert finding.figures["constant_columns"] == sum(constant)
