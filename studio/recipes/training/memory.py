"""Predicts the peak memory of a training process from files alone: config.json and safetensors headers, no torch.

The prediction feeds admission; the runner measures the real peak, which is stored beside it.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.recipes.training.checkpoints import safetensors_header

MIB = 2**20
STACK = 640 * MIB
"""Peak of a process that has imported torch, transformers' Trainer, peft, scikit-learn and trackio (shared pages
count), with its first tiny step done. Measured with these versions; see `benchmarks/training.py --memory`."""

FLOAT = 4
LORA_STATES = 4  # weight, gradient, and AdamW's two moments, all fp32


@dataclass(frozen=True)
class ModelShape:
    """The sizes that a transformer encoder's or decoder's memory depends on; `file_bytes` is its size on disk."""

    parameters: int
    file_bytes: int
    layers: int
    hidden: int
    intermediate: int
    heads: int


SMALL_ENCODER = ModelShape(33_000_000, 132_000_000, layers=12, hidden=384, intermediate=1536, heads=12)


def read_shape(folder: Path) -> ModelShape:
    """The shape of the model in a folder. Raises `OSError`, or `ValueError` when a file is damaged."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("config.json holds no object")
    parameters = file_bytes = 0
    for file in sorted(folder.glob("*.safetensors")):
        header = safetensors_header(file)
        header.pop("__length__")
        parameters += sum(math.prod(tensor["shape"]) for tensor in header.values())
        file_bytes += file.stat().st_size
    hidden = _first(config, 384, "hidden_size", "dim", "d_model", "n_embd")
    return ModelShape(
        parameters=parameters,
        file_bytes=file_bytes,
        layers=_first(config, 6, "num_hidden_layers", "n_layers", "n_layer", "encoder_layers"),
        hidden=hidden,
        intermediate=_first(config, 4 * hidden, "intermediate_size", "hidden_dim", "n_inner", "encoder_ffn_dim"),
        heads=_first(config, 12, "num_attention_heads", "n_heads", "n_head", "encoder_attention_heads"),
    )


def training_bytes(shape: ModelShape, batch: int, length: int, rank: int, lora_dropout: bool) -> int:
    """Predicted peak of a LoRA run in bytes: stack + weights + adapter + activations of one batch.

    Weights are held in fp32; the pages of the file they are copied from count while they are read. Activations per
    token and layer, in floats (those that autograd keeps until the backward pass, for frozen linear layers with an
    adapter beside each): 20 × hidden and 5 × intermediate, 3 × heads × length for the attention matrix, which is
    materialised when attention dropout is on, and 5 × hidden + 1 × intermediate more for the adapters' own dropout.
    Times 1.15 for what the allocator keeps.
    """
    tokens = batch * length
    per_token = 20 * shape.hidden + 5 * shape.intermediate + 3 * shape.heads * length
    if lora_dropout:
        per_token += 5 * shape.hidden + shape.intermediate
    activations = FLOAT * tokens * shape.layers * per_token
    adapter = FLOAT * LORA_STATES * shape.layers * rank * (10 * shape.hidden + 2 * shape.intermediate)
    weights = FLOAT * shape.parameters + shape.file_bytes
    return int(STACK + weights + adapter + 1.15 * activations)


def peak_memory() -> int:
    """Highest resident size of this process so far, in bytes (Linux: VmHWM; elsewhere getrusage)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) * 1024


def _first(config: dict[str, Any], default: int, *names: str) -> int:
    """The first of the names that the config has as a whole number: architectures call the same thing differently."""
    return next((value for name in names if isinstance(value := config.get(name), int) and value > 0), default)
