"""Where and with what a run was made: package versions, device, precision."""

import platform
from importlib.metadata import PackageNotFoundError, version

from studio import __version__
from studio.core.types import DeviceKind

PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "safetensors")


def versions() -> dict[str, str]:
    """Package → version, Python included; what is not installed is left out."""
    found = {"studio": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def takes_bf16(precision: str, device: DeviceKind) -> bool:
    """Whether autocast to bf16 is on: "auto" takes it on a GPU that has it."""
    if precision != "auto":
        return precision == "bf16"
    if device != "cuda":
        return False
    import torch

    return bool(torch.cuda.is_bf16_supported())
