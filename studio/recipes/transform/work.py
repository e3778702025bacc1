"""The run of a job that mends: passes over the rows, then a data set with its recipe, script and lineage."""

import time

from studio.core.settings import Settings
from studio.data import mending, scripts
from studio.data.mending import Mending, Source
from studio.data.records import Dataset
from studio.jobs.artifacts import DataReference, Manifest
from studio.jobs.context import JobContext
from studio.jobs.files import read_json, write_json
from studio.recipes import arrival
from studio.recipes.training.provenance import versions
from studio.recipes.transform import validate
from studio.recipes.transform.params import TransformParams
from studio.recipes.transform.passes import Run
from studio.recipes.transform.tools import full

AS_YAML, AS_PYTHON = "recipe.yaml", "recipe.py"
PLAN = "plan.json"
EVERY = 0.5  # seconds between two written reports


def run(params: TransformParams, context: JobContext) -> None:
    """From the last complete part on, to the artifact."""
    settings = Settings(home=context.spec.home).reading_as(context.token)
    recipe = mending.read(params.recipe)
    dataset = arrival.checked(params, "dataset", validate, settings, context)
    for note in recipe.notes(dataset):
        context.log(note)
    source = Source.of(dataset)
    tools = full(settings, context.spec.owner, context.spec.device.kind)
    folder = context.workdir / "passes"
    passes = Run(dataset, recipe, folder, tools, _Reporter(context), context.raise_if_cancelled)
    plan = {"recipe": params.recipe, "data": source.fingerprint}
    if read_json(context.workdir / PLAN) != plan:
        passes.clean()
        write_json(context.workdir / PLAN, plan)
    elif folder.is_dir():
        context.log("Goes on after what an earlier attempt has finished.")
    began = time.monotonic()
    found = passes()
    context.saving()
    staging = context.stage()
    passes.write(found, staging)
    made = Mending(recipe.steps, source)
    (staging / AS_YAML).write_text(mending.dumped(made), encoding="utf-8")
    (staging / AS_PYTHON).write_text(scripts.python(dataset, made, tools), encoding="utf-8")
    manifest = _manifest(params, context, dataset, made)
    splits = passes.counts
    figures = {"rows_before": float(sum(dataset.info.splits.values())), "rows": float(sum(splits.values()))}
    context.commit(
        staging, manifest.model_copy(update={"metrics": figures, "seconds": round(time.monotonic() - began, 1)})
    )
    passes.clean()
    context.log(", ".join(f"{split}: {rows:,} rows" for split, rows in splits.items()))


def _manifest(params: TransformParams, context: JobContext, dataset: Dataset, made: Mending) -> Manifest:
    """What made it: the data set by reference, revision and fingerprint, and the steps."""
    source = made.source or Source.of(dataset)
    return Manifest(
        id=context.spec.job,
        kind="dataset",
        title=params.describe(),
        recipe="transform",
        params=params.model_dump(mode="json") | {"steps": made.plain()},
        owner=context.spec.owner,
        job=context.spec.job,
        created_at=time.time(),
        data=DataReference(
            id=params.dataset,
            revision=source.revision,
            fingerprint=source.fingerprint,
            splits=dict(dataset.info.splits),
            license=dataset.info.license,
        ),
        versions=versions(),
        device=context.spec.device.kind,
        predicted_memory_bytes=context.spec.predicted_memory_bytes,
    )


class _Reporter:
    """Progress twice a second, and a line in the log for each new pass."""

    def __init__(self, context: JobContext) -> None:
        self._context, self._at, self._pass = context, 0.0, -1

    def __call__(self, done: float, total: float, message: str) -> None:
        if int(done) != self._pass:
            self._pass = int(done)
            self._context.log(f"Pass {min(self._pass + 1, int(total))} of {int(total)}: {message}")
        elif time.monotonic() < self._at + EVERY:
            return
        self._at = time.monotonic()
        self._context.progress(done, total, message)
