"""Data sets that state their columns and hold no rows: every verb has an empty answer, or says why it has none."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, InvalidInputs, NotFound
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import sharding
from studio.data.checks import CHECKS
from studio.data.exporting import FORMATS
from studio.data.filters import Condition
from studio.data.finding import Search
from studio.data.steps import STEPS
from studio.data.views import View
from studio.jobs.job import Job
from studio.pages.datasets import TABS
from studio.pages.datasets.address import Address
from studio.service import Studio
from tests.mended import some_rows

LOCAL = Caller("local", "You", admin=True)
TEXTS = {"text": pa.string(), "label": pa.string(), "number": pa.int64()}
SCHEMA = pa.schema([*TEXTS.items(), ("when", pa.timestamp("us")), ("price", pa.decimal128(9, 2))])
EVERY = pa.schema([*some_rows(1).schema, ("list", pa.list_(pa.string()))])
PLAN = {"name": "mood", "kind": "label", "column": "text", "classes": ["bad", "good"]}


def written(schema: pa.Schema, writer: Callable[[Any, pa.Schema], Any]) -> bytes:
    out = io.BytesIO()
    with writer(out, schema) as file:
        file.write_table(schema.empty_table())
    return out.getvalue()


FILES: dict[str, bytes] = {
    "a.csv": b"text,label,number\n",
    "no-line-end.csv": "\ufefftext;label;number".encode(),
    "a.tsv": b"text\tlabel\tnumber\r\n\r\n",
    "a.parquet": written(SCHEMA, pq.ParquetWriter),
    "media.parquet": written(EVERY, pq.ParquetWriter),
    "stream.arrow": written(SCHEMA, pa.ipc.new_stream),
    "file.arrow": written(SCHEMA, pa.ipc.new_file),
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    made = Studio(Settings(home=tmp_path_factory.mktemp("none") / "home", offline=True, zygote=False))
    made.start()
    yield made
    made.close()


def stored(studio: Studio, folder: Path, name: str) -> str:
    file = folder / name
    file.write_bytes(FILES[name])
    return studio.upload(LOCAL, file, name).ref


@pytest.fixture(scope="module", params=FILES)
def ref(studio: Studio, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return stored(studio, tmp_path_factory.mktemp("file"), request.param)


@pytest.fixture(scope="module")
def rich(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Columns of every kind."""
    return stored(studio, tmp_path_factory.mktemp("rich"), "media.parquet")


def done(studio: Studio, job: Job) -> Job:
    over = studio.wait(LOCAL, job.id, 300)
    assert over.state.value == "succeeded", over.error
    return over


def test_columns_are_there_and_no_rows(studio: Studio, ref: str) -> None:
    info = studio.dataset(LOCAL, ref).info
    assert info.splits == {"train": 0}
    assert [column.name for column in info.columns][:3] == ["text", "label", "number"]
    assert ref in [one.ref for one in studio.datasets(LOCAL)]
    assert "0 rows in 1 split" in studio.dataset_card(LOCAL, ref)
    assert studio.map_columns(LOCAL, ref, "train").reason == "There are no rows to tell by."


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(sort="number", descending=True, offset=100),
        View(conditions=(Condition(column="text", op="contains", value="a"),)),
        View(where="number IS NULL"),
        View(columns=("number",)),
    ],
)
def test_a_view_is_empty(studio: Studio, ref: str, view: View) -> None:
    page = studio.view(LOCAL, ref, view)
    assert (page.rows, page.numbers, page.total, page.matching) == ([], [], 0, 0)
    assert page.columns[0] == (view.columns[0] if view.columns else "text")


def test_there_is_no_row(studio: Studio, ref: str) -> None:
    with pytest.raises(InvalidInput, match="There are no rows"):
        studio.row(LOCAL, ref, "train", 0)
    with pytest.raises(InvalidInput, match="There are no rows"):
        studio.cell(LOCAL, ref, ("train", 0), "text")


def test_questions_and_searches(studio: Studio, ref: str) -> None:
    answer = studio.sql(LOCAL, ref, "train", "SELECT count(*), max(number) FROM data")
    assert answer.rows == [[0, None]]
    assert studio.sql(LOCAL, ref, "train", "SELECT text FROM data").rows == []
    for by in ("text", "words"):
        found = studio.search(LOCAL, ref, Search.model_validate({"query": "a", "by": by}))
        assert (found.page.rows, found.total) == ([], 0)
    with pytest.raises(NotFound, match="no index by meaning"):
        studio.search(LOCAL, ref, Search(query="a", by="meaning"))


def test_figures(studio: Studio, ref: str) -> None:
    figures = studio.statistics(LOCAL, ref, "train")
    assert [one.column for one in figures] == [column.name for column in studio.dataset(LOCAL, ref).info.columns]
    for one in figures:
        assert (one.basis.rows_seen, one.basis.rows_total, one.nulls, one.top, one.spreads) == (0, 0, 0, [], [])
        assert studio.column(LOCAL, ref, "train", one.column).rows == 0
    for x, y in (("text", "label"), ("text", "number"), ("number", "label")):
        assert studio.cross(LOCAL, ref, "train", x, y).cells == []
    assert studio.token_lengths(LOCAL, ref, "train", "text", "kit:minilm-l6") is None


