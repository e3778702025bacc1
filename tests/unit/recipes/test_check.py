"""The data check as a job: its report, going on where it stopped, names of people, and what is refused before."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, JobCancelled
from studio.core.params import parse
from studio.core.settings import Settings
from studio.data import reports, sources, uploads
from studio.data.checks import CHECKS, asking
from studio.data.checks.base import CheckParams, Finding
from studio.data.reports import Report
from studio.jobs.artifacts import load
from studio.jobs.files import CANCEL
from studio.recipes.check import RECIPE, names, work
from studio.recipes.check.kept import Kept
from studio.recipes.check.params import CheckJobParams
from studio.recipes.publish import RECIPE as PUBLISH
from studio.recipes.publish import PublishParams
from tests.unit.recipes.tiny import make_context

QUICK = ["duplicates", "pii", "empty"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.model_validate({"home": tmp_path / "home", "offline": True})
    made.artifacts_dir.mkdir(parents=True)
    return made


@pytest.fixture
def ref(settings: Settings, tmp_path: Path) -> str:
    rows = [f"A row about the subject number {n} and what follows from it" for n in range(60)]
    rows[5], rows[9] = rows[4], "write to jane@mail.example"
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": rows, "label": ["a", "b"] * 30, "n": list(range(60))}), file)
    return uploads.store(file, file.name, settings, "local").ref


def params_of(**values: Any) -> CheckJobParams:
    return parse(CheckJobParams, values)


def run(settings: Settings, params: CheckJobParams, attempt: int = 1) -> Report:
    assert RECIPE.validate(params, settings, "local") == []
    context, _ = make_context(settings, params, attempt=attempt, recipe="check")
    RECIPE.run(params, context)
    artifact = load(settings.artifacts_dir, "job-1")
    assert artifact.manifest.kind == "report"
    return reports.from_json((artifact.path / work.JSON).read_text(encoding="utf-8"))


def test_a_report_is_left_in_three_forms(settings: Settings, ref: str) -> None:
    report = run(settings, params_of(dataset=ref, checks=QUICK, columns=["text"]))
    assert [finding.check for finding in report.findings] == QUICK
    assert (report.ref, report.splits, report.fingerprint) == (
        ref,
        {"train": 60},
        sources.resolve(ref, settings, "local").fingerprint(),
    )
    found = {finding.check: finding for finding in report.findings}
    assert found["duplicates"].figures["repeated_rows"] == 1
    assert dict(found["pii"].counts["finds by kind"]) == {"email": 1}
    artifact = load(settings.artifacts_dir, "job-1")
    assert (artifact.path / work.PAGE).read_text(encoding="utf-8") == reports.page(report)
    assert (artifact.path / work.TEXT).read_text(encoding="utf-8") == reports.markdown(report)
    manifest = artifact.manifest
    assert manifest.data is not None
    assert manifest.data.fingerprint == report.fingerprint
    assert sum(manifest.metrics.values()) == 3


def test_all_checks_run_when_none_is_named(settings: Settings, ref: str) -> None:
    report = run(settings, params_of(dataset=ref, options={"label-errors": {"folds": 2}}))
    assert [finding.check for finding in report.findings] == list(CHECKS)
    assert "2-fold" in next(finding for finding in report.findings if finding.check == "label-errors").method


def test_it_goes_on_at_the_next_check(settings: Settings, ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    params = params_of(dataset=ref, checks=QUICK)
    asked: list[str] = []
    real = asking.run

    def watched(dataset: Any, name: str, *more: Any) -> Finding:
        asked.append(name)
        if name == "pii" and asked.count("pii") == 1:
            (context.attempt_dir / CANCEL).touch()
        finding: Finding = real(dataset, name, *more)
        return finding

    monkeypatch.setattr(asking, "run", watched)
    context, _ = make_context(settings, params, recipe="check")
    with pytest.raises(JobCancelled):
        RECIPE.run(params, context)
    assert asked == ["duplicates", "pii"]
    first = run(settings, params, attempt=2)
    assert asked == ["duplicates", "pii", "pii", "empty"]
    assert len(first.findings) == 3


def test_findings_of_other_wishes_are_thrown_away(tmp_path: Path) -> None:
    one = Kept(tmp_path / "kept", {"params": "a"})
    finding = Finding("empty", "Empty", "ok", "Nothing.")
    one.put("empty", finding)
    assert Kept(tmp_path / "kept", {"params": "a"}).get("empty") == finding
    (tmp_path / "kept" / "pii.json").write_text('{"check": 1}')
    assert one.get("pii") is None
    assert Kept(tmp_path / "kept", {"params": "b"}).get("empty") is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("dataset", {"dataset": "kit:nothing"}),
        ("checks", {"checks": ["spelling"]}),
        ("splits", {"splits": ["dev"]}),
        ("columns", {"columns": ["nothing"]}),
        ("label", {"label": "nothing"}),
        ("options", {"options": {"spelling": {}}}),
        ("options.pii.region", {"options": {"pii": {"region": "Germany"}}}),
        ("options.pii.kinds", {"options": {"pii": {"kinds": ["shoe size"]}}}),
        ("options.near-duplicates.threshold", {"options": '{"near-duplicates": {"threshold": 2}}'}),
        ("options.empty.nothing", {"options": {"empty": {"nothing": 1}}}),
        ("model", {"checks": ["person-names"], "model": "kit:nothing"}),
    ],
)
def test_what_is_wrong_is_said_before(settings: Settings, ref: str, field: str, values: dict[str, Any]) -> None:
    problems = RECIPE.validate(params_of(**{"dataset": ref, **values}), settings, "local")
    assert [problem.field for problem in problems] == [field]


def test_a_check_that_cannot_use_the_columns_says_so(settings: Settings, ref: str) -> None:
    report = run(settings, params_of(dataset=ref, checks=["pii", "empty"], columns=["n"]))
    assert [finding.severity for finding in report.findings] == ["not run", "ok"]
    assert "reads text" in report.findings[0].summary


def test_names_of_people_are_found_and_masked(settings: Settings, ref: str, tmp_path: Path) -> None:
    def entities(texts: Any) -> list[list[dict[str, Any]]]:
        found = []
        for text in texts:
            start = text.find("subject")
            kinds = [("PER", 0.99), ("LOC", 0.99), ("B-PER", 0.5)] if "number 3 " in text else []
            found.append([{"entity_group": k, "score": s, "start": start, "end": start + 7} for k, s in kinds])
        return found

    dataset = sources.resolve(ref, settings, "local")
    finding = names.run(dataset, CheckParams(), 40, entities, lambda *_: None, lambda: None)
    assert (finding.basis["train"].rows_seen, finding.basis["train"].rows_total) == (40, 60)
    assert finding.found <= 1
    finding = names.run(dataset, CheckParams(), 100, entities, lambda *_: None, lambda: None)
    assert (finding.found, finding.figures["rows"]) == (1, 1)
    assert finding.evidence[0].rows[0].row == 3
    assert "subject" not in finding.evidence[0].text


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks for the old name
def test_the_kits_model_sees_a_person(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "people.parquet"
    texts = ["Angela Merkel met Barack Obama in Berlin on Tuesday.", "The river was high after three days of rain."]
    pq.write_table(pa.table({"text": texts}), file)
    ref = uploads.store(file, file.name, settings, "local").ref
    report = run(settings, params_of(dataset=ref, checks=["person-names"]))
    finding = report.findings[0]
    assert finding.figures["rows"] == 1
    assert {place.row for one in finding.evidence for place in one.rows} == {0}
    assert not any("Merkel" in one.text for one in finding.evidence)


def test_memory_is_asked_for_the_model_only_where_it_is_used(settings: Settings) -> None:
    few = RECIPE.resources(params_of(dataset="x", checks=["pii", "empty"]), settings, "local").memory_bytes
    many = RECIPE.resources(params_of(dataset="x", checks=["person-names"]), settings, "local").memory_bytes
    assert few <= 500 * 2**20 < many


def test_a_report_is_not_published_as_a_model(settings: Settings, ref: str) -> None:
    run(settings, params_of(dataset=ref, checks=["empty"]))
    problems = PUBLISH.validate(PublishParams(artifact="job-1", repo_id="a/b"), settings, "local")
    assert [problem.field for problem in problems] == ["artifact"]
    assert "report" in str(problems[0])
    assert isinstance(problems[0], InvalidInput)


def test_a_report_names_what_it_was_made_with(settings: Settings, ref: str) -> None:
    run(settings, params_of(dataset=ref, checks=["empty"]))
    raw = json.loads((load(settings.artifacts_dir, "job-1").path / work.JSON).read_text(encoding="utf-8"))
    assert raw["versions"]["studio"]
    assert raw["created_at"] > 0


def test_labels_are_judged_with_the_encoders_of_the_kit(settings: Settings, tmp_path: Path) -> None:
    """The words have nothing in common: which label is wrong is known by meaning only."""
    animals = ["cat", "dog", "horse", "cow", "sheep", "goat", "pig", "rabbit", "hen", "duck", "lion", "tiger"]
    tools = ["hammer", "saw", "drill", "wrench", "pliers", "chisel", "screwdriver", "axe", "file", "clamp", "vice"]
    texts = [f"the {word}" for word in animals] + [f"the {word}" for word in tools]
    labels = ["animal"] * len(animals) + ["tool"] * len(tools)
    labels[3], labels[18] = "tool", "animal"
    file = tmp_path / "words.parquet"
    pq.write_table(pa.table({"text": texts, "label": labels}), file)
    ref = uploads.store(file, file.name, settings, "local").ref
    wishes = {"dataset": ref, "checks": ["label-errors"], "label": "label", "columns": ["text"]}
    (finding,) = run(settings, params_of(**wishes, options={"label-errors": {"ratio": 1.5}})).findings
    assert "the vectors of kit:minilm-l6" in finding.method
    assert {one.rows[0].row for one in finding.evidence} >= {3, 18}
    assert finding.mends[0].fields["split"] == "train"
    (alone,) = run(settings, params_of(**wishes, encoder=""), attempt=2).findings
    assert "kit:minilm-l6" not in alone.method


def test_pictures_are_judged_with_the_encoder_of_the_kit(settings: Settings) -> None:
    wishes = {"dataset": "kit:fashion", "checks": ["label-errors"], "splits": ["validation"]}
    options = {"label-errors": {"rows": 120, "folds": 3}}
    (finding,) = run(settings, params_of(**wishes, columns=["image"], label="label", options=options)).findings
    assert finding.severity != "not run"
    assert "the vectors of kit:efficientnet-lite0" in finding.method
    assert finding.figures["accuracy"] > 0.5


@pytest.mark.parametrize("field", ["encoder", "picture_encoder"])
def test_an_encoder_that_is_none_is_told_before(settings: Settings, ref: str, field: str) -> None:
    given = params_of(dataset=ref, checks=["label-errors"], **{field: "kit:nothing"})
    assert [one.field for one in RECIPE.validate(given, settings, "local")] == [field]
    assert RECIPE.validate(params_of(dataset=ref, checks=["pii"], **{field: "kit:nothing"}), settings, "local") == []
