"""Data check: what may be wrong with a data set, as a report. Importing this loads no torch and no scikit-learn."""

from contextlib import suppress

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import sources
from studio.data.checks import asking
from studio.inference import memory
from studio.inference.models import memory_bytes, resolve_model
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.check.params import NAMES, TASK, CheckJobParams

CHECKING = 500 * 2**20  # bytes: the most that a check takes
IMPORTS = 1_000 * 2**20  # bytes: torch and transformers


def run(params: CheckJobParams, context: JobContext) -> None:
    """Run the checks, and leave a report."""
    from studio.recipes.check import work

    work.run(params, context)


def resources(params: CheckJobParams, settings: Settings, owner: str) -> Resources:
    """What checks take; with names the model and its imports too."""
    if NAMES not in params.checks:
        return Resources(memory_bytes=CHECKING)
    need = 0
    with suppress(StudioError, OSError):
        need = memory_bytes(resolve_model(params.model, settings, owner), memory.device())
    return Resources(memory_bytes=CHECKING + IMPORTS + 2 * need, gpu=True)


def validate(params: CheckJobParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """Data set, checks, splits, columns, options, and the model where it is needed; one problem per field."""
    problems: list[InvalidInput] = []
    if NAMES in params.checks:
        try:
            resolve_model(params.model, settings, owner, TASK)
        except StudioError as error:
            problems.append(_at("model", params.model, error))
    try:
        dataset = sources.foreseen(params.dataset, settings, owner)
    except StudioError as error:
        return [*problems, _at("dataset", params.dataset, error)]
    common = params.model_dump(include=set(asking.COMMON))
    return [*problems, *asking.validate(dataset, params.checks, common, params.options, [NAMES])]


def _at(field: str, value: str, error: StudioError) -> InvalidInput:
    return InvalidInput(field, value, error.expected if isinstance(error, InvalidInput) else str(error))


RECIPE: Recipe[CheckJobParams] = Recipe(
    name="check",
    title="Data check",
    kind="check",
    params=CheckJobParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=CheckJobParams.title,
    reads_hub=True,
)
