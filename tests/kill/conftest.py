"""Fixtures of the tests that run real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.engines.local import LocalEngine
from tests.kill import harness
from tests.waiting import wait


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(harness.TOYS))
    monkeypatch.setenv("HF_TOKEN", "hf_the_operators_own")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return harness.settings(tmp_path / "home")


@pytest.fixture
def engine(settings: Settings) -> Iterator[LocalEngine]:
    made = LocalEngine(settings)
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["spawned", "forked"])
def any_engine(request: pytest.FixtureRequest, settings: Settings) -> Iterator[LocalEngine]:
    """An engine that spawns, and one whose zygote is warm."""
    made = LocalEngine(settings.model_copy(update={"zygote": request.param}), preload=())
    made.warm_up()
    if request.param:
        wait(lambda: made.warm, "the zygote is warm")
    yield made
    made.close()
