"""What a check fills in of the step that mends: a job takes it as it is, changes what was found, and nothing else."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from studio.data import mending, previews
from studio.data.checks import CHECKS, mends
from studio.data.checks.base import Finding, Mend, RowNumber
from studio.data.checks.empty import INK
from studio.data.checks.mends import ROOM, Change
from studio.data.parquet import connect
from studio.data.records import Column, Dataset
from studio.data.rows import WHITESPACE
from studio.data.steps import STEPS
from studio.pages.datasets import address as addresses
from studio.pages.datasets.address import Address
from tests.mended import MEDIUM, mended, picture
from tests.mended import dataset as mended_from

SUBJECTS = {
    "garden": "the roses and tulips in the garden need water and good soil in spring",
    "kitchen": "boil the pasta with salt and stir the sauce in the hot pan",
    "harbour": "the ship left the harbour with its crew and a cargo of coal",
}
FRENCH = "le chat est assis sur la chaise et regarde par la fenêtre de la cuisine pendant toute la journée"
WORDS = [
    "early",
    "late",
    "quickly",
    "slowly",
    "again",
    "twice",
    "today",
    "tomorrow",
    "often",
    "seldom",
    "gladly",
    "together",
    "alone",
    "carefully",
]


def sentence(number: int, subject: str) -> str:
    """A sentence on a subject, like no other one."""
    chosen = np.random.default_rng(number)
    words = [*SUBJECTS[subject].split(), *chosen.choice(WORDS, 3)]
    return f"{' '.join(chosen.permutation(words))} {number}"


def rows(count: int, first: int = 0) -> dict[str, list[Any]]:
    subjects = [list(SUBJECTS)[number % 3] for number in range(count)]
    return {
        "text": [sentence(first + number, subject) for number, subject in enumerate(subjects)],
        "label": list(subjects),
        "size": [float(20 + number % 7) for number in range(count)],
        "note": [f"note {number % 11}" for number in range(count)],
    }


def train_and_test(spoil: Callable[[dict[str, list[Any]]], None]) -> dict[str, pa.Table]:
    """Two splits, both spoiled."""
    train, test = rows(90), rows(45, 500)
    spoil(train)
    spoil(test)
    return {"train": pa.table(train), "test": pa.table(test)}


def twice(table: dict[str, list[Any]]) -> None:
    for cells in table.values():
        cells += [cells[0], cells[0], cells[5]]


def twice_otherwise(table: dict[str, list[Any]]) -> None:
    twice(table)
    table["text"][-1] = table["text"][-1].upper()


def nearly_twice(table: dict[str, list[Any]]) -> None:
    for name, cells in table.items():
        cells += [f"{cells[0]}." if name == "text" else cells[7], f"{cells[1]}!" if name == "text" else cells[8]]


def wrong_labels(table: dict[str, list[Any]]) -> None:
    for row in (3, 21, 37):
        table["label"][row] = "kitchen" if table["label"][row] != "kitchen" else "harbour"


def at_odds(table: dict[str, list[Any]]) -> None:
    for text, label in ((4, "garden"), (4, "kitchen"), (4, "kitchen"), (5, "garden")):
        for name, cells in table.items():
            cells.append(label if name == "label" else cells[text])


def uneven(table: dict[str, list[Any]]) -> None:
    table["label"][:] = ["garden" if row % 7 else "kitchen" for row in range(len(table["label"]))]
    table["label"][:2] = ["harbour", "harbour"]


def personal(table: dict[str, list[Any]]) -> None:
    table["text"][2] += " write to jane@example.org"
    table["text"][9] += " call +1 650 253 0000"


def far_out(table: dict[str, list[Any]]) -> None:
    table["size"][4], table["size"][11], table["size"][12] = 9_000.0, float("nan"), float("-inf")
    table["text"][8] *= 40
    table["size"][20] = None


def other_language(table: dict[str, list[Any]]) -> None:
    table["text"][6], table["text"][13] = FRENCH, f"{FRENCH} sans dormir"


def broken(table: dict[str, list[Any]]) -> None:
    for row in (1, 14):
        table["text"][row] += " in the café déjà vu, naïve".encode().decode("cp1252")
    table["text"][30] += " Grüße"


def lacking(table: dict[str, list[Any]]) -> None:
    table["text"][3], table["text"][10], table["label"][17] = " \u2003\n", None, ""
    table["size"][5] = None
    table["note"][:] = [None] * len(table["note"])
    table["same"] = ["x"] * len(table["note"])


CASES: dict[str, tuple[Callable[[dict[str, list[Any]]], None], Mapping[str, Any]]] = {
    "leakage": (lambda _: None, {"columns": ["text"]}),
    "duplicates": (twice, {}),
    "duplicates, normalised": (twice_otherwise, {"normal": True}),
    "near-duplicates": (nearly_twice, {"columns": ["text"]}),
    "near-duplicates of two": (nearly_twice, {"columns": ["text", "note"], "threshold": 0.7}),
    "label-errors": (wrong_labels, {"label": "label", "columns": ["text"], "ratio": 2}),
    "conflicting-labels": (at_odds, {"label": "label", "columns": ["text"]}),
    "imbalance": (uneven, {"label": "label"}),
    "pii": (personal, {"columns": ["text"]}),
    "outliers": (far_out, {"columns": ["size", "text"]}),
    "language": (other_language, {"columns": ["text"]}),
    "mojibake": (broken, {}),
    "empty": (lacking, {}),
}
DECIMAL = pa.decimal128(5, 1)
# what is found less of; elsewhere the number of finds
LESS = {"imbalance": "largest_by_smallest"}


def found(dataset: Dataset, case: str, values: Mapping[str, Any]) -> Finding:
    check = CHECKS[case.split(",")[0].split(" ")[0]]
    finding: Finding = check.run(dataset, check.params(**values), lambda *_: None, lambda: None)
    return finding


def given(folder: Path, case: str) -> Dataset:
    tables = train_and_test(CASES[case][0])
    if case == "leakage":
        tables["test"] = pa.concat_tables([tables["test"], tables["train"].slice(3, 4)])
    return mended_from(folder, **tables)


def amount(finding: Finding, case: str) -> float:
    return finding.figures[LESS[case]] if case in LESS else finding.found


def test_every_check_that_names_a_step_has_a_case() -> None:
    assert {case.split(",")[0].split(" ")[0] for case in CASES} == {one.id for one in CHECKS.values() if one.step}


@pytest.mark.parametrize("case", CASES)
def test_what_is_filled_in_leaves_less_to_find(tmp_path: Path, case: str) -> None:
    before = given(tmp_path / "data", case)
    finding = found(before, case, CASES[case][1])
    assert finding.severity in ("note", "warning", "serious")
    assert finding.mends
    steps = [mend.plain() for mend in finding.mends]
    assert json.loads(json.dumps(steps)) == steps
    for mend in finding.mends:
        params = STEPS[mend.step].params.model_validate(mend.fields)
        STEPS[mend.step].check(params)
    after = mended_from(tmp_path / "after", **mended(before, steps, tmp_path / "job"))
    again = found(after, case, CASES[case][1])
    assert amount(again, case) < amount(finding, case), (finding.summary, again.summary)
    if case not in ("label-errors", "imbalance", "outliers"):  # what these look for depends on all rows
        assert (again.severity, again.found, again.mends) == ("ok", 0, ())


@pytest.mark.parametrize("case", CASES)
def test_the_form_shows_what_the_finding_says(tmp_path: Path, case: str) -> None:
    """The way over the page's address loses nothing, and is no longer than a link may be."""
    for mend in found(given(tmp_path / "data", case), case, CASES[case][1]).mends:
        link = Address(ref="kit:x", tab="mend", step=mend.step, fields=mend.fields, only=mend.split).link()
        read = addresses.parse(link.partition("?")[2])
        assert (read.step, dict(read.fields), read.only) == (mend.step, dict(mend.fields), mend.split)
        assert len(link) < 16_000


