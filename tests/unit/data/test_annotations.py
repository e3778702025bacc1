"""Annotations: answers that fit, kept at once and for good; by many hands at a time; taken back one by one."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from studio.core.settings import Settings
from studio.data import marks, sources
from studio.data.annotations import Annotations, Work
from studio.data.marks import Plan
from studio.data.records import Dataset

ROWS = 20
LABEL = Plan(name="mood", kind="label", column="text", classes=("bad", "good"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", offline=True)


@pytest.fixture
def dataset(tmp_path: Path, settings: Settings) -> Dataset:
    table = pa.table(
        {
            "text": [f"row {n}" for n in range(ROWS)],
            "other": ["x"] * ROWS,
            "score": [(n * 7 % ROWS) / ROWS for n in range(ROWS)],
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    return sources.resolve(str(tmp_path / "rows.parquet"), settings, "local")


@pytest.fixture
def kept(settings: Settings) -> Annotations:
    return Annotations(settings, "local")


@pytest.fixture
def work(kept: Annotations, dataset: Dataset) -> Work:
    return kept.start(dataset, LABEL)


def test_answers_are_kept_and_taken_back(kept: Annotations, work: Work) -> None:
    kept.put(work.id, 3, ["good"])
    kept.put(work.id, 3, ["bad"])
    kept.put(work.id, 5, None)
    assert kept.between(work.id, 0, ROWS) == {3: ["bad"], 5: None}
    assert (kept.get(work.id).done, kept.get(work.id).skipped) == (1, 1)
    assert kept.undo(work.id) == 5
    assert kept.undo(work.id) == 3
    assert kept.between(work.id, 0, ROWS) == {3: ["good"]}
    assert [kept.undo(work.id), kept.undo(work.id)] == [3, None]
    assert kept.get(work.id).done == 0


def test_the_next_row_is_the_first_without_an_answer(kept: Annotations, work: Work) -> None:
    assert kept.first_open(work.id, ROWS) == 0
    for row in (0, 1, 3):
        kept.put(work.id, row, ["bad"])
    assert kept.first_open(work.id, ROWS) == 2
    assert kept.first_open(work.id, ROWS, 3) == 4
    for row in range(2, ROWS):
        kept.put(work.id, row, ["bad"])
    assert kept.first_open(work.id, ROWS) is None
    assert kept.first_open(work.id, ROWS, ROWS) is None


@hypothesis.settings(deadline=None, max_examples=40)
@given(st.sets(st.integers(0, 9)), st.integers(0, 10))
def test_the_next_row_against_counting(marked: set[int], start: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = Annotations(Settings(home=Path(folder), offline=True), "local")
        for row in marked:
            kept.put("w", row, ["bad"])
        wanted = [row for row in (*range(start, 10), *range(start)) if row < 10 and row not in marked]
        assert kept.first_open("w", 10, start) == next(iter(wanted), None)


def test_another_process_and_a_restart_see_it(kept: Annotations, work: Work, settings: Settings) -> None:
    kept.put(work.id, 1, ["good"])
    again = Annotations(Settings(home=settings.home, offline=True), "local")
    assert [one.id for one in again.list_all()] == [work.id]
    assert again.between(work.id, 0, ROWS) == {1: ["good"]}
    assert Annotations(settings, "somebody").list_all() == []
    with pytest.raises(NotFound):
        Annotations(settings, "somebody").get(work.id)


def test_many_writers_lose_nothing(kept: Annotations, work: Work, settings: Settings) -> None:
    def write(number: int) -> None:
        own = Annotations(settings, "local")
        for row in range(number, ROWS, 4):
            own.put(work.id, row, ["good"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, [0, 1, 2, 3, 0, 1, 2, 3]))
    assert set(kept.between(work.id, 0, ROWS)) == set(range(ROWS))
    undone = 0
    while kept.undo(work.id) is not None:
        undone += 1
    assert undone == 2 * ROWS
    assert kept.between(work.id, 0, ROWS) == {}


WRITER = """
import sys
import tempfile
from pathlib import Path
from studio.core.settings import Settings
from studio.data.annotations import Annotations
kept = Annotations(Settings(home=Path(sys.argv[1]), offline=True), "local")
for row in range(10_000):
    kept.put(sys.argv[2], row, ["good"])
    print(row, flush=True)
