"""Batch prediction with tiny models: what comes out, what one bad row does, and going on where a run stopped."""

import csv
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from studio.core.errors import InvalidInput, JobCancelled, NotFound
from studio.core.params import parse
from studio.core.settings import Settings
from studio.core.types import Modality, Slot
from studio.data import sources, uploads, views
from studio.data.views import View
from studio.jobs.artifacts import Artifact, load, stage
from studio.jobs.context import JobContext
from studio.recipes.predict import RECIPE, cells, work
from studio.recipes.predict.params import PredictParams
from studio.recipes.predict.parts import Parts
from studio.tasks import TASKS
from tests.tiny import TINY
from tests.unit.inference import tiny as models
from tests.unit.recipes.tiny import make_context

TASK = "text-classification"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.model_validate({"home": tmp_path / "home", "offline": True})
    made.artifacts_dir.mkdir(parents=True)
    return made


def add_model(settings: Settings, task: str) -> str:
    staged = stage(settings.artifacts_dir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        TINY[task](staged)
    return models.add_artifact(settings, staged, f"tiny-{task}", task=task)


def upload(settings: Settings, tmp_path: Path, found: dict[str, list[Any]]) -> str:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table(found), file)
    return uploads.store(file, file.name, settings, "local").ref


def texts(settings: Settings, tmp_path: Path, count: int = 40) -> str:
    return upload(
        settings, tmp_path, {"text": [f"i love this film {i}" for i in range(count)], "n": list(range(count))}
    )


def params_of(**values: Any) -> PredictParams:
    return parse(PredictParams, {"task": TASK, "model": "artifact:whole", **values})


def run(settings: Settings, params: PredictParams, attempt: int = 1) -> tuple[Artifact, pa.Table, JobContext]:
    assert RECIPE.validate(params, settings, "local") == []
    context, _ = make_context(settings, params, attempt=attempt, recipe="predict")
    RECIPE.run(params, context)
    artifact = load(settings.artifacts_dir, "job-1")
    return artifact, pq.read_table(artifact.path / work.RESULT), context


def test_labels_stand_beside_the_rows(settings: Settings, tmp_path: Path) -> None:
    models.classifier(settings)
    ref = texts(settings, tmp_path)
    artifact, table, _ = run(settings, params_of(dataset=ref, limit=30))
    assert table.column_names == ["text", "n", "label", "score", "error"]
    assert table.column("n").to_pylist() == list(range(30))
    assert set(table.column("label").to_pylist()) <= set(models.LABELS)
    assert all(0 < score <= 1 for score in table.column("score").to_pylist())
    assert table.column("error").null_count == 30
    manifest = artifact.manifest
    assert (manifest.kind, manifest.task, manifest.metrics["rows"], manifest.metrics["failed"]) == (
        "dataset",
        TASK,
        30,
        0,
    )
    assert manifest.base_model is not None
    assert manifest.base_model.id == "artifact:whole"
    assert manifest.data is not None
    assert (manifest.data.id, manifest.data.splits) == (ref, {"train": 30})
    with (artifact.path / work.CSV).open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert [row["label"] for row in listed] == table.column("label").to_pylist()


def test_the_result_is_a_data_set_of_its_owner(settings: Settings, tmp_path: Path) -> None:
    models.classifier(settings)
    artifact, _, _ = run(settings, params_of(dataset=texts(settings, tmp_path)))
    ref = f"artifact:{artifact.id}"
    found = sources.resolve(ref, settings, "local")
    assert (found.info.source, found.info.splits, found.info.title) == (
        "artifact",
        {"train": 40},
        artifact.manifest.title,
    )
    assert views.page(found, View(offset=38)).rows[0][1] == 38
    with pytest.raises(NotFound):
        sources.resolve(ref, settings, "session:x")
    for strange in ("artifact:..", "artifact:", "artifact:nothing", "artifact:../uploads"):
        with pytest.raises(NotFound):
            sources.resolve(strange, settings, "local")
    with pytest.raises(InvalidInput, match="not a data set"):
        sources.resolve("artifact:whole", settings, "local")
    again = params_of(dataset=ref, limit=5)  # what a run has left, another one reads
    assert RECIPE.validate(again, settings, "local") == []


