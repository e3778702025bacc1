"""Fixtures around the test Hub: a running server, a client of it, and the environment that points a process at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .server import HubServer

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@pytest.fixture
def hub_server() -> Iterator[HubServer]:
    """An empty Hub, stopped after the test."""
    with HubServer() as server:
        yield server


@pytest.fixture
def hub_api(hub_server: HubServer) -> Iterator[HfApi]:
    """The library's own client, in this process, as alice. `ModelCard` and downloads need `hub_environment`."""
    from huggingface_hub import HfApi, close_session

    yield HfApi(endpoint=hub_server.endpoint, token=hub_server.token)
    close_session()


@pytest.fixture
def hub_environment(hub_server: HubServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a subprocess that talks to `hub_server` as alice, with caches of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return kept | {
        "HF_ENDPOINT": hub_server.endpoint,
        "HF_TOKEN": hub_server.token,
        "HF_HOME": str(tmp_path / "hf_home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
