"""Data check: what may be wrong with a data set, as a report. Importing this loads no torch and no scikit-learn."""

from contextlib import suppress

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import sources
from studio.data.checks import CHECKS, asking
from studio.inference import memory
from studio.inference.models import memory_bytes, resolve_model
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.check.params import ENCODES, LABELS, NAMES, SEES, TASK, CheckJobParams

CHECKING = 500 * 2**20  # bytes: the most that a check takes
REPORT = 2_000_000  # bytes: a report with its rows, as JSON, page and text
IMPORTS = 1_000 * 2**20  # bytes: torch and transformers


def run(params: CheckJobParams, context: JobContext) -> None:
    """Run the checks, and leave a report."""
    from studio.recipes.check import work

    work.run(params, context)


def resources(params: CheckJobParams, settings: Settings, owner: str) -> Resources:
    """What checks take; with models their imports too, and the largest of them, for they come one after the other."""
    needs = []
    for _, ref, _ in models(params):
        needs.append(0)
        with suppress(StudioError, OSError):
            needs.append(memory_bytes(resolve_model(ref, settings, owner), memory.device()))
    if not needs:
        return Resources(memory_bytes=CHECKING)
    return Resources(memory_bytes=CHECKING + IMPORTS + 2 * max(needs), gpu=NAMES in params.checks)


def models(params: CheckJobParams) -> list[tuple[str, str, str]]:
    """Field, reference and task of each model that the chosen checks need or may ask."""
    found = [("model", params.model, TASK)] if NAMES in params.checks else []
    if LABELS in (params.checks or CHECKS):
        found += [("encoder", params.encoder, ENCODES), ("picture_encoder", params.picture_encoder, SEES)]
    return [one for one in found if one[1]]


def validate(params: CheckJobParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """Data set, checks, splits, columns, options, and the model where it is needed; one problem per field."""
    problems: list[InvalidInput] = []
    for field, ref, task in models(params):
        try:
            resolve_model(ref, settings, owner, task)
        except StudioError as error:
            problems.append(_at(field, ref, error))
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
    leaves=lambda params, settings, owner: REPORT,  # noqa: ARG005
)