def test_one_bad_row_stops_nobody(settings: Settings, tmp_path: Path) -> None:
    models.classifier(settings)
    ref = upload(settings, tmp_path, {"text": ["fun", None, " ", "bad", "dull"], "label": ["a", "b", "c", "d", "e"]})
    artifact, table, _ = run(settings, params_of(dataset=ref, batch_size=5))
    assert table.column_names == ["text", "input_label", "label", "score", "error"]
    errors = table.column("error").to_pylist()
    assert [bool(error) for error in errors] == [False, True, True, False, False]
    assert errors[1] == "inputs: 'nothing' is not usable. The cell is empty."
    assert "The text is empty" in errors[2]
    assert [label is None for label in table.column("label").to_pylist()] == [False, True, True, False, False]
    assert artifact.manifest.metrics["failed"] == 2
    assert table.column("input_label").to_pylist() == list("abcde")


def test_texts_that_are_written_are_texts(settings: Settings, tmp_path: Path) -> None:
    ref = add_model(settings, "summarization")
    data = upload(settings, tmp_path, {"text": ["A long text. It goes on.", "Another one."]})
    _, table, _ = run(settings, params_of(task="summarization", model=ref, dataset=data))
    assert table.column_names == ["text", "summary_text", "error"]
    assert all(isinstance(one, str) for one in table.column("summary_text").to_pylist())


def test_several_inputs_and_json_outputs(settings: Settings, tmp_path: Path) -> None:
    ref = add_model(settings, "question-answering")
    data = upload(settings, tmp_path, {"q": ["who?", "what?"], "article": ["The cat sleeps.", "A dog barks."]})
    chosen = params_of(task="question-answering", model=ref, dataset=data, column="q", columns={"context": "article"})
    _, table, _ = run(settings, chosen)
    answers = [json.loads(one) for one in table.column("answers").to_pylist()]
    assert [set(one[0]) for one in answers] == [{"answer", "score", "start", "end"}] * 2


def test_pictures_are_read_and_left_out_of_the_csv(settings: Settings) -> None:
    ref = add_model(settings, "image-classification")
    chosen = params_of(
        task="image-classification", model=ref, dataset="kit:emoji", split="test", column="image", limit=3
    )
    artifact, table, _ = run(settings, chosen)
    assert table.column("error").null_count == 3
    assert table.column("label").null_count == 0
    header = (artifact.path / work.CSV).read_text().splitlines()[0]
    assert '"label"' in header
    assert '"image"' not in header


# -- going on


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], int]:
    """Rows that a model was asked about; after so many it dies as a killed process would, once."""
    task = TASKS[TASK]
    seen = {"rows": 0, "dies": True}

    def predict(pipe: Any, batch: Any, params: Any) -> Any:
        if seen["dies"] and seen["rows"] >= after:
            seen["dies"] = False
            raise KeyboardInterrupt
        seen["rows"] += len(batch)
        return task.predict(pipe, batch, params)

    import dataclasses

    monkeypatch.setitem(TASKS._loaded, TASK, dataclasses.replace(task, predict=predict))
    return lambda: int(seen["rows"])


