"""Whether a model fits: what its weights take once they are loaded, and what the worker and this machine can give.

Nothing is loaded here, and nothing is asked of torch: the web process calls this.
"""

from dataclasses import dataclass
from functools import lru_cache

from studio.core.errors import Conflict, InvalidInput
from studio.core.settings import Settings
from studio.core.types import DeviceKind
from studio.inference.pool import MB
from studio.jobs import leases
from studio.tasks.loading import halves

FLOAT32, BFLOAT16 = 4, 2  # bytes


@dataclass(frozen=True)
class Room:
    """The most that one model may take on a device, and what sets that limit."""

    bytes: int
    reason: str


@lru_cache(maxsize=1)
def device() -> DeviceKind:
    """Where the worker will put models, as far as one can tell without torch; the worker itself knows for sure."""
    return leases.detect()[0].kind


def dtype(size: int, device: str) -> str:
    """The type in which weights whose files have `size` bytes are loaded."""
    return "bfloat16" if halves(size, device) else "float32"


def taken(parameters: int, size: int, device: str) -> int:
    """Bytes of so many weights once loaded; `size` is that of their files."""
    return parameters * (BFLOAT16 if halves(size, device) else FLOAT32)


def room(settings: Settings, device: str) -> Room:
    """The budget for warm models, or the whole memory of the device where that is less."""
    budget, has = settings.inference_memory_mb * MB, _whole(device)
    if budget <= has:
        return Room(budget, f"{budget / MB:,.0f} MB are set aside for warm models (STUDIO_INFERENCE_MEMORY_MB)")
    return Room(has, f"this machine has {has / MB:,.0f} MB in all")


def check(ref: str, need: int, settings: Settings, device: str) -> None:
    """Raise `InvalidInput("model", …)` when a model that takes `need` bytes can never be loaded here."""
    limit = room(settings, device)
    if need > limit.bytes:
        expected = f"It takes about {need / MB:,.0f} MB once loaded, and {limit.reason}. Choose a smaller one."
        raise InvalidInput("model", ref, expected)


def check_free(need: int, device: str) -> None:
    """Raise `Conflict` when `need` bytes are not free now: loading all the same would end the process, or another."""
    free = leases.free_memory()
    if device != "cuda" and need > free:
        raise Conflict(
            f"The model takes about {need / MB:,.0f} MB, and {free / MB:,.0f} MB of memory are free at this moment. "
            "Choose a smaller one, or try again when jobs and other programs have ended."
        )


@lru_cache(maxsize=4)
def _whole(device: str) -> int:
    """Memory of a device; of the first one of its kind."""
    known = {found.kind: found.memory_bytes for found in reversed(leases.detect())}
    return known.get(device, leases.memory_limit())  # type: ignore[call-overload, no-any-return]
