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
TYPED = (
    Column("price", "DECIMAL(38,10)", "number"),
    Column("day", "DATE", "other"),
    Column("time", "TIME", "other"),
    Column("when", "TIMESTAMP", "other"),
    Column("there", "TIMESTAMP WITH TIME ZONE", "other"),
)
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


def test_decimals_and_times_stay_as_they_are_written() -> None:
    rows = [
        ["1234567890123456789012345678.0123456789", "2024-02-29", "23:59:00.123456", "2024-02-29T23:59:00", None],
        [None, None, None, None, "2024-02-29T23:59:00+00:00"],
    ]
    for row in rows:
        held = [Box.of(column, value) for column, value in zip(TYPED, row, strict=True)]
        assert boxes.changes(held, [*(box.said for box in held), []]) == {}
        assert boxes.changes(held, ["", " ", "", None, "", []]) == dict.fromkeys(
            column.name for column, value in zip(TYPED, row, strict=True) if value is not None
        ) | ({"day": None} if row[1] is None else {})
    said = ["0.0000000001", "0001-01-01", "00:00", " 2024-02-29 ", "2024-02-29 23:59:00.5+02:00"]
    empty = [Box(column) for column in TYPED]
    found = boxes.changes(empty, [*said, []])
    assert found == {column.name: text.strip() for column, text in zip(TYPED, said, strict=True)}
    draft = Draft().with_row("train", 3, found, TYPED)
    assert Draft.read(draft.text).cells("train", 3) == found
    assert Box.of(TYPED[0], 1e-7).said == "0.0000001"
    assert Box.of(TYPED[3], "2024-02-29T23:59:00").said == "2024-02-29 23:59:00"


@pytest.mark.parametrize(
    ("place", "said", "form"),
    [
        (0, "12,5", "12.50"),
        (0, "0.00000000001", "12.50"),
        (0, "1" + "0" * 28, "12.50"),
        (0, "nan", "12.50"),
        (1, "29.2.2024", "2026-11-30"),
        (1, "2023-02-29", "2026-11-30"),
        (2, "24:00", "23:59:00"),
        (2, "12:00+01:00", "23:59:00"),
        (3, "yesterday", "2026-11-30 23:59:00"),
        (3, "2024-02-29 12:00+01:00", "2026-11-30 23:59:00"),
        (4, "2024-02-29 12:00", "2026-11-30 23:59:00+00:00"),
    ],
)
def test_what_is_no_decimal_or_time(place: int, said: str, form: str) -> None:
    given: list[Any] = ["", "", "", "", "", []]
    given[place] = said
    with pytest.raises(InvalidInput) as caught:
        boxes.changes([Box(column) for column in TYPED], given)
    assert (caught.value.field, caught.value.value) == (TYPED[place].name, said)
    assert caught.value.expected == f"It holds {TYPED[place].type}; write it like {form}."


def test_an_empty_box_says_how_it_is_filled() -> None:
    whole = Column("n", "DECIMAL(20,0)", "number")
    told = [Box(column).draw() for column in (*TYPED, whole, Column("s", "DECIMAL(2,2)", "number"))]
    assert [getattr(one, "placeholder", "") for one in told] == [
        "for example 12.50",
        "for example 2026-11-30",
        "for example 23:59:00",
        "for example 2026-11-30 23:59:00",
        "for example 2026-11-30 23:59:00+00:00",
        "for example 12",
        "for example 0.50",
    ]


def test_columns_that_have_a_box() -> None:
    other = [Column("l", "VARCHAR[]", "other"), Column("p", "BLOB", "other"), Column("x", "TIMESTAMP_NS", "other")]
    assert boxes.simple([*ALL, *other, *TYPED]) == [*ALL, *TYPED]
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
