"""What every test shares: no telemetry, no event loop left open, and the fixtures of the test Hub."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

# read by huggingface_hub when it is imported
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from huggingface_hub import constants

from tests.hubserver.fixtures import hub_api, hub_environment, hub_server

__all__ = ["hub_api", "hub_environment", "hub_server"]


@pytest.fixture(autouse=True)
def _hub_as_it_was() -> Iterator[None]:
    """A studio that is started or asked in this process says to huggingface_hub whether it is offline: until then."""
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
