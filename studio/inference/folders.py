"""What lies in a model's folder: configuration, weights, sizes. Read without torch, and refused where it is not safe.

Errors name the field "model", as every form that asks for a model calls it.
"""

import json
import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.errors import InvalidInput, NotFound

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack"})
MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library


def read_config(ref: str, folder: Path) -> dict[str, Any]:
    """config.json of a whole model; raises `InvalidInput` when it is missing or asks for code of the repository."""
    if not (folder / "config.json").is_file():
        raise InvalidInput("model", ref, "It has no config.json, so it is not a transformers model.")
    config = read_json(ref, folder / "config.json")
    if config.get("auto_map") and not _native(str(config.get("model_type", ""))):
        raise InvalidInput("model", ref, "It needs code from its repository, which the studio does not run.")
    return config


def check_weights(ref: str, folder: Path, name: str = "model.safetensors") -> None:
    """Raise `InvalidInput` unless the weights are there, whole, as safetensors."""
    if (folder / name).is_file():
        return
    index = folder / f"{name}.index.json"
    if not index.is_file():
        refuse_pickles(ref, [file.name for file in folder.iterdir()])
        raise InvalidInput("model", ref, f"It has no {name}; only safetensors are loaded.")
    weight_map = read_json(ref, index).get("weight_map")
    shards = {str(shard) for shard in weight_map.values()} if isinstance(weight_map, dict) else set()
    missing = sorted(shard for shard in shards if "/" in shard or not (folder / shard).is_file())
    if missing or not shards:
        raise InvalidInput("model", ref, f"Its weights are incomplete; missing: {', '.join(missing[:3]) or 'all'}.")


def refuse_pickles(ref: str, names: Sequence[str]) -> None:
    """Raise `InvalidInput` when these files hold weights, but none as safetensors."""
    weights = [name for name in names if not name.startswith("training_args")]
    pickles = sorted(name for name in weights if PurePosixPath(name).suffix in PICKLED)
    if pickles and not any(name.endswith(".safetensors") for name in weights):
        raise InvalidInput("model", ref, f"It has only pickle weights ({pickles[0]}); only safetensors are loaded.")


def read_json(ref: str, path: Path) -> dict[str, Any]:
    """A JSON object from a file that somebody else wrote; raises `InvalidInput`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("model", ref, f"Its {path.name} cannot be read; it is not a JSON object.")
    return found


def parameters(folder: Path) -> int:
    """Number of weights in a folder's safetensors files, from their headers alone."""
    files = folder.rglob if (folder / "model_index.json").is_file() else folder.glob  # diffusers keep parts in folders
    return sum(_elements(file) for file in files("*.safetensors"))


def measure(folder: Path) -> tuple[int, int]:
    """Bytes of all files, and when the newest was written (ns); raises `NotFound` when the folder is gone."""
    if not folder.is_dir():
        raise NotFound(f"The files of {folder.name} are not there.")
    found = [file.stat() for file in folder.rglob("*") if file.is_file()]
    return sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0)


def _elements(file: Path) -> int:
    """Elements of all tensors of a file (8 bytes of length, then a JSON header: github.com/huggingface/safetensors)."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header: dict[str, Any] = json.loads(stream.read(min(length, MAX_HEADER)))
        return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidInput("model", file.name, "The file is damaged: it has no safetensors header.") from None


def _native(model_type: str) -> bool:
    """Whether transformers has this architecture itself; looked up on disk, because importing it costs a second."""
    spec, name = find_spec("transformers"), model_type.replace("-", "_")
    places = (spec.submodule_search_locations or []) if spec else []
    return name.isidentifier() and any((Path(place) / "models" / name).is_dir() for place in places)