def test_a_run_goes_on_after_its_last_part(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models.classifier(settings)
    monkeypatch.setattr(work, "PART_ROWS", 16)
    asked = interrupted(monkeypatch, after=24)  # in the second part
    chosen = params_of(dataset=texts(settings, tmp_path), batch_size=8)
    with pytest.raises(KeyboardInterrupt):
        run(settings, chosen)
    _, table, context = run(settings, chosen, attempt=2)
    assert table.column("n").to_pylist() == list(range(40))
    assert asked() == 24 + 40 - 16, "only the part that was under way was asked again"
    assert "Goes on at row 17 of 40" in capsys.readouterr().out
    assert len(list((context.workdir / "parts").glob("part-*"))) == 3


def test_cancelling_keeps_what_is_done(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models.classifier(settings)
    chosen = params_of(dataset=texts(settings, tmp_path), batch_size=8)
    context, tracker = make_context(settings, chosen, recipe="predict")
    progress = context.progress

    def stop(done: float, total: float, message: str = "") -> None:
        progress(done, total, message)
        if done >= 16 and tracker.flag is not None:
            tracker.flag.touch()

    monkeypatch.setattr(context, "progress", stop)
    with pytest.raises(JobCancelled):
        RECIPE.run(chosen, context)
    assert not (settings.artifacts_dir / "job-1").exists()
    assert (
        Parts(context.workdir / "parts", json.loads((context.workdir / "parts" / "plan.json").read_text())).rows == 16
    )
    _, table, _ = run(settings, chosen, attempt=2)
    assert table.column("n").to_pylist() == list(range(40))


def test_parts_of_another_plan_or_torn_ones_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    parts = Parts(folder, {"data": "a"})
    for number in range(3):
        parts.add(pa.table({"n": [2 * number, 2 * number + 1]}))
    assert Parts(folder, {"data": "a"}).rows == 6
    (folder / "part-000000002.parquet").write_bytes(b"torn")
    (folder / "part-000000009.partial").write_bytes(b"never finished")
    assert Parts(folder, {"data": "a"}).rows == 2
    assert [file.name for file in sorted(folder.glob("part-*.parquet"))] == ["part-000000000.parquet"]
    assert Parts(folder, {"data": "b"}).rows == 0


# -- what is refused before anything starts


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"task": "nope"}, "task", "Known: text-classification"),
        ({"model": "artifact:nothing"}, "model", "There is no artifact"),
        ({"model": "kit:fill-mask"}, "model", "made for fill-mask"),
        ({"dataset": "upload:0123456789abcdef"}, "dataset", "There is no upload"),
        ({"split": "nope"}, "split", "It has: train"),
        ({"column": "nope"}, "column", "It has: text, n"),
        ({"columns": {"context": "text"}}, "columns", "The task has no such input"),
        ({"parameters": {"top_k": 0}}, "parameters.top_k", "greater than or equal to 1"),
        ({"parameters": {"bogus": 1}}, "parameters.bogus", "Known: function_to_apply, top_k"),
        ({"task": "question-answering", "model": "kit:qa"}, "columns", "'context'"),
    ],
)
def test_what_cannot_work_is_named(
    settings: Settings, tmp_path: Path, values: dict[str, Any], field: str, words: str
) -> None:
    models.classifier(settings)
    chosen = params_of(**{"dataset": texts(settings, tmp_path, 3), **values})
    problems = {problem.field: problem.expected for problem in RECIPE.validate(chosen, settings, "local")}
    assert words in problems[field]


def test_forms_and_terminals_give_json_as_text() -> None:
    chosen = params_of(dataset="kit:x", parameters='{"top_k": 1}', columns="")
    assert (chosen.parameters, chosen.columns) == ({"top_k": 1}, {})
    with pytest.raises(ValidationError, match="Write it as JSON"):
        PredictParams(task=TASK, model="m", dataset="d", parameters="{")


def test_a_run_needs_what_its_model_needs(settings: Settings, tmp_path: Path) -> None:
    models.classifier(settings)
    small = RECIPE.resources(params_of(dataset="kit:x"), settings, "local").memory_bytes
    models.classifier(settings, "large", hidden=512)
    large = RECIPE.resources(params_of(dataset="kit:x", model="artifact:large"), settings, "local").memory_bytes
    assert 500 * 2**20 < small < large


# -- cells


@pytest.mark.parametrize(
    ("modality", "cell", "value"),
    [
        (Modality.TEXT, 3, "3"),
        (Modality.TEXTS, "a\n\nb", ["a", "b"]),
        (Modality.TEXTS, '["a", "b"]', ["a", "b"]),
        (Modality.TEXTS, ["a"], ["a"]),
        (Modality.CHAT, "Hi", [{"role": "user", "content": "Hi"}]),
        (Modality.CHAT, '[{"role": "user", "content": "Hi"}]', [{"role": "user", "content": "Hi"}]),
        (Modality.TABLE, '{"a": ["1"]}', {"a": ["1"]}),
        (Modality.IMAGE, {"bytes": b"x", "path": None}, b"x"),
        (Modality.AUDIO, b"x", b"x"),
    ],
)
def test_cells_become_inputs(modality: Modality, cell: Any, value: Any) -> None:
    assert cells.read(Slot("inputs", modality, "Input"), cell) == value


@pytest.mark.parametrize(
    ("modality", "cell"),
    [(Modality.TEXT, None), (Modality.IMAGE, {"bytes": None, "path": "/etc/passwd"}), (Modality.IMAGE, "/etc/passwd"),
     (Modality.TABLE, "a,b")],
)  # fmt: skip
def test_cells_that_hold_nothing_usable_are_named(modality: Modality, cell: Any) -> None:
    with pytest.raises(InvalidInput, match="inputs"):
        cells.read(Slot("inputs", modality, "Input"), cell)


def test_files_are_cells_as_data_sets_write_them() -> None:
    task = TASKS["text-to-speech"]
    found = pa.table(cells.columns(task, [b"RIFF", None], ["", "broken"]), schema=cells.schema(task))
    assert found.column("audio").to_pylist() == [{"bytes": b"RIFF", "path": "0.wav"}, None]
    assert found.column("error").to_pylist() == [None, "broken"]
