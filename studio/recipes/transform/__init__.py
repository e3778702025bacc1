"""Mend a data set: a recipe of steps over all of its rows. Importing this loads no torch."""

from studio.core.errors import InvalidInput, InvalidInputs, StudioError
from studio.core.settings import Settings
from studio.data import mending, shapes, sources
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.transform.params import TransformParams

MEMORY = 500 * 2**20  # bytes: DuckDB, Arrow and a few batches
MODELS = 1_000 * 2**20  # torch, transformers and a small model beside them
MODEL_STEPS = {"tokenize", "back-translate"}


def run(params: TransformParams, context: JobContext) -> None:
    """All steps over all rows, and a data set at the end."""
    from studio.recipes.transform import work

    work.run(params, context)


def validate(params: TransformParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """What is wrong with the recipe for this data set, each step by its number."""
    try:
        recipe = mending.read(params.recipe)
        dataset = sources.foreseen(params.dataset, settings, owner)
        shapes.shapes(dataset, recipe)
    except InvalidInputs as error:
        return list(error.problems)
    except InvalidInput as error:
        return [error]
    except StudioError as error:
        return [InvalidInput("dataset", params.dataset, str(error))]
    return []


def resources(params: TransformParams, settings: Settings, owner: str) -> Resources:  # noqa: ARG001
    """A stream takes little; steps with models take what those take."""
    names = {entry.name for entry in mending.read(params.recipe).steps}
    need = MEMORY + (MODELS if names & MODEL_STEPS else 0)
    return Resources(memory_bytes=need, gpu="back-translate" in names)


def leaves(params: TransformParams, settings: Settings, owner: str) -> int:
    """As much as was read: most steps change little."""
    return sources.foreseen_bytes(params.dataset, settings, owner)


RECIPE: Recipe[TransformParams] = Recipe(
    name="transform",
    title="Mend a data set",
    kind="data",
    params=TransformParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=TransformParams.describe,
    reads_hub=True,
    leaves=leaves,
)
