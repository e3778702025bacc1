"""The files of an attempt: their names, and the two ways in which they are written (replaced whole, or claimed once).

Standard library only, because the shim uses it. Nothing here knows what the files mean.
"""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPEC = "spec.json"  # what to run, without secrets; written by the engine
SHIM = "shim.json"  # who supervises; claimed by the shim, or by the engine that gave up waiting for one
RUNNER = "process.json"  # the runner's process, written by the shim
VERDICT = "runner.json"  # what the recipe came to, written by the runner
RESULT = "result.json"  # how the processes ended; written by the shim, last of all
PROGRESS = "progress.json"
HEARTBEAT = "heartbeat"
CANCEL = "cancel"
LOG = "log"  # in the job's folder: all attempts write to one log


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a file in one step; a reader sees the old text or the new one, never a part."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    partial.write_text(json.dumps(value), encoding="utf-8")
    partial.replace(path)


def claim_json(path: Path, value: Mapping[str, Any]) -> bool:
    """Create a file whole, unless somebody else already has; whether it was us."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    partial.write_text(json.dumps(value), encoding="utf-8")
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None while there is no such file, or what it holds is no object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