def changed(dataset: Dataset, split: str, finding: Finding) -> tuple[set[int], set[int]]:
    """Rows of a split with a changed cell, and rows that are gone, as the preview says."""
    steps = [mend.plain() for mend in finding.mends]
    shown = previews.preview(dataset, split, mending.read(steps), rows=100)
    return {row.row for row in shown.after if row.changed and row.row is not None}, set(shown.removed)


@pytest.mark.parametrize(
    ("case", "cells", "gone"),
    [
        ("leakage", (set(), set()), (set(), {45, 46, 47, 48})),
        ("duplicates", (set(), set()), ({90, 91, 92}, {45, 46, 47})),
        ("duplicates, normalised", (set(), set()), ({90, 91, 92}, {45, 46, 47})),
        ("near-duplicates", (set(), set()), ({90, 91}, {45, 46})),
        ("near-duplicates of two", (set(), set()), ({90, 91}, {45, 46})),
        ("label-errors", ({3, 21, 37}, {3, 21, 37}), (set(), set())),
        ("conflicting-labels", ({90}, {45}), ({5, 93}, {5, 48})),
        ("pii", ({2, 9}, {2, 9}), (set(), set())),
        ("outliers", (set(), set()), ({4, 8, 11, 12}, {4, 8, 11, 12})),
        ("language", (set(), set()), ({6, 13}, {6, 13})),
        ("mojibake", ({1, 14}, {1, 14}), (set(), set())),
        ("empty", (set(), set()), ({3, 5, 10, 17}, {3, 5, 10, 17})),
    ],
)
def test_the_preview_changes_the_rows_that_were_found(
    tmp_path: Path, case: str, cells: tuple[set[int], set[int]], gone: tuple[set[int], set[int]]
) -> None:
    dataset = given(tmp_path / "data", case)
    finding = found(dataset, case, CASES[case][1])
    for place, split in enumerate(("train", "test")):
        assert changed(dataset, split, finding) == (cells[place], gone[place]), split


