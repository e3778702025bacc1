"""The manifest's loader: what it lists, how it fails, how it names damage."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import UnknownName
from studio.starter import kit


def write_kit(root: Path, **changes: Any) -> Path:
    """A kit of one data set with one file, as a builder would leave it."""
    content = b"text,label\nhello,greeting\n"
    folder = root / "greetings"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_bytes(content)
    file = {"path": "train.csv", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    entry = {
        "id": "kit:greetings",
        "kind": "dataset",
        "title": "Greetings",
        "description": "One greeting.",
        "tasks": ["text-classification"],
        "license": "CC0-1.0",
        "license_file": "LICENSE",
        "attribution": "nobody",
        "sources": [],
        "built_by": "studio.starter.build.greetings",
        "seed": 1,
        "versions": {},
        "files": [file],
    }
    (root / "manifest.json").write_text(json.dumps({"entries": [entry | changes]}), encoding="utf-8")
    return root


def test_an_entry_knows_its_folder_and_size(tmp_path: Path) -> None:
    entry = kit.entry("kit:greetings", write_kit(tmp_path))
    assert entry.path == tmp_path / "greetings"
    assert entry.path.is_absolute()
    assert entry.bytes == 26


def test_entries_are_filtered_by_kind_and_task(tmp_path: Path) -> None:
    root = write_kit(tmp_path)
    assert [one.id for one in kit.entries(root=root)] == ["kit:greetings"]
    assert [one.id for one in kit.entries(kind="dataset", task="text-classification", root=root)] == ["kit:greetings"]
    assert kit.entries(kind="model", root=root) == []
    assert kit.entries(task="translation", root=root) == []


def test_an_unknown_id_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"'kit:greeting'.*Known: kit:greetings"):
        kit.entry("kit:greeting", write_kit(tmp_path))


def test_a_whole_entry_has_no_problems(tmp_path: Path) -> None:
    assert kit.verify("kit:greetings", write_kit(tmp_path)) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is missing"),
        (b"short", "has 5 bytes instead of 26"),
        (b"text,label\nhello,grEEting\n", "has been changed (its sha256 differs)"),
    ],
)
def test_damage_is_named_with_its_repair(tmp_path: Path, content: bytes | None, problem: str) -> None:
    root = write_kit(tmp_path)
    file = root / "greetings" / "train.csv"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    (found,) = kit.verify("kit:greetings", root)
    assert f"kit:greetings: greetings/train.csv {problem}." in found
    assert "git checkout -- assets/kit" in found
    assert "studio kit build greetings" in found


@pytest.mark.parametrize("path", ["../other/train.csv", "/etc/passwd", "a/../../b"])
def test_a_path_that_leaves_the_entrys_folder_is_refused(tmp_path: Path, path: str) -> None:
    root = write_kit(tmp_path, files=[{"path": path, "size": 1, "sha256": "0" * 64}])
    with pytest.raises(kit.KitError, match="git checkout"):
        kit.entries(root=root)


def test_a_missing_or_broken_manifest_says_how_to_repair_it(tmp_path: Path) -> None:
    with pytest.raises(kit.KitError, match="git checkout"):
        kit.entries(root=tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(kit.KitError, match="git checkout"):
        kit.entries(root=tmp_path)


def test_a_new_manifest_is_seen_at_once(tmp_path: Path) -> None:
    root = write_kit(tmp_path)
    assert kit.entry("kit:greetings", root).title == "Greetings"
    manifest = root / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("Greetings", "Salutes"), encoding="utf-8")
    assert kit.entry("kit:greetings", root).title == "Salutes"


def test_reading_the_kit_needs_no_torch() -> None:
    code = (
        "import sys; from studio.starter import kit; kit.entries();"
        "assert not {'torch', 'transformers', 'datasets', 'gradio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
