"""Studios without processes: one on one's own machine, one for visitors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.service import Studio
from tests.unit.plugged import plugged


@pytest.fixture(scope="module", autouse=True)
def _toys() -> Iterator[None]:
    with plugged():
        yield


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False))
    yield made
    made.close()


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False, public=True, max_queued=3))
    yield made
    made.close()
