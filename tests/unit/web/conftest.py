"""A studio of one's own and one for visitors, both serving, and a client."""

from collections.abc import Iterator

import httpx
import pytest

from studio.core.settings import Settings
from tests.unit.plugged import plugged
from tests.unit.web.serving import Served, serve


@pytest.fixture(scope="module")
def _toys() -> Iterator[None]:
    with plugged():
        yield


@pytest.fixture(scope="module")
def local(_toys: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("local") / "home"
    yield from serve(Settings(home=home, offline=True, zygote=False, max_upload_mb=1))


@pytest.fixture(scope="module")
def public(_toys: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("public") / "home"
    yield from serve(Settings(home=home, offline=True, zygote=False, public=True, max_queued=2))


@pytest.fixture
def client(local: Served) -> Iterator[httpx.Client]:
    with local.client() as client:
        yield client
