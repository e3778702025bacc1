"""A running test Hub and settings that point at it."""

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from pydantic import SecretStr

from studio.core.settings import Settings
from studio.hub import auth
from tests.hubserver.server import HubServer


def running(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[HubServer]:
    patch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder / "cache"))
    patch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(folder / "no-token"))
    patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    patch.delenv("HF_TOKEN", raising=False)
    patch.setattr(auth, "_accounts", {})
    with HubServer() as server:
        patch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    yield from running(monkeypatch, tmp_path)


@pytest.fixture
def settings(server: HubServer, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", hub_deadline=4)


@pytest.fixture
def token(server: HubServer) -> SecretStr:
    return SecretStr(server.token)
