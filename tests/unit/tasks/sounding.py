"""What the tests of sounds share: a loaded model, and its answer to one input."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.tasks import TASKS

Model = tuple[Any, Path]


def loaded(task: str, save: Callable[[Path], None], folder: Path) -> Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        save(folder)
    return TASKS[task].load(folder, None, "cpu"), folder


def ask(task: str, model: Model, given: object, **params: Any) -> Any:
    return TASKS[task].predict(model[0], [{"inputs": given}], TASKS[task].params(**params))[0]
