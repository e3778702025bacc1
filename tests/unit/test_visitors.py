"""What one visitor does to the memory, the time and the answers of everybody: nothing."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, QuotaExceeded, StudioError
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import cells, crossing, expressions, parquet, sources, views
from studio.data.records import Column, Dataset
from studio.data.views import View
from studio.pages.datasets import table
from studio.pages.datasets.address import Address, parse
from studio.service import Studio
from studio.service.turns import Limits, Turns

LOCAL = Caller("local")
MANY = 130


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False))
    yield made
    made.close()


def opened(tmp_path: Path, columns: Any) -> Dataset:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return sources.resolve(str(path), Settings(home=tmp_path / "home", offline=True), "local")


def test_steps_take_the_memory_of_another_process(studio: Studio, tmp_path: Path) -> None:
    ref = opened(tmp_path, {"text": ["abc"] * 200}).info.ref
    before = psutil.Process().memory_info().rss
    greedy = "length(array_to_string(list_transform(range(300000), lambda x: repeat(text, 10000)), '')) > 0"
    with pytest.raises(StudioError):
        studio.preview(LOCAL, ref, "train", [{"step": "filter", "condition": greedy}])
    assert psutil.Process().memory_info().rss - before < 300e6
    found = studio.preview(LOCAL, ref, "train", [{"step": "filter", "condition": "length(text) = 3"}], 2)
    assert (len(found.after), found.after[0].cells, found.basis.whole) == (2, ["abc"], True)


def test_what_is_constant_is_computed_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = (Column("text", "VARCHAR", "text"),)

    def refused(*_: Any) -> Any:
        raise AssertionError("a visitor's SQL in this process")

    monkeypatch.setattr(parquet, "connect", refused)
    assert expressions.described(columns, "length(lpad(text, 7, 'x')) AS n", "text <> 'a'") == (
        Column("n", "BIGINT", "number"),
    )


def test_an_export_runs_no_sql_here(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = opened(tmp_path, {"n": list(range(1_003)), "text": ["abc"] * 1_003})
    ran: list[str] = []
    among = studio._sandbox.among

    def counted(data: Dataset, view: View, stop: Any) -> bytes:
        ran.append(view.where)
        return among(data, view, stop)

    monkeypatch.setattr(studio._sandbox, "among", counted)
    made = studio.export(LOCAL, dataset.info.ref, "csv", view=View(where="n % 500 = 2", columns=("n",)))
    assert b"".join(made.parts) == b'"n"\n"2"\n"502"\n"1002"\n'
    assert ran == ["n % 500 = 2"]
    nothing = studio.export(LOCAL, dataset.info.ref, "csv", view=View(where="n < 0", columns=("n",)))
    assert b"".join(nothing.parts) == b'"n"\n'
    with pytest.raises(InvalidInput, match="memory") as caught:
        studio.export(LOCAL, dataset.info.ref, "csv", view=View(where="length(repeat(text, 1000000000)) > 0"))
    assert caught.value.field == "where"


def test_questions_wait_for_their_turn(studio: Studio, tmp_path: Path) -> None:
    ref = opened(tmp_path, {"n": [1], "g": ["a"]}).info.ref
    studio._turns = Turns(limited=True, limits=Limits(0, 0, 0, 0))
    asked = (
        lambda: studio.view(LOCAL, ref),
        lambda: studio.sql(LOCAL, ref, "train", "SELECT 1"),
        lambda: studio.statistics(LOCAL, ref, "train"),
        lambda: studio.cross(LOCAL, ref, "train", "n", "g"),
        lambda: studio.check_now(LOCAL, ref),
        lambda: studio.preview(LOCAL, ref, "train", [{"step": "shuffle"}]),
        lambda: studio.export(LOCAL, ref, "csv"),
    )
    for ask in asked:
        with pytest.raises(QuotaExceeded):
            ask()


def test_a_page_of_very_many_columns_is_bounded(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = opened(tmp_path, {f"c{place}": ["x" * 500] * 20 for place in range(MANY)})
    monkeypatch.setattr(views, "ROOM", 300_000)
    page = views.page(dataset)
    assert sum(len(cell) for row in page.rows for cell in row) <= 300_000
    assert {one.length for one in page.cut} == {500}
    shown = str(table.table(Address(ref="kit:a", split="train"), dataset.info.columns, page))
    assert shown.count("<th ") == table.MOST_COLUMNS + 1
    ref = opened(tmp_path, {f"c{place}": [1] for place in range(201)}).info.ref
    with pytest.raises(InvalidInput, match="Name at most 200"):
        studio.statistics(LOCAL, ref, "train")
    assert len(studio.statistics(LOCAL, ref, "train", ["c0", "c200"])) == 2


def test_of_a_huge_nested_cell_only_the_start_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = opened(tmp_path, {"n": [list(range(200_000)), [1, 2]], "s": [{"a": "x" * 90_000}, {"a": "y"}]})
    fetched: list[int] = []
    plain = cells.plain

    def counted(value: object) -> Any:
        fetched.append(len(str(value)))
        return plain(value)

    monkeypatch.setattr(cells, "plain", counted)
    page = views.page(dataset)
    assert page.rows[1] == [[1, 2], {"a": "y"}]
    assert [len(cell) for cell in page.rows[0]] == [views.WIDEST, views.WIDEST]
    assert {one.column: one.length > 80_000 for one in page.cut} == {"n": True, "s": True}
    assert max(fetched) < 100
    assert asdict(page)


def test_groups_are_told_apart_whatever_they_are_called(tmp_path: Path) -> None:
    names = ["others"] * 5 + [f"g{place:02}" for place in range(14) for _ in range(2)]
    dataset = opened(tmp_path, {"a?b": names, "c": ["x"] * len(names)})
    found = crossing.cross(dataset, "train", "c", "a?b")
    assert sum(found.sizes) == len(names)
    assert len(set(found.down)) == len(found.down)
    assert found.sizes[found.down.index("others")] == 5  # type: ignore[arg-type]
    few = opened(tmp_path, {"a?b": ["p", "q"], "c": ["x", "y"]})
    assert crossing.cross(few, "train", "c", "a?b").cells == [[1, 0], [0, 1]]


def test_a_search_for_nothing_is_none() -> None:
    assert not parse("ref=kit:a&q=%20%0a").narrowed


def test_half_a_character_ends_no_process(studio: Studio, tmp_path: Path) -> None:
    ref = opened(tmp_path, {"n": [1]}).info.ref
    asked = (
        lambda: studio.sql(LOCAL, ref, "train", "SELECT '\ud800'"),
        lambda: studio.view(LOCAL, ref, View(where="'\ud800' = 'a'")),
        lambda: studio.export(LOCAL, ref, "csv", view=View(where="'\ud800' = 'a'")),
        lambda: expressions.check("'\ud800' = 'a'", "condition", ()),
    )
    for ask in asked:
        with pytest.raises(InvalidInput, match="half of a character"):
            ask()