"""


def test_what_was_told_survives_a_kill(kept: Annotations, work: Work, settings: Settings) -> None:
    command = [sys.executable, "-c", WRITER, str(settings.home), work.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        last = -1
        while last < 50:
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in writer.stdout.read().splitlines())])
    assert last >= 50
    held = kept.between(work.id, 0, 10_000)
    assert set(range(last + 1)) <= set(held)
    kept.put(work.id, 9_999, ["bad"])


def test_the_question_stays_once_there_are_answers(kept: Annotations, dataset: Dataset, work: Work) -> None:
    kept.put(work.id, 0, ["bad"])
    more = LABEL.model_copy(update={"classes": ("bad", "good", "odd")})
    assert kept.start(dataset, more).id == work.id
    assert kept.get(work.id).plan.classes == ("bad", "good", "odd")
    kept.start(dataset, LABEL.model_copy(update={"classes": ("bad",)}))
    with pytest.raises(Conflict, match="'bad' was given"):
        kept.start(dataset, LABEL.model_copy(update={"classes": ("good",)}))
    with pytest.raises(Conflict, match="asks something else"):
        kept.start(dataset, LABEL.model_copy(update={"column": "other"}))
    kept.delete(work.id)
    assert kept.list_all() == []
    with pytest.raises(NotFound):
        kept.delete(work.id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"split": "nope"}, "split"),
        ({"name": "text"}, "name"),
        ({"column": "nope"}, "column"),
        ({"classes": ()}, "classes"),
        ({"classes": ("a", "a")}, "classes"),
        ({"classes": (" ",)}, "classes"),
        ({"confidence": "text"}, "confidence"),
        ({"kind": "span", "column": "score"}, "column"),
        ({"kind": "preference", "classes": ()}, "other"),
        ({"kind": "preference", "classes": (), "other": "text"}, "other"),
        ({"kind": "preference", "other": "other"}, "classes"),
        ({"kind": "preference", "classes": (), "other": "other", "prompt": "score"}, "prompt"),
    ],
)
def test_plans_that_do_not_fit(dataset: Dataset, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputs) as raised:
        marks.check_plan(dataset, LABEL.model_copy(update=changes))
    assert field in [problem.field for problem in raised.value.problems]


SPAN = Plan(name="spans", kind="span", column="text", classes=("who", "where"))
PREFERENCE = Plan(name="better", kind="preference", column="text", other="other")
TEXT = "Ann 👍 in Rome."


@pytest.mark.parametrize(
    ("plan", "value"),
    [
        (LABEL, "nope"),
        (LABEL, []),
        (LABEL, ["bad", "good"]),
        (LABEL, 3),
        (LABEL, [["bad"]]),
        (LABEL.model_copy(update={"several": True}), ["bad", "bad"]),
        (SPAN, "Ann"),
        (SPAN, [{"start": 0, "end": 3}]),
        (SPAN, [{"start": 0, "end": 3, "label": "what"}]),
        (SPAN, [{"start": 3, "end": 3, "label": "who"}]),
        (SPAN, [{"start": -1, "end": 3, "label": "who"}]),
        (SPAN, [{"start": 0, "end": len(TEXT) + 1, "label": "who"}]),
        (SPAN, [{"start": True, "end": 3, "label": "who"}]),
        (SPAN, [{"start": 0.0, "end": 3.0, "label": "who"}]),
        (SPAN, [{"start": 0, "end": 3, "label": "who"}] * 2),
        (SPAN, [{"start": 0, "end": 3, "label": "who", "html": "<b>"}]),
        (PREFERENCE, "third"),
        (PREFERENCE, ["first"]),
    ],
)
def test_answers_that_do_not_fit(plan: Plan, value: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        marks.checked(plan, value, TEXT)
    assert raised.value.field.startswith("value")


def test_answers_that_fit() -> None:
    several = LABEL.model_copy(update={"several": True})
    assert marks.checked(LABEL, "good", None) == ["good"]
    assert marks.checked(several, ["good", "bad"], None) == ["bad", "good"]
    assert marks.checked(several, [], None) == []
    assert marks.checked(PREFERENCE, "tie", None) == "tie"
    spans = [{"start": 9, "end": 13, "label": "where"}, {"start": 0, "end": 3, "label": "who"}]
    assert marks.checked(SPAN, spans, TEXT) == spans[::-1]
    assert marks.checked(SPAN, None, TEXT) is None


def test_tags_of_tokens() -> None:
    spans = [{"start": 0, "end": 5, "label": "who"}, {"start": 9, "end": 13, "label": "where"}]
    tokens, tags = marks.tagged(SPAN, TEXT, spans, 0)
    names = marks.tag_names(SPAN)
    assert names == ["O", "B-who", "I-who", "B-where", "I-where"]
    assert list(zip(tokens, [names[tag] for tag in tags], strict=True)) == [
        ("Ann", "B-who"), ("👍", "I-who"), ("in", "O"), ("Rome", "B-where"), (".", "O"),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="overlap"):
        marks.tagged(SPAN, TEXT, [spans[0], {"start": 2, "end": 4, "label": "who"}], 7)


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.rglob("*.partial"))
