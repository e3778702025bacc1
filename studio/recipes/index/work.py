"""The run of an index job: texts → words or vectors → the folder that a search looks for.

What an earlier attempt has written is kept: both kinds go on at the row behind it.
"""

import shutil
from pathlib import Path
from typing import Any

from studio.core.settings import Settings
from studio.data import fulltext, indexes, reading, semantic
from studio.data.indexes import Index
from studio.data.records import Dataset
from studio.inference.border import border
from studio.inference.models import ModelFiles, resolve_model
from studio.jobs.context import JobContext
from studio.jobs.files import read_json, write_json
from studio.recipes import arrival
from studio.recipes.index import ENCODES, IndexParams, validate
from studio.tasks import TASKS

AT_ONCE = 128  # texts that are encoded between two reports
LONGEST = 256  # word pieces of a text that count
ON_PLANE = 3_000  # rows that are laid out; more would take minutes
SEED = 42
PLAN = "plan.json"


def run(params: IndexParams, context: JobContext) -> None:
    """From what is there already, to the whole index."""
    settings = Settings(home=context.spec.home).reading_as(context.token)
    dataset = arrival.checked(params, "dataset", validate, settings, context)
    place = indexes.place(dataset, params.split, params.columns, params.kind, settings)
    with indexes.alone(place, context.raise_if_cancelled):
        rows = _built(params, context, dataset, settings, place)
    context.log(f"{rows:,} rows can be searched by {params.kind}.")
    context.progress(1, 1, f"{rows:,} rows can be searched")


def _built(params: IndexParams, context: JobContext, dataset: Dataset, settings: Settings, place: Path) -> int:
    """Make the index, unless another job has just made it; returns its rows."""
    files = resolve_model(params.model, settings, context.spec.owner, ENCODES) if params.kind == "meaning" else None
    known = indexes.load(place)
    if known is not None and (files is None or (known.model, known.model_revision) == (files.ref, files.revision)):
        return known.rows
    folder = indexes.building(place)
    if files is None:
        rows = fulltext.build(
            dataset, params.split, params.columns, folder, context.progress, context.raise_if_cancelled
        )
        index = Index("words", params.split, tuple(params.columns), rows)
    else:
        rows = _vectors(params, dataset, files, folder, context)
        index = Index("meaning", params.split, tuple(params.columns), rows, files.ref, files.revision)
    context.saving()
    indexes.finish(place, index, settings)
    return rows


def _vectors(params: IndexParams, dataset: Dataset, files: ModelFiles, folder: Path, context: JobContext) -> int:
    """Write a vector per row, then where a sample of them lies on a plane."""
    from studio.starter.sentences import encode

    plan = {"model": files.ref, "revision": files.revision, "written": str(files.written_ns)}
    if folder.is_dir() and read_json(folder / PLAN) != plan:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, plan)
    with border(files.ref, "the job's log"):
        loaded: Any = TASKS[ENCODES].load(files.path, files.base, context.spec.device.kind)
    model, tokenizer = loaded.pipe
    longest = min(LONGEST, int(getattr(model.config, "max_position_embeddings", None) or LONGEST))
    width, total = int(model.config.hidden_size), dataset.info.splits[params.split]
    (folder / semantic.VECTORS).touch()  # of no rows there are no vectors, and a search looks for their file
    done, start = semantic.written(folder, width), 0
    if done:
        context.log(f"Goes on at row {done + 1:,} of {total:,}")
    for batch in reading.batches(dataset, params.split, params.columns, AT_ONCE):
        start += batch.num_rows
        if start <= done:
            continue
        context.raise_if_cancelled()
        texts = fulltext.joined(batch.slice(max(0, done - (start - batch.num_rows))))
        semantic.append(folder, encode(model, tokenizer, texts, longest).cpu().numpy())
        context.progress(start, total, f"row {start:,} of {total:,}")
    _plane(folder, width, context)
    return total


def _plane(folder: Path, width: int, context: JobContext) -> None:
    import numpy as np

    table: Any = semantic.vectors(folder, width)
    rows = np.arange(len(table))
    if len(rows) > ON_PLANE:
        rows = np.sort(np.random.default_rng(SEED).choice(len(table), ON_PLANE, replace=False))
        context.log(f"The map shows {ON_PLANE:,} rows, drawn with seed {SEED}.")
    context.progress(len(table), len(table), "laying out the map")
    semantic.write_plane(folder, rows.tolist(), semantic.flatten(table[rows], SEED, context.raise_if_cancelled))
