"""What lies in a model's folder: configuration, weights, sizes. Read without torch, and refused where it is not safe.

Errors name the field "model", as every form that asks for a model calls it.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.errors import InvalidInput, NotFound

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PIPELINE = "model_index.json"  # of diffusers, which keeps the parts in folders
PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack"})
LIBRARIES = (None, "diffusers", "transformers", "stable_diffusion")  # of parts; the last one is the safety checker's
CODE = "It needs code from its repository, which the studio does not run."
NO_CONFIG = "It has no config.json, so it is not a transformers model."
MAX_CONFIG = 1_000_000  # bytes; a larger JSON file is a vocabulary
MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library


def read_config(ref: str, folder: Path) -> dict[str, Any]:
    """config.json of a whole model; raises `InvalidInput` when it is missing or asks for code of the repository."""
    if not (folder / "config.json").is_file():
        raise InvalidInput("model", ref, NO_CONFIG)
    config = read_json(ref, folder / "config.json")
    refuse_code(ref, config)
    return config


def refuse_code(ref: str, config: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` when a configuration asks for code of its repository."""
    if config.get("auto_map") and not _native(str(config.get("model_type", ""))):
        raise InvalidInput("model", ref, CODE)


def check_pipeline(ref: str, folder: Path) -> str:
    """The class of a pipeline of diffusers; raises `InvalidInput` for pickles, and for code of the repository.

    Diffusers imports a part's class from the library that model_index.json names: any other than these two is a
    Python file beside it.
    """
    index = read_json(ref, folder / PIPELINE)
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise InvalidInput("model", ref, CODE)
    for name, named in index.items():
        if not isinstance(named, list):
            continue
        if len(named) != 2 or named[0] not in LIBRARIES or not name.isidentifier():
            raise InvalidInput("model", ref, CODE)
        if named[0] is not None and (folder / name).is_dir():
            _check_part(ref, folder / name)
    return kind


def _check_part(ref: str, folder: Path) -> None:
    """One part: model, tokenizer or scheduler."""
    for file in folder.glob("*.json"):
        if not file.name.endswith(".index.json") and file.stat().st_size < MAX_CONFIG:
            refuse_code(ref, read_json(ref, file))
    if not (folder / "config.json").is_file():  # tokenizers, schedulers and processors have no weights
        return
    refuse_pickles(f"{ref}/{folder.name}", [file.name for file in folder.iterdir()])
    for index in folder.glob("*.safetensors.index.json"):
        check_weights(ref, folder, index.name.removesuffix(".index.json"))
    if not any(map(_is_plain, folder.glob("*.safetensors"))):
        raise InvalidInput("model", ref, f"Its part {folder.name} has no safetensors; only those are loaded.")


def _is_plain(weights: Path) -> bool:
    """Whether a file holds the weights themselves, and not a variant: half precision, or without averages."""
    return "." not in weights.stem


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


def weight_format(names: Sequence[str]) -> str:
    """What these files are, by their names: "safetensors", "pickle", "other", or "" when there are none."""
    if any(name.endswith(".safetensors") for name in names):
        return "safetensors"
    pickled = any(PurePosixPath(name).suffix in PICKLED for name in names if not name.startswith("training_args"))
    return "pickle" if pickled else "other" if names else ""


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
    if (folder / PIPELINE).is_file():
        return sum(_elements(file) for file in folder.glob("*/*.safetensors") if _is_plain(file))
    return sum(_elements(file) for file in folder.glob("*.safetensors"))


def measure(folder: Path) -> tuple[int, int]:
    """Bytes of all files, and when the last of them came, went or was written (ns).

    Raises `NotFound` when the folder is gone.
    """
    if not folder.is_dir():
        raise NotFound(f"The files of {folder.name} are not there.")
    found = list(_states(folder))
    return sum(size for size, _ in found), max(written for _, written in found)


def _states(folder: Path | str) -> Iterator[tuple[int, int]]:
    """Size and time of every file below, and the time of each folder, which a renamed file changes.

    Every prediction looks whether its model is still what it was, so this is quick.
    """
    yield 0, Path(folder).stat().st_mtime_ns
    with os.scandir(folder) as listed:
        for one in listed:
            if one.is_dir(follow_symlinks=False):
                yield from _states(one.path)
            elif one.is_file():
                state = one.stat()
                yield state.st_size, state.st_mtime_ns


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
