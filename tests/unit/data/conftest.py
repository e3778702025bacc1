"""Settings of an empty installation, and a way to upload bytes as one owner."""

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.data import sources, uploads
from studio.data.records import Dataset

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


def paths(dataset: Dataset, split: str = "train") -> tuple[Path, ...]:
    """The files of a split that lies on this machine."""
    found = tuple(file for file in dataset.files[split] if isinstance(file, Path))
    assert len(found) == len(dataset.files[split])
    return found