def test_suspected_labels_become_what_they_look_like(tmp_path: Path) -> None:
    dataset = given(tmp_path / "data", "label-errors")
    finding = found(dataset, "label-errors", CASES["label-errors"][1])
    set_by_split = {mend.fields["split"]: mend.fields["cells"] for mend in finding.mends}
    right = rows(90)["label"]
    cells = sorted(set_by_split["train"], key=lambda cell: cell["row"])
    assert cells == [{"row": row, "column": "label", "value": right[row]} for row in (3, 21, 37)]


@pytest.mark.parametrize("kind", [pa.int8(), pa.float64(), pa.bool_(), DECIMAL])
def test_labels_that_are_no_text_keep_their_type(tmp_path: Path, kind: pa.DataType) -> None:
    numbers = [number % 2 for number in range(80)]
    texts = [sentence(number, list(SUBJECTS)[label]) for number, label in enumerate(numbers)]
    numbers[10], numbers[33] = 1, 0
    labels = pa.array([Decimal(one) if kind == DECIMAL else one for one in numbers]).cast(kind)
    dataset = mended_from(tmp_path / "data", train=pa.table({"text": texts, "label": labels}))
    finding = found(dataset, "label-errors", {"label": "label", "columns": ["text"]})
    after = mended(dataset, [mend.plain() for mend in finding.mends], tmp_path / "job")["train"]
    assert after.column("label").to_pylist() == [n % 2 for n in range(80)]
    assert after.schema.field("label").type == kind


