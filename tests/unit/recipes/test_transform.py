"""Mending as a job: what it leaves, going on where it stopped, cancelling, and memory that the rows do not decide."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import JobCancelled
from studio.core.params import parse
from studio.core.settings import Settings
from studio.data import features, mending, sources, uploads
from studio.data.records import Dataset, DatasetInfo
from studio.jobs.artifacts import Artifact, load
from studio.jobs.files import CANCEL
from studio.recipes.transform import RECIPE, stored, work
from studio.recipes.transform.params import TransformParams
from studio.recipes.transform.passes import Run
from studio.recipes.transform.stored import Buckets, Store
from studio.recipes.transform.tools import full, light
from tests.mended import dataset, some_rows
from tests.unit.recipes.tiny import make_context

YAML = """
steps:
  - {step: filter, condition: number % 2 = 0 OR number IS NULL}
  - {step: typos, column: text}
  - {step: shuffle}
  - {step: split, train: 0.5, validation: 0.25, test: 0.25}
"""
KIT_TOKENIZERS = ("minilm-l6", "topic-classifier", "translator", "writer", "summarizer", "qa", "vqa")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.model_validate({"home": tmp_path / "home", "offline": True})
    made.artifacts_dir.mkdir(parents=True)
    return made


@pytest.fixture
def ref(settings: Settings, tmp_path: Path) -> str:
    file = tmp_path / "rows.parquet"
    pq.write_table(some_rows(), file)
    return uploads.store(file, file.name, settings, "local").ref


def run(settings: Settings, ref: str, text: str = YAML, attempt: int = 1) -> Artifact:
    params = parse(TransformParams, {"dataset": ref, "recipe": text})
    assert RECIPE.validate(params, settings, "local") == []
    context, _ = make_context(settings, params, attempt=attempt, recipe="transform")
    RECIPE.run(params, context)
    return load(settings.artifacts_dir, "job-1")


def tables(artifact: Artifact) -> dict[str, list[Any]]:
    return {file.stem: pq.read_table(file).to_pylist() for file in sorted(artifact.path.glob("*.parquet"))}


def test_what_a_job_leaves(settings: Settings, ref: str) -> None:
    artifact = run(settings, ref)
    found = sources.resolve("artifact:job-1", settings, "local")
    assert found.info.splits == {"train": 9, "validation": 5, "test": 4}
    source = sources.resolve(ref, settings, "local")
    recipe = mending.read((artifact.path / "recipe.yaml").read_text())
    assert recipe.steps == mending.read(YAML).steps
    assert recipe.source == mending.Source(ref, "", source.fingerprint())
    compile((artifact.path / "recipe.py").read_text(), "recipe.py", "exec")
    manifest = artifact.manifest
    assert manifest.data is not None
    assert (manifest.kind, manifest.data.id, manifest.data.splits) == ("dataset", ref, {"train": 32})
    assert manifest.data.fingerprint == source.fingerprint()
    assert manifest.params["steps"] == recipe.plain()
    assert manifest.metrics == {"rows_before": 32, "rows": 18}
    assert not (settings.jobs_dir / "job-1" / "passes").exists()


def test_a_run_that_was_cut_goes_on(settings: Settings, ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tables(run(settings, ref))
    written: list[str] = []
    add, close = Store.add, Store._close

    def failing(self: Store, *arguments: Any) -> None:
        if len(written) >= stop:
            raise KeyboardInterrupt
        add(self, *arguments)

    def noted(self: Store) -> None:
        close(self)
        written.append(f"{self.folder.name}/{len(self.files)}")

    monkeypatch.setattr(stored, "PART_SECONDS", 0.0)
    monkeypatch.setattr(Run, "part_seconds", 0.0)
    monkeypatch.setattr(Run, "batch_rows", 5)
    monkeypatch.setattr(Store, "add", failing)
    monkeypatch.setattr(Store, "_close", noted)
    attempt, stop = 2, 1
    while True:
        try:
            found = run(settings, ref, attempt=attempt)
            break
        except KeyboardInterrupt:
            attempt, stop = attempt + 1, stop + 2
    assert attempt > 4
    assert tables(found) == expected
    assert sorted(set(written)) == sorted(written), "no part was made twice"


def described(tmp_path: Path, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands in the footers of the result: split → features."""
    classes = {"names": ["no", "yes"], "_type": "ClassLabel"}
    tags = {"feature": classes, "_type": "List"}
    text = {"dtype": "string", "_type": "Value"}
    plain = pa.schema([("t", pa.string()), ("y", pa.int64()), ("tags", pa.list_(pa.int64()))])
    rows = pa.table({"t": ["a", "b", "c", "d"], "y": [0, 1, 1, -1], "tags": [[0, 1], [], [1], [0]]}, schema=plain)
    schema = features.with_features(plain, {"t": text, "y": classes, "tags": tags})
    (tmp_path / "data").mkdir()
    pq.write_table(rows.cast(schema), tmp_path / "data" / "train.parquet")
    source = Dataset(
        DatasetInfo("r", "r", "upload", {"train": 4}, ()), {"train": (tmp_path / "data" / "train.parquet",)}
    )
    made = Run(source, mending.read(steps), tmp_path / "passes")
    (tmp_path / "out").mkdir()
    made.write(made(), tmp_path / "out")
    said = {}
    for file in (tmp_path / "out").glob("*.parquet"):
        told = (pq.read_schema(file).metadata or {}).get(b"huggingface", b"{}")
        said[file.stem] = json.loads(told)["info"]["features"]
    return said


