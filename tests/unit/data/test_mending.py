"""Recipes: what YAML is taken, what is refused and how it is named, and what is said of another revision."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from studio.core.errors import InvalidInput, InvalidInputs, TimedOut, UnknownName
from studio.data import expressions, mending, previews, scripts, shapes
from studio.data.mending import Mending, Source
from studio.data.records import Dataset
from tests.mended import dataset, mended, some_rows

STEPS: list[dict[str, Any]] = [
    {"step": "filter", "condition": "number > 3"},
    {"step": "typos", "splits": ["train"], "column": "text"},
    {"step": "edit", "cells": [{"row": 0, "column": "text", "value": 'über: "x"\n- y # 🙂'}]},
]


@pytest.fixture
def rows(tmp_path: Path) -> Dataset:
    return dataset(tmp_path / "data", train=some_rows(), test=some_rows(5).drop_columns(["number"]))


def problems(given: Any) -> dict[str, str]:
    """Field → what is said of it."""
    try:
        mending.read(given)
    except InvalidInputs as error:
        return {one.field: str(one) for one in error.problems}
    except InvalidInput as error:
        return {error.field: str(error)}
    raise AssertionError("nothing is wrong")


def test_yaml_gives_everything_back() -> None:
    recipe = Mending(mending.read(STEPS).steps, Source("kit:wine", "abc", "0123"))
    text = mending.dumped(recipe)
    assert mending.read(text) == recipe
    assert text.startswith("format: 1\nsource:\n  ref: kit:wine\n")
    assert "über" in text
    assert mending.read("- step: shuffle\n- {step: drop, columns: [a, b]}").plain() == [
        {"step": "shuffle", "seed": 42},
        {"step": "drop", "columns": ["a", "b"]},
    ]


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("", "recipe", "There is no step yet; add one."),
        ("just words", "recipe", "must be a mapping"),
        ("steps: [", "recipe", "no YAML"),
        ("steps: &a [*a]", "recipe", "aliases"),
        ("steps: !!python/object/apply:os.system ['true']", "recipe", "no YAML"),
        ("[" * 3_000, "recipe", ""),
        ("steps: 3", "steps", "must be a list"),
        ("steps: []", "steps", "Add a step. Known: filter, select"),
        ("stepz: []", "recipe", "Known: format, source, steps"),
        ("format: 9\nsteps: [{step: shuffle}]", "format", "reads format 1"),
        ("source: {ref: a, x: b}\nsteps: [{step: shuffle}]", "source.x", "Known: ref, revision, fingerprint"),
        ("source: 3\nsteps: [{step: shuffle}]", "source", "mapping"),
        ("steps: [shuffle]", "steps.1", "mapping"),
        ("steps: [{step: shuffle}, {step: mix}]", "steps.2.step", "Known: filter, select"),
        ("steps: [{seed: 1}]", "steps.1.step", "Known: filter"),
        ("steps: [{step: shuffle, sead: 1}]", "steps.1.sead", "Known: seed"),
        ("steps: [{step: shuffle, seed: x}]", "steps.1.seed", "integer"),
        ("steps: [{step: shuffle, splits: train}]", "steps.1.splits", "list of names"),
        ("steps: [{step: split, splits: [train]}]", "steps.1.splits", "in the field split"),
        ("steps: [{step: filter}]", "steps.1.condition", "required"),
        ("steps: [{step: split, train: 0.9}]", "steps.1", "they make 1.1"),
        ("steps: [{step: sample}]", "steps.1", "a number of rows or a share"),
        ("steps: [{step: template, into: a, template: '{x.__class__!r}'}]", "steps.1.template", "not known"),
        ("steps: [{step: template, into: a, template: '{'}]", "steps.1.template", "cannot be read"),
        ("steps: [{step: template, into: a, template: '{}'}]", "steps.1.template", "names no column"),
        ("steps: [{step: remove-pii, columns: [a], kinds: [soul]}]", "steps.1.kinds", "Known: private_key"),
        ("steps: [{step: drop, columns: [a], }, {step: edit}]", "steps.2.cells", "Name a cell"),
        ("steps: [{step: edit, delete: [1, 1]}]", "steps.1.delete", "named twice"),
        ("steps: [{step: edit, cells: [{row: -1, column: a}]}]", "steps.1.cells.0.row", "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_named(text: str, field: str, said: str) -> None:
    found = problems(text)
    assert field in found
    assert said in found[field]


def test_all_steps_are_looked_at() -> None:
    found = problems([{"step": "mix"}, {"step": "cast", "column": "a", "type": "colour"}, {"step": "shuffle"}] * 2)
    assert list(found) == ["steps.1.step", "steps.2.type", "steps.4.step", "steps.5.type"]
    assert "At most" not in str(problems([{"step": "x"}] * 3))
    assert problems([{"step": "shuffle"}] * 101)["steps"].endswith("A recipe has at most 100.")


@pytest.mark.parametrize(
    ("step", "field", "said"),
    [
        ({"step": "filter", "condition": "(SELECT 1) = 1"}, "condition", "sees other rows"),
        ({"step": "filter", "condition": "row_number() OVER () > 1"}, "condition", "sees other rows"),
        ({"step": "filter", "condition": "random() < 0.5"}, "condition", "cannot be used"),
        ({"step": "filter", "condition": "count(*) > 1"}, "condition", "cannot be used"),
        ({"step": "filter", "condition": "text = ?"}, "condition", "Write values out"),
        ({"step": "filter", "condition": "true) OR (true"}, "condition", "no SQL expression"),
        ({"step": "filter", "condition": "true; DROP TABLE rows"}, "condition", "no SQL expression"),
        ({"step": "filter", "condition": "text LIKE 'a%' -- all"}, "", ""),
        ({"step": "filter", "condition": "nothing > 1"}, "condition", "nothing"),
        ({"step": "filter", "condition": "text"}, "", ""),
        ({"step": "map", "into": "x", "expression": "now()"}, "expression", "cannot be used"),
        ({"step": "map", "into": "x", "expression": "current_date"}, "expression", "differs from run to run"),
        ({"step": "map", "into": "x", "expression": "current_setting('temp_directory')"}, "expression", "cannot be"),
        ({"step": "map", "into": "x", "expression": "unnest([1, 2])"}, "expression", "cannot be used"),
        ({"step": "map", "into": "x", "expression": "read_text('/etc/passwd')"}, "expression", "cannot be used"),
        ({"step": "map", "into": "x", "expression": "pg_catalog.lower(text)"}, "expression", "without a schema"),
        ({"step": "map", "into": "x", "expression": "no_such(text)"}, "expression", "no function"),
        ({"step": "map", "into": "x", "expression": "COLUMNS(*)"}, "expression", "one by one"),
        ({"step": "map", "into": "x", "expression": "text + 1 + image"}, "expression", "No function matches"),
        ({"step": "map", "into": "TEXT", "expression": "1"}, "into", "already"),
        ({"step": "map", "into": "x", "expression": "list_transform([1, 2], lambda y: y + number)"}, "", ""),
        ({"step": "rename", "column": "text", "to": "Label"}, "to", "already"),
        ({"step": "rename", "column": "text", "to": "Text"}, "", ""),
        ({"step": "rename", "column": "no", "to": "x"}, "column", "There are: text, label"),
        ({"step": "drop", "columns": ["text", "text"]}, "columns", "named twice"),
        ({"step": "drop", "columns": ["text", "label", "number", "image", "audio"]}, "columns", "No column"),
        ({"step": "cast", "column": "image", "type": "date"}, "type", "which is none"),
        ({"step": "typos", "column": "number"}, "column", "BIGINT; cast it"),
        ({"step": "augment-images", "column": "text"}, "column", "no pictures"),
        ({"step": "split", "stratify_by": "image"}, "stratify_by", "no type of labels"),
        ({"step": "split", "split": "dev"}, "split", "There are: train"),
        ({"step": "edit", "split": "dev", "delete": [0]}, "split", "There are: train"),
        ({"step": "edit", "delete": [32]}, "row", "There are 32 rows"),
        ({"step": "edit", "cells": [{"row": 0, "column": "number", "value": "x"}]}, "cells.0.value", "BIGINT"),
        ({"step": "edit", "cells": [{"row": 0, "column": "text", "value": True}]}, "cells.0.value", "VARCHAR"),
        ({"step": "edit", "cells": [{"row": 0, "column": "image", "value": "x"}]}, "cells.0.value", "only emptied"),
        ({"step": "edit", "add": [{"nowhere": 1}]}, "add.0.column", "There are: text"),
        ({"step": "tokenize", "column": "number"}, "column", "no text"),
    ],
)
def test_a_step_must_fit_the_columns(step: dict[str, Any], field: str, said: str, tmp_path: Path) -> None:
    given = dataset(tmp_path / "data", train=some_rows())
    if not field:
        shapes.shapes(given, mending.read([{"step": "shuffle"}, step]))
        return
    with pytest.raises(InvalidInput) as caught:
        shapes.shapes(given, mending.read([step]))
    assert caught.value.field == f"steps.1.{field}"
    assert said in str(caught.value)


def test_the_split_that_is_wrong_is_named(rows: Dataset) -> None:
    with pytest.raises(InvalidInput, match="In the split 'test'") as caught:
        shapes.shapes(rows, mending.read([{"step": "shuffle"}, {"step": "filter", "condition": "number > 3"}]))
    assert caught.value.field == "steps.2.condition"
    only = [{"step": "filter", "splits": ["train"], "condition": "number > 3"}]
    assert list(shapes.shapes(rows, mending.read(only))[-1]) == ["train", "test"]
    with pytest.raises(InvalidInput, match="a split 'test' already"):
        shapes.shapes(rows, mending.read([{"step": "split"}]))
    parts = [{"step": "split", "train": 0.5, "validation": 0.5, "test": 0}]
    assert list(shapes.shapes(rows, mending.read(parts))[-1]) == ["train", "validation", "test"]


def test_names_that_need_quotes(tmp_path: Path) -> None:
    names = ['a "b"', "ünï", "FROM rows", "n", "row number before\N{ZERO WIDTH SPACE}!"]
    given = dataset(tmp_path / "data", train=pa.table({name: ["x FROM rows", "x FROM rows", None] for name in names}))
    steps = [
        {"step": "map", "into": "FROM rows", "expression": "\"FROM rows\" || ' FROM rows'"},
        {"step": "filter", "condition": "\"FROM rows\" LIKE '% FROM rows' OR ünï IS NULL"},
        {"step": "deduplicate"},
        {"step": "template", "into": "t\n", "template": "{ünï}|{FROM rows}"},
        {"step": "rename", "column": "ünï", "to": "x' \"y"},
    ]
    found = mended(given, steps, tmp_path)["train"]
    assert found.column("t\n").to_pylist() == ["x FROM rows|x FROM rows FROM rows", "|"]
    assert found.column_names[1] == "x' \"y"
    compile(scripts.python(given, mending.read(steps)), "recipe.py", "exec")


def test_preview_tells_what_changes(rows: Dataset) -> None:
    steps = [
        {"step": "filter", "splits": ["train"], "condition": "number <> 1"},
        {"step": "map", "into": "label", "expression": "CASE WHEN label = 'c' THEN 'C' ELSE label END"},
        {"step": "edit", "add": [{"text": "last"}]},
    ]
    found = previews.preview(rows, "train", mending.read(steps), 100)
    assert [row.row for row in found.after[:3]] == [0, 2, 3]
    assert found.after[-1].row is None
    assert found.after[-1].changed == [0, 1, 2, 3, 4]
    assert [row.changed for row in found.after[:3]] == [[], [1], []]
    assert found.removed == [1, 6, 13, 20, 27]
    assert [(one.before, one.after) for one in found.counts] == [(32, 27), (27, 27), (27, 28)]
    assert found.before[0][3] == "image, 16×12"
    assert found.before[4][4] is None
    assert (found.basis.rows_seen, found.basis.rows_total, found.parts) == (32, 32, {"train": 28})


def test_preview_of_many_rows_says_of_how_many(tmp_path: Path) -> None:
    given = dataset(tmp_path / "data", train=pa.table({"n": range(2_500)}))
    found = previews.preview(given, "train", mending.read([{"step": "sample", "share": 0.1}]), 3)
    assert (found.basis.rows_seen, found.basis.rows_total, found.parts) == (1_000, 2_500, {"train": 100})
    assert not found.basis.whole


def test_preview_asks_for_what_there_is(rows: Dataset) -> None:
    recipe = mending.read([{"step": "shuffle"}])
    with pytest.raises(UnknownName, match="Known: train, test"):
        previews.preview(rows, "dev", recipe)
    with pytest.raises(InvalidInput, match="Between 1 and 100"):
        previews.preview(rows, "train", recipe, 101)


def test_sql_that_never_ends_is_given_up(rows: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "SECONDS", 1.0)
    inner = "list_sum(list_transform(range(3000), lambda b: a * b % 7))"
    for start in ("0", "number"):  # a constant is worked out before any row is read
        slow = f"list_sum(list_transform(range({start}, 300000), lambda a: {inner})) > 0"
        with pytest.raises(TimedOut, match="given up"):
            previews.preview(rows, "train", mending.read([{"step": "filter", "splits": ["train"], "condition": slow}]))


def test_values_that_do_not_fit_are_told(rows: Dataset, tmp_path: Path) -> None:
    step = {"step": "cast", "column": "text", "type": "number"}
    for run in (
        lambda: previews.preview(rows, "train", mending.read([step])),
        lambda: mended(rows, [step], tmp_path),
    ):
        with pytest.raises(InvalidInput, match="a big car") as caught:
            run()
        assert caught.value.field == "steps.1"
    found = mended(rows, [step | {"otherwise": "null"}], tmp_path / "null")
    assert set(found["train"].column("text").to_pylist()) == {None}


def test_another_revision_is_said_and_runs(rows: Dataset, tmp_path: Path) -> None:
    recipe = Mending(mending.read([{"step": "drop", "columns": ["label"]}]).steps, Source.of(rows))
    assert recipe.notes(rows) == []
    newer = dataset(tmp_path / "newer", train=some_rows(40))
    assert [note.split(" and ")[0] for note in recipe.notes(newer)] == [
        f"The recipe was written for {rows.info.ref},",
        "The data are not those that the recipe was written for: rows may have changed.",
    ]
    assert previews.preview(newer, "train", recipe).notes == recipe.notes(newer)
    assert mended(newer, mending.dumped(recipe), tmp_path)["train"].num_rows == 40
    without = dataset(tmp_path / "without", train=some_rows(4).drop_columns(["label"]))
    with pytest.raises(InvalidInput, match=r"steps\.1\.columns: 'label' .* There are: text, number"):
        mended(without, mending.dumped(recipe), tmp_path)


def test_rows_that_a_later_step_names_must_be_there(rows: Dataset, tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [{"step": "sample", "rows": 4, "splits": ["train"]}, {"step": "edit", "delete": [4]}]
    with pytest.raises(InvalidInput, match="There are 4 rows here") as caught:
        mended(rows, steps, tmp_path)
    assert caught.value.field == "steps.2.row"


def test_scripts_are_safe_to_read(tmp_path: Path) -> None:
    given = dataset(tmp_path / "data", train=pa.table({"a": ['"""\nimport os\n"""', "x"]}))
    steps = [{"step": "map", "into": "b", "expression": 'a || \'\n"""\nimport os; os.abort()\n"""\''}]
    code = scripts.python(given, mending.read(steps))
    compile(code, "recipe.py", "exec")
    assert not [line for line in code.splitlines() if line.startswith("import os")]