def test_files_of_unusual_size_are_left_out(tmp_path: Path) -> None:
    images = [{"bytes": picture(1) + bytes(number % 9), "path": None} for number in range(40)]
    images[7] = {"bytes": picture(1) + bytes(90_000), "path": None}
    dataset = mended_from(tmp_path / "data", train=pa.table({"image": pa.array(images, MEDIUM), "n": list(range(40))}))
    finding = found(dataset, "outliers", {"columns": ["image"]})
    after = mended(dataset, [mend.plain() for mend in finding.mends], tmp_path / "job")["train"]
    named = {place.row for one in finding.evidence for place in one.rows}
    assert 7 in named
    assert set(after.column("n").to_pylist()) == set(range(40)) - named


def test_an_empty_cell_is_one_that_holds_only_white_space() -> None:
    with connect([]) as connection:
        for code in [*range(0x300), *range(0x1600, 0x1700), *range(0x2000, 0x2100), 0x3000, 0xFEFF, 0x1F600]:
            row = connection.execute("SELECT regexp_matches(?, ?)", [chr(code), INK]).fetchone()
            assert row == (chr(code) not in WHITESPACE,), hex(code)


def test_rare_classes_are_not_what_the_others_shrink_to(tmp_path: Path) -> None:
    labels = ["a"] * 500 + ["b"] * 40 + ["c"] * 3
    dataset = mended_from(tmp_path / "data", train=pa.table({"text": [f"t {n}" for n in range(543)], "label": labels}))
    (mend,) = found(dataset, "imbalance", {"label": "label"}).mends
    assert mend == Mend("sample", {"rows": 119, "each": "label"}, "train", "at most 119 rows of each class of train")
    even = mended_from(tmp_path / "even", train=pa.table({"text": ["t"] * 21, "label": ["a"] * 20 + ["c"]}))
    finding = found(even, "imbalance", {"label": "label"})
    assert (finding.mends, finding.found) == ((), 1)
    assert "Rare classes need more rows" in finding.remedy


def test_a_link_holds_some_rows_and_says_of_how_many() -> None:
    change = [Change(RowNumber("train", row)) for row in range(5_000)]
    change += [Change(RowNumber("test", row), "label", "science") for row in range(3)]
    train, test = mends.edits(change)
    taken = len(train.fields["delete"])
    assert 500 < taken < 2_000
    assert train.does == f"the first {taken:,} of 5,000 rows of train"
    assert len(json.dumps(train.fields["delete"], separators=(",", ":"))) <= ROOM + 2
    assert (test.does, len(test.fields["cells"])) == ("3 rows of test", 3)
    assert mends.edits([]) == ()


def test_cells_that_cannot_be_set_are_not_filled_in() -> None:
    assert mends.value(Column("c", "STRUCT(a INTEGER)", "other"), "x") is None
    assert mends.value(Column("c", "DATE", "other"), "2026-01-02") == "2026-01-02"
    assert mends.value(Column("c", "BOOLEAN", "boolean"), "True") is True


def test_a_preview_begins_where_something_happens(tmp_path: Path) -> None:
    table = pa.table({"text": [f"text {n}" for n in range(600)], "label": ["a"] * 600})
    dataset = mended_from(tmp_path / "data", train=table)
    changes = [Change(RowNumber("train", 411), "label", "b"), Change(RowNumber("train", 413))]
    steps = [mend.plain() for mend in mends.edits(changes)]
    shown = previews.preview(dataset, "train", mending.read(steps), rows=10)
    assert (shown.start, shown.removed) == (409, [413])
    assert [row[0] for row in shown.before] == [f"text {n}" for n in range(409, 419)]
    assert [(row.row, row.changed) for row in shown.after[:5]] == [
        (409, []),
        (410, []),
        (411, [1]),
        (412, []),
        (414, []),
    ]
    for other in (
        [{"step": "shuffle"}, *steps],  # another order
        [*steps, {"step": "map", "into": "more", "expression": "1"}],  # every row is changed
        [{"step": "edit", "cells": [{"row": 3, "column": "label", "value": "c"}]}],
        [{"step": "filter", "condition": "true"}],
    ):
        assert previews.preview(dataset, "train", mending.read(other), rows=10).start == 0
