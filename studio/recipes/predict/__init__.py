"""Batch prediction: a column of a data set through a model. Importing this loads no torch."""

from contextlib import suppress

from studio.core.errors import StudioError
from studio.core.settings import Settings
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
)
