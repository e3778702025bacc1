"""What every test shares: no telemetry, no event loop left open, and the fixtures of the test Hub."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

# read by huggingface_hub when it is imported
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# read by OpenMP when torch is imported: threads that wait asleep leave the processor to the other tests
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# what hf_xet has sent to an address it does not send again, in later runs neither: a test Hub may get the same port
os.environ["HF_XET_CACHE"] = tempfile.mkdtemp(prefix="studio-xet-")

from huggingface_hub import constants

from tests.hubserver.fixtures import hub_api, hub_environment, hub_server

__all__ = ["hub_api", "hub_environment", "hub_server"]


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    yield
    shutil.rmtree(os.environ["HF_XET_CACHE"], ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _hub_as_it_was_before() -> Iterator[None]:
    """A studio that is started or asked in this process says to huggingface_hub whether it is offline: until then."""
    before = constants.HF_HUB_OFFLINE
    yield
    constants.HF_HUB_OFFLINE = before


@pytest.fixture(autouse=True)
def _hub_as_it_was() -> Iterator[None]:
    """The same for a studio of one test."""
    before = constants.HF_HUB_OFFLINE
    yield
    constants.HF_HUB_OFFLINE = before


@pytest.fixture(scope="session", autouse=True)
def _no_loops_left_open() -> Iterator[None]:
    """Gradio makes an event loop for each lock that it creates outside of one, and never closes it: we do."""
    made: list[asyncio.AbstractEventLoop] = []
    original = asyncio.new_event_loop

    def new_event_loop() -> asyncio.AbstractEventLoop:
        made.append(original())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", new_event_loop)
        yield
    for loop in made:
        if not loop.is_running():
            loop.close()
