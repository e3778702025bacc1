"""Batch prediction: a column of a data set through a model. Importing this loads no torch."""

from contextlib import suppress

from studio.core.errors import StudioError
from studio.core.settings import Settings
from studio.data import sources
from studio.inference import memory
from studio.inference.models import memory_bytes, resolve_model
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.predict.checks import validate
from studio.recipes.predict.params import PredictParams

IMPORTS = 1_000 * 2**20  # bytes: torch, transformers, and a part of the rows
OVER = 1.5  # what a batch takes beside the weights


def run(params: PredictParams, context: JobContext) -> None:
    """Ask for every row, and leave a data set."""
    from studio.recipes.predict import work

    work.run(params, context)


def resources(params: PredictParams, settings: Settings, owner: str) -> Resources:
    """Imports and weights; what a batch takes beside them differs by task, and is measured."""
    need = 0
    with suppress(StudioError, OSError):
        need = memory_bytes(resolve_model(params.model, settings, owner), memory.device())
    return Resources(memory_bytes=IMPORTS + int(OVER * need), gpu=True)


def leaves(params: PredictParams, settings: Settings, owner: str) -> int:
    """The rows once more, as Parquet and as CSV."""
    info = sources.foreseen(params.dataset, settings, owner).info
    rows = sum(info.splits.values()) / info.share if info.share else 0
    asked = info.splits.get(params.split, 0)
    if params.split in info.cut and info.share:
        asked = round(asked / info.share)
    part = min(asked, params.limit or asked) / rows if rows else 0.0
    return round(2 * part * sources.foreseen_bytes(params.dataset, settings, owner))


RECIPE: Recipe[PredictParams] = Recipe(
    name="predict",
    title="Batch prediction",
    kind="predict",
    params=PredictParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=PredictParams.title,
    reads_hub=True,
    leaves=leaves,
)
