"""One set of wishes for many checks: what each takes of it, and running one so that its refusal is a finding."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from studio.core.errors import InvalidInput, InvalidInputs, UnknownName
from studio.core.params import parse
from studio.data.checks import CHECKS
from studio.data.checks.base import CheckParams, Finding, Progress, Stop, splits_of
from studio.data.records import Dataset

COMMON = ("splits", "columns", "label")


def params_of(name: str, common: Mapping[str, Any], options: Mapping[str, Any]) -> CheckParams:
    """The parameters of a check: what is said to all, where it takes it, and what is said to it alone.

    Raises `UnknownName`, and `InvalidInputs` with fields like "options.pii.region".
    """
    model = CHECKS[name].params
    shared = {field: common[field] for field in COMMON if common.get(field) and field in model.model_fields}
    try:
        found: CheckParams = parse(model, {**shared, **options})
    except InvalidInputs as error:
        raise InvalidInputs(
            [InvalidInput(f"options.{name}.{one.field}", one.value, one.expected) for one in error.problems]
        ) from None
    return found


def validate(
    dataset: Dataset,
    checks: Sequence[str],
    common: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    others: Sequence[str] = (),
) -> list[InvalidInput]:
    """What is wrong with the wishes, one per field; `others` are checks that are known and not in the table."""
    problems: list[InvalidInput] = []
    known = [*CHECKS, *others]
    for name in [*checks, *options]:
        if name not in known:
            field = "checks" if name in checks else "options"
            problems.append(InvalidInput(field, name, f"There is no such check. Known: {', '.join(known)}."))
    names = [column.name for column in dataset.info.columns]
    for field, there in (("splits", list(dataset.info.splits)), ("columns", names)):
        for value in common.get(field) or ():
            if value not in there:
                problems.append(InvalidInput(field, value, f"There is no such one. It has: {', '.join(there)}."))
    if (label := common.get("label")) and label not in names:
        problems.append(InvalidInput("label", label, f"There is no such column. It has: {', '.join(names)}."))
    for name in options:
        if name in CHECKS:
            try:
                params_of(name, {}, options[name])
            except InvalidInputs as error:
                problems += error.problems
    return problems


def run(
    dataset: Dataset,
    name: str,
    params: CheckParams,
    progress: Progress,
    stop: Stop,
    examine: Callable[..., Finding] | None = None,
) -> Finding:
    """What a check finds; where it cannot use what was chosen, a finding that says why.

    `examine` is called in the place of the check's own function: the same with models that help it, for example.
    """
    check = CHECKS[name]
    try:
        if not any(dataset.info.splits[split] for split in splits_of(dataset, params)):
            return check.not_run("There are no rows.")
        found: Finding = (examine or check.run)(dataset, params, progress, stop)
    except (InvalidInput, UnknownName) as error:
        return check.not_run(str(error))
    return found
