"""The browser of the end-to-end tests, and a served studio with a tiny model for every task."""

import warnings
from collections.abc import Iterator

import pytest

from studio.core.settings import Settings
from studio.jobs.artifacts import stage
from studio.tasks import TASKS
from tests.e2e.conftest import browser, page
from tests.tiny import TINY
from tests.unit.inference.tiny import add_artifact
from tests.unit.web.serving import Served, serve

__all__ = ["browser", "page", "served"]


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each task's model is `artifact:TASK`."""
    settings = Settings(home=tmp_path_factory.mktemp("served") / "home", port=0, offline=True, zygote=False)
    for served in serve(settings):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # saving is not what is tested
            for name in sorted(TASKS):
                staged = stage(served.studio.settings.artifacts_dir)
                TINY[name](staged)
                add_artifact(served.studio.settings, staged, name, task=name)
        yield served