def test_checks_at_once(studio: Studio, ref: str) -> None:
    light = [name for name in CHECKS if not CHECKS[name].heavy]
    report = studio.check_now(LOCAL, ref, light)
    assert {(one.severity, one.summary) for one in report.findings} == {("not run", "There are no rows.")}


def test_out_again(studio: Studio, ref: str, tmp_path: Path) -> None:
    dataset = studio.dataset(LOCAL, ref)
    names = [column.name for column in dataset.info.columns]
    for form in FORMATS:
        if "image" in names and form != "parquet":
            with pytest.raises(InvalidInput, match="Choose parquet"):
                studio.export(LOCAL, ref, form)
            continue
        content = b"".join(studio.export(LOCAL, ref, form, view=View(where="text IS NULL")).parts)
        assert content == b"".join(studio.export(LOCAL, ref, form).parts)
        if form == "parquet":
            assert pq.read_table(io.BytesIO(content)).column_names == names
        else:
            assert content.decode() == (",".join(f'"{name}"' for name in names) + "\n" if form == "csv" else "")
    shards = sharding.write(dataset, "train", tmp_path / "shards")
    assert (shards.rows, [pq.read_table(file).num_rows for file in shards.files]) == (0, [0])


def test_every_step_is_previewed(studio: Studio, rich: str) -> None:
    light = [step for step in STEPS.values() if step.name not in ("back-translate", "drop-leaked", "edit")]
    for step in light:
        found = studio.preview(LOCAL, rich, "train", [{"step": step.name, **step.example}])
        assert (found.before, found.after, set(found.parts.values())) == ([], [], {0}), step.name
    with pytest.raises((InvalidInput, InvalidInputs), match="row"):
        studio.preview(LOCAL, rich, "train", [{"step": "edit", "delete": [0]}])
    added = studio.preview(LOCAL, rich, "train", [{"step": "edit", "add": [{"text": "first"}]}])
    assert [row.cells[0] for row in added.after] == ["first"]


def test_steps_run_over_everything(studio: Studio, ref: str) -> None:
    steps: list[dict[str, Any]] = [
        {"step": "filter", "condition": "length(text) > 3"},
        {"step": "typos", "column": "text"},
        {"step": "template", "into": "prompt", "template": "{label}: {text}"},
        {"step": "deduplicate", "columns": ["text"]},
        {"step": "split", "train": 0.5, "validation": 0.25, "test": 0.25},
        {"step": "shuffle"},
    ]
    made = done(studio, studio.transform(LOCAL, ref, steps))
    result = studio.dataset(LOCAL, f"artifact:{made.artifact}").info
    assert result.splits == {"train": 0, "validation": 0, "test": 0}
    assert [column.name for column in result.columns][-1] == "prompt"
    assert "datasets" in studio.recipe_python(LOCAL, ref, steps)


def test_a_first_row_is_added(studio: Studio, rich: str) -> None:
    made = done(studio, studio.transform(LOCAL, rich, [{"step": "edit", "add": [{"text": "first", "number": 1}]}]))
    page = studio.view(LOCAL, f"artifact:{made.artifact}")
    assert [row[:3] for row in page.rows] == [["first", None, 1]]


def test_jobs_over_nothing(studio: Studio, rich: str) -> None:
    report = done(studio, studio.check(LOCAL, rich, list(CHECKS)))
    findings = studio.report(LOCAL, report.artifact).findings
    assert {one.severity for one in findings} == {"not run"}
    for kind in ("words", "meaning"):
        done(studio, studio.build_index(LOCAL, rich, {"kind": kind, "columns": ["text"]}))
    assert studio.search(LOCAL, rich, Search(query="a", by="meaning")).total == 0
    assert studio.embedding_map(LOCAL, rich, "train", ["text"]).rows == []


def test_nothing_to_annotate_and_nothing_to_learn(studio: Studio, rich: str) -> None:
    work = studio.start_annotation(LOCAL, rich, PLAN)
    assert studio.next_row(LOCAL, work.id).row is None
    with pytest.raises(InvalidInputs, match="No row has an answer yet"):
        studio.export_annotations(LOCAL, work.id, {"unmarked": True})
    with pytest.raises(InvalidInputs, match="No row of the training split has a text"):
        studio.submit(LOCAL, "text-classification", {"dataset": rich})


def test_every_tab_has_something_to_show(studio: Studio, ref: str) -> None:
    import gradio as gr

    dataset = studio.dataset(LOCAL, ref)
    with gr.Blocks():
        query = gr.Textbox()
        for tab in TABS:
            components, shown = tab.build(studio, query)
            updates = shown(LOCAL, Address(ref=ref, split="train", tab=tab.id), dataset)
            assert len(updates) == len(components), tab.id


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n\n", "there is nothing"),
        ("a.json", b"[]", "file"),
        ("a.jsonl", b"\n", "file"),
        ("a.parquet", written(pa.schema([]), pq.ParquetWriter), "there is nothing"),
        ("a.csv", b"x" * 1_001, "1,000 characters"),
    ],
)
def test_what_states_no_columns_is_refused(
    studio: Studio, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=said) as caught:
        studio.upload(LOCAL, tmp_path / name, name)
    assert caught.value.field == "file"
