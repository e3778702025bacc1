"""Boxes for cells: what stands in them, what was written, and what is no edit because nothing was touched."""

from typing import Any

import pytest

from studio.core.errors import InvalidInput
from studio.data.drafts import Draft
from studio.data.previews import AfterRow, Preview
from studio.data.records import Basis, Column
from studio.pages.datasets import boxes, editing, mending
from studio.pages.datasets.address import Address
from studio.pages.datasets.boxes import Box

TEXT = Column("t", "VARCHAR", "text")
WHOLE = Column("n", "UBIGINT", "number")
REAL = Column("x", "DOUBLE", "number")
SURE = Column("s", "BOOLEAN", "boolean")
ALL = (TEXT, WHOLE, REAL, SURE)
HERE = Address(ref="upload:a", split="train", row=3)


def filled(*values: Any) -> list[Box]:
    return [Box.of(column, value) for column, value in zip(ALL, values, strict=True)]


@pytest.mark.parametrize(
    "values", [("a", 2**63 + 1, 0.1, True), ("", 0, -0.0, False), (None, None, None, None), (" ", 1, "nan", None)]
)
def test_what_is_not_touched_is_no_edit(values: tuple[Any, ...]) -> None:
    held = filled(*values)
    nulls = [box.column.name for box in held if box.null and box.column.kind == "text"]
    assert boxes.changes(held, [*(box.said for box in held), nulls]) == {}


def test_what_was_written() -> None:
    held = filled("a", 1, 1.5, True)
    assert boxes.changes(held, ["b", "2", "1e3", "no", []]) == {"t": "b", "n": 2, "x": 1000.0, "s": False}
    assert boxes.changes(held, ["", "", " ", "", []]) == {"t": "", "n": None, "x": None, "s": None}
    assert boxes.changes(held, ["", "1", "1.5", "yes", ["t"]]) == {"t": None}
    assert boxes.changes(held, ["x", "1", "1.5", "yes", ["t"]]) == {"t": "x"}  # what is written stands
    assert boxes.changes(filled(None, 1, 1.5, True), [None, "1", "1.5", "yes", []]) == {"t": ""}
    assert boxes.changes(held, ["a", str(2**64 - 1), "1.5", "yes", None]) == {"n": 2**64 - 1}


@pytest.mark.parametrize(("place", "said"), [(1, "1.5"), (1, "many"), (2, "1,5"), (2, "inf"), (2, "nan")])
def test_what_is_no_number(place: int, said: str) -> None:
    given = ["a", "1", "1.5", "yes", []]
    given[place] = said
    with pytest.raises(InvalidInput, match="number") as caught:
        boxes.changes(filled("a", 1, 1.5, True), given)
    assert caught.value.field == ALL[place].name


def test_columns_that_have_a_box() -> None:
    other = [Column("l", "VARCHAR[]", "other"), Column("d", "DECIMAL(5,2)", "number")]
    assert boxes.simple([*ALL, *other]) == list(ALL)
    assert len(boxes.simple([TEXT] * 5_000)) == boxes.MOST


def test_names_of_classes_are_told() -> None:
    assert Box.of(WHOLE, 1, ("bad", "good")).info == "0 bad, 1 good"
    assert Box.of(WHOLE, 1, [str(number) for number in range(50)]).info.endswith("11 11, …")


def test_the_state_of_a_draft() -> None:
    assert editing.state(HERE, Draft()) == ""
    draft = Draft().with_row("train", 3, {"t": "<b>"}, ALL).with_added("train", {"n": 1}, ALL)
    told = editing.state(HERE, draft)
    assert "1 cell set, 1 row added; not yet run. Of this row it sets t." in told
    assert 'href="/datasets?ref=upload:a&amp;split=train&amp;tab=mend"' in told
    gone = editing.state(HERE, draft.with_deleted("train", 3, ALL))
    assert "1 row deleted, 1 row added; not yet run. This row is deleted in it." in gone
    other = editing.state(HERE, Draft.read("steps: [{step: shuffle}]"))
    assert "has 1 other step; not yet run" in other


def test_media_of_a_preview_and_nothing_else_is_markup() -> None:
    evil = '"><script>alert(1)</script>'
    found = Preview(
        split="train",
        columns_before=(TEXT,),
        before=[[evil]],
        columns=(TEXT, TEXT),
        after=[AfterRow(0, [evil, evil], [0], {0: "data:image/webp;base64,AA", 1: "data:audio/ogg;base64,AA"})],
        removed=[0],
        counts=[],
        parts={"train": 1},
        basis=Basis(1, 1),
        notes=[],
        media_before=[{0: "data:image/webp;base64,BB"}],
    )
    markup = mending.before_and_after(found)
    assert "<script>" not in markup
    assert markup.count('<img src="data:image/webp;base64,') == 2
    assert markup.count("<audio controls") == 1
