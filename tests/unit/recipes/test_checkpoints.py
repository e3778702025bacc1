import json
import zipfile
from pathlib import Path

import pytest

from studio.recipes.training.checkpoints import ARCHIVES, is_complete, last_complete, safetensors_header


def write_checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (path / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    for name in ARCHIVES:
        with zipfile.ZipFile(path / name, "w") as archive:
            archive.writestr("data", "x" * 100)
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return path


def test_the_newest_whole_one_counts(tmp_path: Path) -> None:
    for step in (5, 10, 100):
        write_checkpoint(tmp_path, step)
    assert last_complete(tmp_path) == tmp_path / "checkpoint-100"


@pytest.mark.parametrize("name", [*ARCHIVES, "adapter_model.safetensors", "trainer_state.json"])
@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_half_written_ones_are_deleted(tmp_path: Path, name: str, damage: str) -> None:
    whole, half = write_checkpoint(tmp_path, 5), write_checkpoint(tmp_path, 10)
    if damage == "cut":
        content = (half / name).read_bytes()
        (half / name).write_bytes(content[: len(content) - 5])
    else:
        (half / name).unlink()
    assert not is_complete(half)
    assert last_complete(tmp_path) == whole
    assert not half.exists()


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert last_complete(tmp_path / "none") is None
    (tmp_path / "checkpoint-tmp").mkdir()
    assert last_complete(tmp_path) is None


DAMAGED = [b"", b"abc", b"\xff" * 8 + b"{}", b"\x02" + bytes(7) + b"[]", b"\x05" + bytes(7) + b"{"]


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_headers_are_value_errors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"\w"):
        safetensors_header(tmp_path / "m.safetensors")
