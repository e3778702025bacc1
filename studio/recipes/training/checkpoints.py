"""Which checkpoint a job goes on from. A process may die while one is being written: only whole ones count."""

import json
import re
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

CHECKPOINT = re.compile(r"checkpoint-(\d+)")
STATE = "trainer_state.json"
ARCHIVES = ("optimizer.pt", "scheduler.pt", "rng_state.pth")
HEADER_LIMIT = 100_000_000  # the safetensors format's own limit


def last_complete(folder: Path) -> Path | None:
    """The newest whole checkpoint, or None; half-written ones are deleted, for Trainer would count them in."""
    found = []
    for path in folder.glob("checkpoint-*") if folder.is_dir() else ():
        match = CHECKPOINT.fullmatch(path.name)
        if match is None:
            continue
        if is_complete(path):
            found.append((int(match[1]), path))
        else:
            shutil.rmtree(path)
    return max(found)[1] if found else None


def is_complete(path: Path) -> bool:
    """Whether Trainer finished writing this checkpoint: state, weights, optimizer, schedule and random state."""
    try:
        step = read_state(path)["global_step"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    weights = list(path.glob("*.safetensors"))
    return (
        path.name == f"checkpoint-{step}"
        and bool(weights)
        and all(safetensors_whole(file) for file in weights)
        and all(zipfile.is_zipfile(path / name) for name in ARCHIVES)
    )


def read_state(path: Path) -> dict[str, Any]:
    """Trainer's own state of a checkpoint. Raises `OSError` or `ValueError`."""
    state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
    return state


def patience_used(path: Path) -> int:
    """How many evaluations without improvement EarlyStoppingCallback had counted at this checkpoint."""
    stored = read_state(path).get("stateful_callbacks", {}).get("EarlyStoppingCallback", {})
    return int(stored.get("attributes", {}).get("early_stopping_patience_counter", 0))


def safetensors_header(file: Path) -> dict[str, Any]:
    """Name → {dtype, shape, data_offsets}. Raises `OSError` or `ValueError` (damaged).

    Format: 8 bytes little-endian length, then JSON (https://huggingface.co/docs/safetensors).
    """
    with file.open("rb") as stream:
        start = stream.read(8)
        if len(start) != 8:
            raise ValueError(f"{file.name} is too short")
        (length,) = struct.unpack("<Q", start)
        if length > HEADER_LIMIT:
            raise ValueError(f"{file.name} has an impossible header")
        header = json.loads(stream.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"{file.name} has no header")
    header.pop("__metadata__", None)
    header["__length__"] = 8 + length
    return header


def safetensors_whole(file: Path) -> bool:
    """Whether the file is as long as its header says."""
    try:
        header = safetensors_header(file)
        data_start = header.pop("__length__")
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        return bool(file.stat().st_size == data_start + end)
    except (OSError, ValueError, KeyError, TypeError):
        return False
