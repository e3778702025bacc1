"""Settings of an empty installation, a way to upload bytes as one owner, and a Hub without anybody signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from studio.core.settings import Settings
from studio.data import hubsets, sources, uploads
from studio.data.records import Dataset
from tests.hubserver.server import HubServer

Upload = Callable[..., Dataset]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def upload(settings: Settings, tmp_path: Path) -> Upload:
    """`upload(name, content, owner="local")` stores a file and resolves it again."""

    def store(name: str, content: bytes | str, owner: str = "local") -> Dataset:
        source = tmp_path / "received"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        info = uploads.store(source, name, settings, owner)
        dataset = sources.resolve(info.ref, settings, owner)
        assert dataset.info == info
        return dataset

    return store


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hubsets._asked.cache_clear()
    sources._describe.cache_clear()
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def paths(dataset: Dataset, split: str = "train") -> tuple[Path, ...]:
    """The files of a split that lies on this machine."""
    found = tuple(file for file in dataset.files[split] if isinstance(file, Path))
    assert len(found) == len(dataset.files[split])
    return found
