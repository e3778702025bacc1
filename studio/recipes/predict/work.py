"""The run of a batch prediction: rows → batches → parts → one data set with the answers beside its columns."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from studio.core.errors import InvalidInput, StudioError
from studio.core.params import parse
from studio.core.settings import Settings
from studio.data import rows
from studio.data.records import Dataset
from studio.inference.border import border
from studio.inference.models import ModelFiles, resolve_model
from studio.jobs.artifacts import DataReference, Manifest, ModelReference
from studio.jobs.context import JobContext
from studio.recipes import arrival
from studio.recipes.predict import cells
from studio.recipes.predict.checks import mapping_of, validate
from studio.recipes.predict.params import PredictParams
from studio.recipes.predict.parts import Parts
from studio.recipes.training.provenance import versions
from studio.tasks import TASKS
from studio.tasks.base import Task

PART_ROWS = 1000  # the most rows of a part,
PART_SECONDS = 5.0  # and about the most work that a kill can cost
RESULT, CSV = "result.parquet", "result.csv"
SIMPLE = {"text", "number", "boolean"}  # kinds of columns that go into the result


@dataclass(frozen=True)
class Work:
    """Everything that stays the same for all rows.

    Attributes:
        kept: columns of the data set that go into the result, with their names there.
        total: rows to be asked about.
    """

    task: Task
    pipe: Any
    params: Any
    dataset: Dataset
    split: str
    mapping: dict[str, str]
    kept: dict[str, str]
    total: int


def run(params: PredictParams, context: JobContext) -> None:
    """From the last complete part on, to the artifact."""
    settings = Settings(home=context.spec.home).reading_as(context.token)
    task = TASKS[params.task]
    files = resolve_model(params.model, settings, context.spec.owner, task.id)
    dataset = arrival.checked(params, "dataset", validate, settings, context)
    data = DataReference(id=params.dataset, revision=dataset.info.revision, fingerprint=dataset.fingerprint())
    plan = {
        "params": params.model_dump_json(),
        "data": data.fingerprint,
        "model": f"{files.revision} {files.written_ns}",
    }
    parts = Parts(context.workdir / "parts", plan)
    work = _work(task, params, dataset, files, context)
    if parts.rows:
        context.log(f"Goes on at row {parts.rows + 1:,} of {work.total:,}")
    began = time.monotonic()
    first = parts.rows
    _ask(work, params.batch_size, parts, context)
    _leave(params, work, parts, context, (files, data, (parts.rows - first) / max(1e-9, time.monotonic() - began)))


def _work(task: Task, params: PredictParams, dataset: Dataset, files: ModelFiles, context: JobContext) -> Work:
    with border(files.ref, "the job's log"):
        pipe = task.load(files.path, files.base, context.spec.device.kind)
    mapping = mapping_of(task, params)
    outputs = set(cells.schema(task).names)
    simple = [one.name for one in dataset.info.columns if one.kind in SIMPLE or one.name in mapping.values()]
    kept = {name: f"input_{name}" if name in outputs else name for name in simple}
    total = dataset.info.splits[params.split]
    return Work(
        task=task,
        pipe=pipe,
        params=parse(task.params, params.parameters),
        dataset=dataset,
        split=params.split,
        mapping=mapping,
        kept=kept,
        total=min(total, params.limit) if params.limit else total,
    )


def _ask(work: Work, batch_size: int, parts: Parts, context: JobContext) -> None:
    """Part by part; when it is cancelled, the part that is under way is kept."""
    while parts.rows < work.total:
        start, began = parts.rows, time.monotonic()
        source = rows.part(work.dataset, work.split, list(work.kept), start, min(PART_ROWS, work.total - start))
        outputs: list[Any] = []
        errors: list[str] = []
        while len(outputs) < len(source) and time.monotonic() < began + PART_SECONDS and not context.cancelled:
            batch = source.slice(len(outputs), batch_size).to_pylist()
            for output, error in _answers(work, batch):
                outputs.append(output)
                errors.append(error)
            context.progress(start + len(outputs), work.total, f"row {start + len(outputs):,} of {work.total:,}")
        if outputs:
            parts.add(_table(work, source.slice(0, len(outputs)), outputs, errors))
            context.log(f"Row {parts.rows:,} of {work.total:,}" + (f", {_count(errors)} failed" if any(errors) else ""))
        context.raise_if_cancelled()


def _answers(work: Work, batch: Sequence[dict[str, Any]]) -> list[tuple[Any, str]]:
    """Output, or None and what is wrong, per row; where a batch fails, its rows are asked one by one."""
    found: list[tuple[Any, str]] = [(None, "")] * len(batch)
    good: list[tuple[int, dict[str, Any]]] = []
    for place, row in enumerate(batch):
        try:
            good.append((place, cells.inputs(work.task, work.mapping, row)))
        except InvalidInput as error:
            found[place] = (None, str(error))
    for place, answer in zip((place for place, _ in good), _predict(work, [one for _, one in good]), strict=True):
        found[place] = answer
    return found


def _predict(work: Work, batch: Sequence[dict[str, Any]]) -> list[tuple[Any, str]]:
    if not batch:
        return []
    try:
        with border("This row", "the job's log"):
            return [(output, "") for output in work.task.predict(work.pipe, batch, work.params)]
    except StudioError as error:
        if len(batch) == 1:
            return [(None, str(error))]
        return [answer for one in batch for answer in _predict(work, [one])]


def _table(work: Work, source: pa.Table, outputs: Sequence[Any], errors: Sequence[str]) -> pa.Table:
    answers = pa.table(cells.columns(work.task, outputs, errors), schema=cells.schema(work.task))
    renamed = source.rename_columns([work.kept[name] for name in source.column_names])
    for field in answers.schema:
        renamed = renamed.append_column(field, answers.column(field.name))
    return renamed


def _leave(
    params: PredictParams,
    work: Work,
    parts: Parts,
    context: JobContext,
    facts: tuple[ModelFiles, DataReference, float],
) -> None:
    """Put the parts together; the artifact is a data set of one split."""
    files, data, speed = facts
    context.saving()
    staging = context.stage()
    empty = _table(work, rows.part(work.dataset, work.split, list(work.kept), 0, 0), [], [])
    parts.write(staging / RESULT, empty.schema)
    parts.write_csv(staging / CSV, empty.schema)
    failed = parts.failed(cells.ERROR)
    manifest = Manifest(
        id=context.spec.job,
        kind="dataset",
        title=params.title(),
        task=work.task.id,
        recipe="predict",
        params=params.model_dump(mode="json"),
        owner=context.spec.owner,
        job=context.spec.job,
        created_at=time.time(),
        base_model=ModelReference(id=params.model, revision=files.revision, license=files.license),
        data=data.model_copy(update={"splits": {params.split: parts.rows}, "license": work.dataset.info.license}),
        versions=versions(),
        metrics={"rows": parts.rows, "failed": failed, "rows_per_second": round(speed, 2)},
        device=context.spec.device.kind,
        predicted_memory_bytes=context.spec.predicted_memory_bytes,
    )
    context.commit(staging, manifest)
    context.log(f"{parts.rows:,} rows, {failed:,} of them failed.")


def _count(errors: Sequence[str]) -> int:
    return sum(map(bool, errors))
