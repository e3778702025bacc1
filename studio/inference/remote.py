"""Models on the Hub against what may be loaded here: refused before anything is downloaded."""

import time
from functools import lru_cache

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.hub import downloads
from studio.hub import models as hub
from studio.hub.models import RemoteModel
from studio.inference import folders, memory

SECONDS = 60  # how long the Hub is not asked again about the same model
CONFIGURED = {"config.json", folders.PIPELINE, folders.ADAPTER_CONFIG}
BASE = "base_model:adapter:"  # tag of adapters


def look_up(repo_id: str, revision: str, settings: Settings) -> RemoteModel:
    """What the Hub says, at most a minute old; raises what `hub.models.look_up` raises."""
    return _look_up(repo_id, revision, settings, (settings.endpoint, int(time.monotonic() // SECONDS)))


@lru_cache(maxsize=256)
def _look_up(repo_id: str, revision: str, settings: Settings, moment: tuple[str, int]) -> RemoteModel:
    del moment  # part of the cache's key only
    return hub.look_up(repo_id, revision, settings)


def check(model: RemoteModel, settings: Settings) -> None:
    """Raise `InvalidInput("model", …)` for what is not loaded from the Hub, whatever it is for."""
    names = [file.path for file in model.files]
    folders.refuse_pickles(model.id, names)
    if not CONFIGURED & set(names):
        raise InvalidInput("model", model.id, folders.NO_CONFIG)
    folders.refuse_code(model.id, model.config if "auto_map" in model.config else _coded(model))
    if folders.weight_format(names) != "safetensors":
        raise InvalidInput("model", model.id, "It has no weights as safetensors; only those are loaded.")
    downloads.check_size("model", model.id, model.bytes, settings)


def _coded(model: RemoteModel) -> dict[str, object]:
    """A configuration that asks for code where the Hub's tag says so, and nothing else does."""
    kind = model.config.get("model_type", "")
    return {"auto_map": True, "model_type": kind} if "custom_code" in model.tags else {}


def memory_bytes(model: RemoteModel, device: str) -> int:
    """What its own weights take once loaded; 0 where the Hub does not say."""
    return memory.taken(sum(model.parameters.values()), model.bytes, device) or _by_files(model)


def base_of(model: RemoteModel) -> str:
    """The model that an adapter belongs to; "" for a whole model."""
    base = next((tag.removeprefix(BASE) for tag in model.tags if tag.startswith(BASE)), "")
    return base if base.count("/") == 1 and base != model.id else ""


def _by_files(model: RemoteModel) -> int:
    """Where the Hub has not counted the weights, of pipelines for example: as they are stored."""
    return sum(file.size for file in model.wanted if file.path.endswith(".safetensors"))
