"""What the form's bounds cannot say: task, model, data, columns, the task's own parameters. Web process, no torch."""

from collections.abc import Iterator

from studio.core.errors import InvalidInput, InvalidInputs, StudioError
from studio.core.params import parse
from studio.core.settings import Settings
from studio.data import sources
from studio.data.records import Dataset
from studio.inference.models import resolve_model
from studio.recipes.predict.params import PredictParams
from studio.tasks import TASKS
from studio.tasks.base import Task


def validate(params: PredictParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """Every problem, one per field. Never raises for what a user can mend."""
    if params.task not in TASKS:
        return [InvalidInput("task", params.task, f"There is no such task. Known: {', '.join(TASKS)}.")]
    task = TASKS[params.task]
    problems = list(_parameters(task, params))
    try:
        resolve_model(params.model, settings, owner, task.id)
    except StudioError as error:
        problems.append(_at("model", params.model, error))
    try:
        dataset = sources.foreseen(params.dataset, settings, owner)
    except StudioError as error:
        return [*problems, _at("dataset", params.dataset, error)]
    return [*problems, *_columns(task, dataset, params)]


def mapping_of(task: Task, params: PredictParams) -> dict[str, str]:
    """Input → column."""
    return {task.inputs[0].name: params.column} | params.columns


def _parameters(task: Task, params: PredictParams) -> Iterator[InvalidInput]:
    try:
        parse(task.params, params.parameters)
    except InvalidInputs as error:
        for problem in error.problems:
            yield InvalidInput(f"parameters.{problem.field}", problem.value, problem.expected)


def _columns(task: Task, dataset: Dataset, params: PredictParams) -> Iterator[InvalidInput]:
    if params.split not in dataset.info.splits:
        known = ", ".join(dataset.info.splits)
        yield InvalidInput("split", params.split, f"There is no such split. It has: {known}.")
    slots = {slot.name: slot for slot in task.inputs}
    for name in params.columns:
        if name not in slots:
            yield InvalidInput("columns", name, f"The task has no such input. It has: {', '.join(slots)}.")
    listed = [column.name for column in dataset.info.columns]
    found = mapping_of(task, params)
    for name, column in found.items():
        if name in slots and column not in listed:
            field = "column" if name == task.inputs[0].name else f"columns.{name}"
            yield InvalidInput(field, column, f"There is no such column. It has: {', '.join(listed)}.")
    for slot in task.inputs:
        if not slot.optional and slot.name not in found:
            yield InvalidInput("columns", params.columns, f"{slot.label} ({slot.name!r}) needs a column too.")


def _at(field: str, value: str, error: StudioError) -> InvalidInput:
    plain = error.expected if isinstance(error, InvalidInput) else str(error)
    return InvalidInput(field, value, plain)
