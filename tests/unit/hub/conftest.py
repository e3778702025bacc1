"""A running test Hub and settings that point at it."""

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from pydantic import SecretStr

from studio.core.settings import Settings
from studio.hub import auth
from tests.hubserver.server import HubServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(auth, "_accounts", {})
    with HubServer() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def settings(server: HubServer, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", hub_deadline=4)


@pytest.fixture
def token(server: HubServer) -> SecretStr:
    return SecretStr(server.token)
