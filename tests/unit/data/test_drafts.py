"""A recipe while it is written: rows edited by hand are gathered in one step that stands first."""

import pytest

from studio.core.errors import InvalidInput, InvalidInputs
from studio.data import mending
from studio.data.drafts import Draft, Edits
from studio.data.records import Column

COLUMNS = (Column("t", "VARCHAR", "text"), Column("n", "BIGINT", "number"), Column("l", "VARCHAR[]", "other"))
LATER = "steps:\n  - {step: filter, condition: n > 1}\n  - {step: edit, delete: [0]}\n"


def test_nothing_is_no_recipe() -> None:
    assert Draft.read(" \n") == Draft()
    assert Draft().text == ""
    assert not Draft().edits
    assert Draft().others == 0
    assert Draft().cells("train", 0) == {}


def test_edits_of_a_split_are_one_step_and_stand_first() -> None:
    draft = Draft.read(LATER).with_row("train", 5, {"t": "new", "n": None}, COLUMNS)
    draft = draft.with_row("test", 1, {"n": 2}, COLUMNS).with_deleted("train", 7, COLUMNS)
    draft = draft.with_added("train", {"t": "last"}, COLUMNS).with_row("train", 3, {"n": 1}, COLUMNS)
    assert [entry.name for entry in draft.recipe.steps] == ["edit", "edit", "filter", "edit"]
    assert draft.edits == Edits(cells=4, deleted=1, added=1)
    assert draft.others == 2
    assert draft.cells("train", 5) == {"t": "new", "n": None}
    assert draft.cells("test", 1) == {"n": 2}
    assert draft.deletes("train", 7)
    assert not draft.deletes("train", 0)  # of a later step, whose rows have other numbers
    assert Draft.read(draft.text) == draft


def test_what_is_set_anew_takes_the_place_of_what_was_set() -> None:
    draft = Draft().with_row("train", 5, {"t": "a", "n": 1}, COLUMNS).with_row("train", 6, {"t": "b"}, COLUMNS)
    draft = draft.with_row("train", 5, {"n": 2}, COLUMNS)
    assert draft.cells("train", 5) == {"n": 2}
    assert draft.cells("train", 6) == {"t": "b"}
    assert draft.with_deleted("train", 5, COLUMNS).cells("train", 5) == {}
    twice = draft.with_deleted("train", 5, COLUMNS).with_deleted("train", 5, COLUMNS)
    assert twice.edits == Edits(cells=1, deleted=1)


def test_undone_to_nothing() -> None:
    draft = Draft().with_row("train", 5, {"t": "a"}, COLUMNS).with_deleted("train", 6, COLUMNS)
    assert draft.without("train", 5, COLUMNS).edits == Edits(deleted=1)
    assert draft.without("train", 5, COLUMNS).without("train", 6, COLUMNS).text == ""
    assert Draft.read(LATER).with_row("train", 5, {}, COLUMNS) == Draft.read(LATER)


def test_the_second_of_two_steps_for_a_split_is_left_alone() -> None:
    both = "steps: [{step: edit, delete: [1]}, {step: edit, delete: [0]}, {step: shuffle}]"
    draft = Draft.read(both).with_row("train", 4, {"t": "x"}, COLUMNS)
    assert [entry.plain().get("delete") for entry in draft.recipe.steps[:2]] == [[1], [0]]
    assert draft.cells("train", 4) == {"t": "x"}
    assert draft.without("train", 4, COLUMNS) == Draft.read(both)


def test_the_source_of_a_recipe_stays() -> None:
    draft = Draft.read("source: {ref: kit:wine}\nsteps: [{step: shuffle}]").with_deleted("train", 0, COLUMNS)
    assert draft.recipe.source == mending.Source("kit:wine")


def test_what_does_not_fit_is_refused() -> None:
    for cells in ({"n": "many"}, {"n": True}, {"t": 1}, {"l": "x"}, {"nowhere": "x"}):
        with pytest.raises(InvalidInput):
            Draft().with_row("train", 0, cells, COLUMNS)
    with pytest.raises(InvalidInput, match="holds BIGINT"):
        Draft().with_added("train", {"n": "x"}, COLUMNS)
    with pytest.raises(InvalidInputs):
        Draft.read("steps: [{step: mix}]")