def test_names_of_classes_go_along(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"step": "filter", "condition": "y >= 0"},
        {"step": "rename", "column": "y", "to": "answer"},
        {"step": "typos", "column": "t"},
        {"step": "map", "into": "n", "expression": "answer + 1"},
        {"step": "split", "train": 0.5, "validation": 0, "test": 0.5},
    ]
    found = described(tmp_path, steps)
    assert set(found) == {"train", "test"}
    for one in found.values():
        assert one["answer"] == {"names": ["no", "yes"], "_type": "ClassLabel"}
        assert one["tags"]["feature"]["names"] == ["no", "yes"]
        assert one["t"] == {"dtype": "string", "_type": "Value"}
        assert one["n"]["_type"] == "Value"
    rows = datasets.Dataset.from_parquet(str(tmp_path / "out" / "test.parquet"), cache_dir=str(tmp_path / "cache"))
    assert rows.features["answer"].int2str(1) == "yes"


@pytest.mark.parametrize(
    "step",
    [
        {"step": "map", "into": "y", "expression": "y * 1"},
        {"step": "edit", "cells": [{"row": 0, "column": "y", "value": 2}]},
        {"step": "cast", "column": "y", "type": "text"},
    ],
)
def test_names_that_are_no_longer_true_do_not(step: dict[str, Any], tmp_path: Path) -> None:
    assert described(tmp_path, [step])["train"]["y"]["_type"] == "Value"


