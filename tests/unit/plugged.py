"""Makes the toys of tests/plugins known to this process and to those it starts, and unknown again afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from studio.core.registry import Registry
from studio.data.steps import STEPS
from studio.engines import ENGINES
from studio.metrics import METRICS
from studio.pages import PAGES
from studio.recipes import RECIPES
from studio.starter.build import BUILDERS
from studio.tasks import TASKS

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
TABLES: tuple[Registry[Any], ...] = (RECIPES, TASKS, ENGINES, STEPS, BUILDERS)
OTHERS: tuple[Registry[Any], ...] = (METRICS, PAGES)


@contextmanager
def plugged(folder: Path = PLUGINS) -> Iterator[None]:
    """While this lasts, what lies in `folder` is installed."""
    for table in OTHERS:
        assert "toy-metric" not in table  # read now, so that the toys do not stay behind in them
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])))
        patch.setattr(constants, "HF_HUB_OFFLINE", constants.HF_HUB_OFFLINE)  # a studio that is started sets it
        _forget()
        yield
    _forget()


def _forget() -> None:
    for table in TABLES:
        table.__dict__.pop("targets", None)
