"""What holds for every check of the table: its form, its finding on every odd table, progress, stopping, the docs."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError

from studio.core.errors import InvalidInput, JobCancelled, UnknownName
from studio.core.settings import ROOT
from studio.data.checks import CHECKS, docs
from studio.data.checks.base import Finding
from studio.data.records import Dataset
from studio.data.steps import STEPS
from studio.ui.forms import Form
from tests.contract.test_recipes import fields
from tests.unit.data.test_rows import dataset_of

NAMES = list(CHECKS)
FINDING = TypeAdapter(Finding)
TEXT = pa.schema([("text", pa.string()), ("label", pa.string()), ("n", pa.float64())])
OTHER = pa.schema([("made", pa.timestamp("us")), ("list", pa.list_(pa.int32()))])


def run(dataset: Dataset, name: str, **values: Any) -> Finding:
    check = CHECKS[name]
    finding: Finding = check.run(dataset, check.params(**values), lambda *_: None, lambda: None)
    return finding


def honest(finding: Finding, dataset: Dataset) -> None:
    """A finding says what it rests on, counts all, shows some, and can be stored."""
    assert finding.title
    assert finding.summary.endswith(".")
    assert len(finding.evidence) <= finding.found
    if finding.severity == "not run":
        assert (finding.found, dict(finding.figures)) == (0, {})
        return
    assert finding.basis
    assert finding.method
    for split, basis in finding.basis.items():
        assert 0 <= basis.rows_seen <= basis.rows_total == dataset.info.splits[split]
    for one in finding.evidence:
        assert len(one.rows) <= 21
        assert all(0 <= place.row < dataset.info.splits[place.split] for place in one.rows)
    assert all(value >= 0 for value in finding.figures.values())
    assert all(value <= 1 for name, value in finding.figures.items() if name.endswith("share"))
    for mend in finding.mends:
        STEPS[mend.step].check(STEPS[mend.step].params.model_validate(mend.fields))
    assert bool(finding.remedy) <= bool(finding.found)
    stored = json.loads(json.dumps(asdict(finding), allow_nan=False))
    assert FINDING.validate_python(stored) == finding


def test_every_file_with_a_check_is_in_the_table() -> None:
    source = ROOT / "studio" / "data" / "checks"
    made = {path.stem for path in source.glob("*.py") if re.search(r"^CHECK = ", path.read_text(), re.M)}
    assert made == {target.partition(":")[0].rpartition(".")[2] for target in CHECKS.targets.values()}


def test_the_docs_list_them_as_they_are() -> None:
    page = docs.PAGE.read_text(encoding="utf-8")
    assert docs.with_table(page) == page, "python -m studio.data.checks.docs"


@pytest.mark.parametrize("name", NAMES)
def test_a_check_says_what_it_is(name: str) -> None:
    check = CHECKS[name]
    assert check.id == name
    assert check.title
    assert check.description.endswith(".")
    assert check.source.endswith(".")
    assert check.needs
    assert check.step in {"", *STEPS}
    json.dumps(check.described())


@pytest.mark.parametrize("name", NAMES)
def test_its_parameters_make_a_form(name: str) -> None:
    model = CHECKS[name].params
    assert [path for path, field in fields(model) if not field.title or not field.description] == []
    assert model.model_validate(json.loads(model().model_dump_json())) == model()
    with gr.Blocks():
        assert Form(model).fields
    for wrong in ({"nothing_like_it": 1}, {"shown": 0}, {"shown": "many"}, {"splits": 3}):
        with pytest.raises(ValidationError):
            model.model_validate(wrong)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"text": "only one row", "label": "a", "n": 1.0}],
        [{"text": None, "label": None, "n": None}] * 30,
        [{"text": " \u2003", "label": "", "n": float("nan")}] * 30,
        [{"text": "the same text in every row of it", "label": "a", "n": 1.0}] * 30,
        [{"text": f"text number {n} 😀\x00\x1b", "label": "ab"[n % 2], "n": 1e308 * (-1) ** n} for n in range(40)],
        [{"text": "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace") * 9, "label": "a", "n": 0.0}]
        * 9,
    ],
    ids=["none", "one", "nulls", "blank", "same", "odd", "lost"],
)
def test_odd_tables_give_honest_findings(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, schema=TEXT)
    for split_up in ({"all": [table, table]}, {"train": [table], "test": [table.slice(0, 3)]}):
        dataset = dataset_of(tmp_path, **split_up)
        honest(run(dataset, name), dataset)


@pytest.mark.parametrize("name", NAMES)
def test_data_without_a_fitting_column_are_told_so(tmp_path: Path, name: str) -> None:
    table = pa.Table.from_pylist([{"made": None, "list": [1, None]}] * 5, schema=OTHER)
    dataset = dataset_of(tmp_path, train=[table])
    finding = run(dataset, name)
    honest(finding, dataset)
    assert finding.severity == "not run" or CHECKS[name].needs == "any column"


@pytest.mark.parametrize("name", NAMES)
def test_columns_and_splits_that_are_not_there_are_named(tmp_path: Path, name: str) -> None:
    table = pa.Table.from_pylist([{"text": "a", "label": "b", "n": 1.0}], schema=TEXT)
    dataset = dataset_of(tmp_path, train=[table], test=[table])
    for wrong in ({"splits": ["dev"]}, {"columns": ["nothing"]}):
        with pytest.raises((InvalidInput, UnknownName)):
            run(dataset, name, **wrong)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_columns_are_never_code(tmp_path: Path, name: str) -> None:
    odd = "te\"xt'; DROP TABLE rows; --"
    names = [odd, "r", "h", "v", "label", "extra", "filled", "c0"]
    table = pa.table([[f"text {n % 7} of some length" for n in range(60)]] * 8, names=names)
    dataset = dataset_of(tmp_path, train=[table], test=[table.slice(0, 5)])
    finding = run(dataset, name)
    honest(finding, dataset)


@pytest.mark.parametrize("name", NAMES)
def test_it_stops_when_asked(tmp_path: Path, name: str) -> None:
    table = pa.Table.from_pylist(
        [{"text": f"text {n} with a few words in it", "label": "ab"[n % 2], "n": float(n)} for n in range(60)],
        schema=TEXT,
    )
    check = CHECKS[name]

    def stop() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        check.run(dataset_of(tmp_path, train=[table], test=[table]), check.params(), lambda *_: None, stop)


@pytest.mark.parametrize("name", NAMES)
def test_progress_is_a_part_of_a_whole(tmp_path: Path, name: str) -> None:
    table = pa.Table.from_pylist(
        [{"text": f"text {n} with a few words in it", "label": "ab"[n % 2], "n": float(n)} for n in range(60)],
        schema=TEXT,
    )
    told: list[tuple[float, float, str]] = []
    check = CHECKS[name]
    check.run(
        dataset_of(tmp_path, train=[table], test=[table]),
        check.params(),
        lambda *given: told.append(given),
        lambda: None,
    )
    assert told
    assert all(0 <= done <= total and message for done, total, message in told)