def test_another_recipe_starts_anew(settings: Settings, ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write", broken)
        with pytest.raises(KeyboardInterrupt):
            run(settings, ref)
    assert list((settings.jobs_dir / "job-1" / "passes").iterdir())
    other = run(settings, ref, "- {step: select, columns: [label]}", attempt=2)
    assert tables(other) == {"train": [{"label": row["label"]} for row in some_rows().to_pylist()]}


def test_cancelled_runs_stop(settings: Settings, ref: str) -> None:
    params = parse(TransformParams, {"dataset": ref, "recipe": YAML})
    context, _ = make_context(settings, params, recipe="transform")
    (context.attempt_dir / CANCEL).touch()
    with pytest.raises(JobCancelled):
        RECIPE.run(params, context)
    assert context.artifact is None


def test_progress_reaches_the_end(settings: Settings, ref: str) -> None:
    run(settings, ref)
    progress = json.loads((settings.jobs_dir / "job-1" / "attempt-1" / "progress.json").read_text())
    assert progress["done"] <= progress["total"] == 5
    assert progress["phase"] == "saving"


def test_what_is_wrong_is_said_before_the_job(settings: Settings, ref: str) -> None:
    def fields(**values: str) -> list[str]:
        params = parse(TransformParams, {"dataset": ref, "recipe": YAML, **values})
        return [problem.field for problem in RECIPE.validate(params, settings, "local")]

    assert fields(recipe="- {step: drop, columns: [no]}") == ["steps.1.columns"]
    assert fields(recipe="- {step: no}") == ["steps.1.step"]
    assert fields(dataset="upload:no") == ["dataset"]
    assert RECIPE.resources(parse(TransformParams, {"dataset": ref, "recipe": YAML}), settings, "local").threads == 0


def test_damaged_parts_are_made_again(tmp_path: Path) -> None:
    table = pa.table({"n": range(10)})
    store = Store(tmp_path / "pass", 0.0)
    store.open(table.schema)
    store.add(table, 10, [10])
    assert (Store(tmp_path / "pass").read, Store(tmp_path / "pass").rows) == (10, 10)
    store.files[0].write_bytes(b"PAR1 torn")
    again = Store(tmp_path / "pass")
    assert (again.read, again.positions, again.files) == (0, [], ())


def test_buckets_put_rows_where_they_belong(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(100)[:60]
    buckets = Buckets(tmp_path, order, 7)
    for start in range(0, 100, 9):
        buckets.add(pa.table({"place": range(start, min(100, start + 9))}))
    assert [row for table in buckets.sorted() for row in table.column("place").to_pylist()] == order.tolist()


@pytest.mark.parametrize("name", KIT_TOKENIZERS)
def test_previews_and_jobs_tokenize_alike(name: str, settings: Settings) -> None:
    texts = ["A chess program.", "", "Grüße, 東京 🙂 " * 30, "  two  spaces\n"]
    for length in (0, 6):
        in_preview = light(settings, "local").tokenizer(f"kit:{name}")(texts, length)
        assert in_preview == full(settings, "local", "cpu").tokenizer(f"kit:{name}")(texts, length)


MEASURED = """
import re, sys
from pathlib import Path
from studio.core.settings import Settings
from studio.data import mending, sources
from studio.recipes.transform.passes import Run

folder = Path(sys.argv[1])
found = sources.resolve(str(folder / "data"), Settings(home=folder / "home", offline=True), "local")
steps = mending.read((folder / "recipe.yaml").read_text())
run = Run(found, steps, folder / "passes")
(folder / "out").mkdir()
run.write(run(), folder / "out")
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())  # getrusage counts what forked it too
print(sum(run.counts.values()), int(peak[1]) // 1024)
"""


@pytest.mark.parametrize(
    "steps",
    [
        "- {step: filter, condition: n % 3 > 0}\n- {step: typos, column: t, share: 0.01}",
        "- {step: shuffle}",
        "- {step: split, stratify_by: label}\n- {step: template, into: u, template: '{label} {n}'}",
        "- {step: deduplicate, columns: [n]}",
    ],
)
def test_memory_does_not_grow_with_the_rows(steps: str, tmp_path: Path) -> None:
    """300 MB of text, a fourth of that as Parquet; the goal is a peak of 500 MB."""
    (tmp_path / "data").mkdir()
    count, noise = 160_000, np.random.default_rng(0)
    with pq.ParquetWriter(
        tmp_path / "data" / "train.parquet",
        schema := pa.schema([("n", pa.int64()), ("t", pa.string()), ("label", pa.string())]),
    ) as writer:
        for start in range(0, count, 20_000):
            words = noise.integers(0, 10_000, (20_000, 100))
            texts = [" ".join(map(str, row)) for row in (words + 10**18).tolist()]
            writer.write_table(
                pa.table({"n": range(start, start + 20_000), "t": texts, "label": ["a", "b"] * 10_000}, schema=schema)
            )
    (tmp_path / "recipe.yaml").write_text(steps)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows, peak = map(int, done.stdout.split())
    assert rows == (106_666 if "filter" in steps else count)
    assert peak < 500


def test_tools_of_the_hub(settings: Settings) -> None:
    tools = light(settings, "local")
    assert tools.arguments("owner/name@abc") == "'owner/name', revision='abc'"
    assert tools.arguments("kit:minilm-l6").endswith("minilm-l6'")
    with pytest.raises(Exception, match="A job fetches tokenizers"):
        tools.tokenizer("owner/name")


def test_rows_stay_in_order_over_many_groups(tmp_path: Path) -> None:
    given = dataset(tmp_path / "data", train=pa.table({"n": range(12_345)}))
    run = Run(given, mending.read([{"step": "map", "into": "m", "expression": "n + 1"}]), tmp_path / "passes")
    (tmp_path / "out").mkdir()
    run.write(run(), tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "train.parquet").column("m").to_pylist() == list(range(1, 12_346))
    assert work.AS_YAML == "recipe.yaml"
