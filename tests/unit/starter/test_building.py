"""How builders leave their work: whole or not at all, without touching other entries."""

from pathlib import Path

import pytest

from studio.starter import kit
from studio.starter.build import sources, writing
from studio.starter.kit import KitEntry
from tests.unit.starter.index import Index, index, wheel_bytes

__all__ = ["index"]


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


def test_a_wheel_is_opened_and_one_with_other_bytes_refused(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", wheel_bytes({"words.txt": b"hello"}))
    with sources.fetch_wheel(wheel, tmp_path) as archive:
        assert archive.read("words.txt") == b"hello"
    with pytest.raises(sources.SourceError, match=r"some-words==1\.0 with sha256 0000"):
        sources.fetch_wheel(sources.Wheel("some-words", "1.0", "0" * 64), tmp_path)
