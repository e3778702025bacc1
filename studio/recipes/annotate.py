"""Annotated data set: the rows that were answered, with the answers as columns that trainers take."""

import time
from collections.abc import Iterator

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import Conflict, InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import exporting, features, marks, sources, writing
from studio.data.annotations import Annotations, Work
from studio.data.marks import FORMS, Form
from studio.data.records import Dataset
from studio.data.views import View
from studio.data.watching import Watch
from studio.jobs.artifacts import DataReference, Manifest
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes import arrival
from studio.recipes.base import Recipe
from studio.recipes.training.provenance import versions

MEMORY = 500 * 2**20  # bytes


class AnnotateParams(BaseModel):
    """Which answers become columns, and how."""

    model_config = ConfigDict(extra="forbid")

    work: str = Field(min_length=1, max_length=40, title="Annotation", description="Its id.")
    form: Form | None = Field(
        None,
        title="Form",
        description="column as it is; bio: tokens and tags, of spans; trl: chosen and rejected, of preferences.",
    )
    unmarked: bool = Field(
        False,
        title="All rows",
        description="Also the rows that have no answer, with an empty cell; not with bio and trl.",
    )
    title: str = Field("", max_length=200, title="Title", description="What the result is called.")


def asked(params: AnnotateParams, settings: Settings, owner: str) -> tuple[Work, Form]:
    """The work and the form; raises `InvalidInput` at "form", "unmarked" or "work"."""
    work = Annotations(settings, owner).get(params.work)
    form = params.form or FORMS[work.plan.kind][0]
    if form not in FORMS[work.plan.kind]:
        known = ", ".join(FORMS[work.plan.kind])
        raise InvalidInput("form", form, f"For answers of the kind {work.plan.kind} there are: {known}.")
    if params.unmarked and form != "column":
        raise InvalidInput("unmarked", True, f"In the form {form} a row without an answer has no place.")
    if not work.done:
        raise InvalidInput("work", params.work, "No row has an answer yet.")
    return work, form


def check(dataset: Dataset, work: Work) -> None:
    """Raise `Conflict` where all of a data set is here, and is not what it was when the work began."""
    if not dataset.info.partial and dataset.fingerprint() != work.fingerprint:
        raise Conflict(f"{work.ref} is not what it was when it was annotated; row numbers may stand for other rows.")


def validate(params: AnnotateParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """Whether there is something to make columns of, one problem at most."""
    try:
        work, _ = asked(params, settings, owner)
        check(sources.foreseen(work.ref, settings, owner), work)
    except InvalidInput as error:
        return [error if error.field in AnnotateParams.model_fields else InvalidInput("work", params.work, str(error))]
    except StudioError as error:
        return [InvalidInput("work", params.work, str(error))]
    return []


def run(params: AnnotateParams, context: JobContext) -> None:
    """Read the split once, and write the rows that have a place in the result."""
    settings, owner = Settings(home=context.spec.home).reading_as(context.token), context.spec.owner
    work, form = asked(params, settings, owner)
    dataset = arrival.whole(work.ref, settings, context)
    check(dataset, work)
    began, split = time.monotonic(), work.plan.split
    staging = context.stage()
    watch = Watch(context.progress, lambda: context.cancelled)
    with exporting.arrow(dataset, View(split=split)) as (schema, batches):
        made = _schema(dataset, work, form, schema)
        answered = _answered(batches, work, form, params, made, Annotations(settings, owner))
        rows = writing.write(answered, made, staging / f"{split}.parquet", work.rows, watch)
    context.saving()
    title = params.title or f"{work.title}, annotated: {work.plan.name}"
    context.commit(
        staging,
        Manifest(
            id=context.spec.job,
            kind="dataset",
            title=title,
            recipe="annotate",
            params=params.model_dump(mode="json") | {"plan": work.plan.model_dump(mode="json"), "form": form},
            owner=owner,
            job=context.spec.job,
            created_at=time.time(),
            data=DataReference(
                id=work.ref,
                revision=dataset.info.revision,
                fingerprint=work.fingerprint,
                splits={split: work.rows},
                license=dataset.info.license,
            ),
            labels=list(work.plan.classes),
            versions=versions(),
            metrics={"rows": float(rows), "annotated": float(work.done), "skipped": float(work.skipped)},
            seconds=round(time.monotonic() - began, 1),
            device=context.spec.device.kind,
            predicted_memory_bytes=context.spec.predicted_memory_bytes,
        ),
    )
    context.log(f"{rows:,} rows; {work.done:,} have an answer, {work.skipped:,} were passed over.")


def _schema(dataset: Dataset, work: Work, form: Form, schema: pa.Schema) -> pa.Schema:
    """The columns of the data set, then those of the answers; of pairs for a trainer only the latter."""
    described = {} if form == "trl" else features.of(dataset, work.plan.split, schema)
    fields = [] if form == "trl" else list(schema)
    for column in marks.columns_of(work.plan, form):
        if column.name in described:
            raise InvalidInput("form", form, f"There is a column {column.name!r} already; rename it first.")
        fields.append(pa.field(column.name, column.type))
        described[column.name] = column.feature
    return features.with_features(pa.schema(fields), described)


def _answered(
    batches: Iterator[pa.RecordBatch],
    work: Work,
    form: Form,
    params: AnnotateParams,
    made: pa.Schema,
    kept: Annotations,
) -> Iterator[pa.RecordBatch]:
    """The batches with the answers' cells, without the rows that have no place."""
    plan, start = work.plan, 0
    columns = marks.columns_of(plan, form)
    needed = [name for name in (plan.prompt, plan.column, plan.other) if name]
    for batch in batches:
        answers = kept.between(work.id, start, start + batch.num_rows)
        if answers or params.unmarked:
            held = [] if form == "column" else batch.select(needed).to_pylist()
            places, cells = list[int](), list[list[object]]()
            for place in range(batch.num_rows):
                value = answers.get(start + place)
                if value is None and not params.unmarked:
                    continue
                row = held[place] if held else {}
                if (found := marks.cells_of(plan, form, value, row, start + place)) is not None:
                    places.append(place)
                    cells.append(found)
            new = [pa.array([row[at] for row in cells], column.type) for at, column in enumerate(columns)]
            kept_rows = [] if form == "trl" else batch.take(pa.array(places, pa.int64())).columns
            yield pa.RecordBatch.from_arrays([*kept_rows, *new], schema=made)
        start += batch.num_rows


def leaves(params: AnnotateParams, settings: Settings, owner: str) -> int:
    """No more rows than there are."""
    return sources.foreseen_bytes(Annotations(settings, owner).get(params.work).ref, settings, owner)


RECIPE: Recipe[AnnotateParams] = Recipe(
    name="annotate",
    title="Annotated data set",
    kind="annotate",
    params=AnnotateParams,
    run=run,
    resources=lambda params, settings, owner: Resources(memory_bytes=MEMORY, threads=1),  # noqa: ARG005
    validate=validate,
    describe=lambda params: params.title or f"Annotated data set of {params.work}",
    reads_hub=True,
    leaves=leaves,
)
